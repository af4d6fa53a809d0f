"""Serves a firm of the tenant over HTTP: ``python -m tests.tenant --port 8765``."""

from __future__ import annotations

import argparse

from tests.tenant.api import Tenant
from tests.tenant.http_server import serve
from tests.tenant.options import Options
from tests.tenant.resources import RESOURCES
from tests.tenant.world import World


def main() -> None:
    """Serve until the process is stopped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--matters", type=int, default=20, help="matters, contacts, tasks, …")
    parser.add_argument("--seed", type=int, default=0, help="seed of the rows")
    options = parser.parse_args()
    world = World(Options(), options.seed, None)
    world.populate(RESOURCES, options.matters, 3)
    with serve(Tenant(world, f"http://127.0.0.1:{options.port}"), options.port) as server:
        print(f"Listening on http://127.0.0.1:{options.port}", flush=True)  # noqa: T201
        server.join()


if __name__ == "__main__":
    main()
