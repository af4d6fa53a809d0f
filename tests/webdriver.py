"""A headless browser, driven by the WebDriver protocol, which is JSON over HTTP."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DRIVER = shutil.which("chromedriver")
_BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


class Browser:
    """A window of the browser."""

    def __init__(self, session: str) -> None:
        self._session = session

    def open(self, address: str) -> None:
        self._send("POST", "/url", {"url": address})

    def arrive(self, address: str, seconds: float = 60) -> None:
        """Wait for a complete page whose address starts with ``address``."""
        until = time.monotonic() + seconds
        while not (self._send("GET", "/url").startswith(address) and self._is_complete()):
            assert time.monotonic() < until, f"not at {address} after {seconds} s"
            time.sleep(0.1)

    def click(self, selector: str) -> None:
        found = self._send("POST", "/element", {"using": "css selector", "value": selector})
        (element,) = found.values()
        self._send("POST", f"/element/{element}/click", {})

    def text(self) -> str:
        return str(self._run("return document.body.innerText"))

    def _is_complete(self) -> bool:
        return bool(self._run("return document.readyState") == "complete")

    def _run(self, script: str) -> Any:
        return self._send("POST", "/execute/sync", {"script": script, "args": []})

    def _send(self, method: str, path: str, content: Any = None) -> Any:
        response = requests.request(method, self._session + path, json=content, timeout=60)
        assert response.ok, response.text
        return response.json()["value"]


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Open a browser with its profile in a folder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/session"
    options: dict[str, Any] = {"args": [*_ARGUMENTS, f"--user-data-dir={folder}"]}
    if _BROWSER:
        options["binary"] = _BROWSER
    capabilities = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
    driver = subprocess.Popen([str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL)
    try:
        while True:
            assert driver.poll() is None, "chromedriver has ended"
            try:
                response = requests.post(url, json=capabilities, timeout=120)
            except requests.exceptions.ConnectionError:
                time.sleep(0.1)
            else:
                break
        assert response.ok, response.text
        session = f"{url}/{response.json()['value']['sessionId']}"
        yield Browser(session)
        requests.delete(session, timeout=60)
    finally:
        driver.terminate()
        driver.wait()
