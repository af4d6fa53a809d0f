"""Run the tap on responses in files: ``python -m benchmarks.row_path FOLDER ARGUMENTS``.

FOLDER has the body of each path as a file, see `benchmarks.response_files`. So the CPU of two runs
with the same requests and other numbers of rows differs by the row path alone: all between the body
of a response and the bytes of its messages.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from benchmarks.response_files import response_file
from tap_smokeball.tap import TapSmokeball

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import requests


class _Adapter(BaseAdapter):
    """Responds with the bodies of a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._http = HTTPAdapter()

    @override
    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = response_file(self._folder, request.path_url or "").open("rb")
        now = datetime.now(timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
        length = os.fstat(body.fileno()).st_size
        headers = {"Content-Length": str(length), "Date": now}
        raw = HTTPResponse(body, headers, 200, preload_content=False, request_method="GET")
        return self._http.build_response(request, raw)

    @override
    def close(self) -> None:
        """Do nothing: each response closes its file."""


def main(folder: str, config: str, catalog: str) -> None:
    """Run the tap with a configuration and a catalog, which are files."""
    settings = json.loads(Path(config).read_text("utf-8"))
    tap = TapSmokeball(config=settings, catalog=json.loads(Path(catalog).read_text("utf-8")))
    tap.session.client.transport.mount(settings["api_url"], _Adapter(Path(folder)))
    tap.run_streams()


if __name__ == "__main__":
    main(*sys.argv[1:])
