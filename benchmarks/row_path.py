"""Run the tap on responses in memory: ``python -m benchmarks.row_path FILE ARGUMENTS``.

FILE has the response of each path as a line: the path, a space, the body. So the CPU of two runs
with the same requests and other numbers of rows differs by the row path alone: all between the body
of a response and the bytes of its messages.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from tap_smokeball.tap import TapSmokeball

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import requests


class _Adapter(BaseAdapter):
    """Responds with the bodies of a file."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        lines = (line.split(b" ", 1) for line in file.read_bytes().splitlines())
        self._bodies = {path.decode(): body for path, body in lines}
        self._http = HTTPAdapter()

    @override
    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = self._bodies[request.path_url.partition("?")[0]]
        now = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        headers = {"Content-Length": str(len(body)), "Date": now}
        raw = HTTPResponse(BytesIO(body), headers, 200, preload_content=False, request_method="GET")
        return self._http.build_response(request, raw)

    @override
    def close(self) -> None:
        """Keep the bodies."""


def main(pages: str, config: str, catalog: str) -> None:
    """Run the tap with a configuration and a catalog, which are files."""
    settings = json.loads(Path(config).read_text("utf-8"))
    tap = TapSmokeball(config=settings, catalog=json.loads(Path(catalog).read_text("utf-8")))
    tap.session.client.transport.mount(settings["api_url"], _Adapter(Path(pages)))
    tap.run_streams()


if __name__ == "__main__":
    main(*sys.argv[1:])
