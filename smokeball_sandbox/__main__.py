"""Command line: ``python -m smokeball_sandbox``."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import socket
import sys
from datetime import date
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smokeball_sandbox import auth
from smokeball_sandbox.app import build
from smokeball_sandbox.areas import RESOURCES
from smokeball_sandbox.firm import ANCHOR, Firm
from smokeball_sandbox.settings import Settings
from smokeball_sandbox.simulation import World

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_BACKLOG = 2048
_IDLE_SECONDS = 75
_GC_THRESHOLDS = (100_000, 50, 1000)


class Protocol(HttpToolsProtocol):
    """HTTP whose application can reach the connection, so as to break it."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["transport"] = self.transport


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        prog="python -m smokeball_sandbox", description="A simulated Smokeball API."
    )
    add = options.add_argument
    add("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    add("--port", type=int, default=8787, help="port; 0 takes a free one (%(default)s)")
    add("--public-url", help="what links in answers start with (http://HOST:PORT)")
    add("--matters", type=int, default=200, help="matters and leads (%(default)s)")
    add("--fees", type=int, help="average fees a matter (a believable spread)")
    add("--exact-fees", action="store_true", help="exactly --fees fees for every matter")
    add("--seed", type=int, default=7, help="what the data is drawn from (%(default)s)")
    add("--region", choices=("us", "au", "uk"), default="us", help="(%(default)s)")
    add("--no-intake", action="store_true", help="the firm does not subscribe to intake")
    add("--anchor", type=date.fromisoformat, default=ANCHOR, help="the data's day (%(default)s)")
    add("--account-id", help="account that paths may be prefixed with")
    add("--latency-ms", type=float, default=0, help="time every answer takes (%(default)s)")
    add("--rate", type=float, default=5, help="requests a second; 0: no limit (%(default)s)")
    add("--burst", type=int, default=5, help="bucket size, most in flight (%(default)s)")
    add("--token-seconds", type=int, default=3600, help="life of a token (%(default)s)")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until told to stop."""
    options = parser().parse_args(arguments)

    def announce(address: str) -> None:
        sys.stdout.write(f"smokeball-sandbox listening on {address}\n{_advice(address, options)}")
        sys.stdout.flush()

    with contextlib.suppress(KeyboardInterrupt):
        serve(options, announce)


def serve(options: argparse.Namespace, announce: Callable[[str], None]) -> None:
    """Serve until the process ends.

    Args:
        options: What `parser` makes of a command line.
        announce: Is told the address once there is one.
    """
    listener = socket.create_server((options.host, options.port), backlog=_BACKLOG)
    # Head and body leave in two writes: with Nagle's algorithm each answer would take 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    address = f"http://{options.host}:{listener.getsockname()[1]}"
    firm = Firm(
        url=(options.public_url or address).rstrip("/"),
        matters=options.matters,
        fees=options.fees,
        exact_fees=options.exact_fees,
        seed=options.seed,
        region=options.region,
        anchor=options.anchor,
        intake=not options.no_intake,
    )
    settings = Settings(
        latency_ms=options.latency_ms,
        rate=options.rate,
        burst=options.burst,
        token_seconds=options.token_seconds,
    )
    world = World(firm, settings, RESOURCES, options.account_id)
    config = uvicorn.Config(
        build(world),
        http=Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=1,
    )
    announce(address)
    # Rows live as long as the sandbox: looking through them for garbage is time wasted.
    gc.set_threshold(*_GC_THRESHOLDS)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


def _advice(address: str, options: argparse.Namespace) -> str:
    lines = [
        "Configure the tap with:",
        f"  api_url, auth_url  {address}",
        f"  api_key            {auth.API_KEY}",
        f"  client_id          {auth.CLIENT_ID}",
        f"  client_secret      {auth.CLIENT_SECRET}",
        f"  refresh_token      {auth.REFRESH_TOKEN}  (or none, for client credentials)",
    ]
    if options.account_id:
        lines.append(f"  account_id         {options.account_id}  (if links are to carry it)")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
