"""A headless browser, driven by the WebDriver protocol (JSON over HTTP)."""

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
    """Return a port that is free at this time."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


class Browser:
    """One browser window.

    Args:
        session_url: The address of its WebDriver session.
    """

    def __init__(self, session_url: str) -> None:
        self._session_url = session_url

    def open(self, url: str) -> None:
        self._send("POST", "/url", {"url": url})

    def wait_for_url(self, prefix: str, timeout_seconds: float = 60) -> None:
        """Wait until a page is loaded whose URL has this prefix."""
        deadline = time.monotonic() + timeout_seconds
        while not (self._send("GET", "/url").startswith(prefix) and self._is_loaded()):
            assert time.monotonic() < deadline, f"not at {prefix} after {timeout_seconds} s"
            time.sleep(0.1)

    def click(self, selector: str) -> None:
        found = self._send("POST", "/element", {"using": "css selector", "value": selector})
        (element,) = found.values()
        self._send("POST", f"/element/{element}/click", {})

    def text(self) -> str:
        return str(self.run("return document.body.innerText"))

    def run(self, script: str, *arguments: Any) -> Any:
        """Run JavaScript in the page, and return its result."""
        return self._send("POST", "/execute/sync", {"script": script, "args": arguments})

    def emulate(self, theme: str, width: int) -> None:
        """Show the page in the light or dark theme, with a width in pixels."""
        scheme = {"name": "prefers-color-scheme", "value": theme}
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self._devtools("Emulation.setEmulatedMedia", features=[scheme])
        self._devtools("Emulation.setDeviceMetricsOverride", **metrics)

    def _is_loaded(self) -> bool:
        return bool(self.run("return document.readyState") == "complete")

    def _devtools(self, command: str, **parameters: Any) -> None:
        self._send("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _send(self, method: str, path: str, content: Any = None) -> Any:
        response = requests.request(method, self._session_url + path, json=content, timeout=60)
        assert response.ok, response.text
        return response.json()["value"]


@contextmanager
def open_browser(profile: Path) -> Iterator[Browser]:
    """Open a browser with its profile in a folder."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/session"
    options: dict[str, Any] = {"args": [*_ARGUMENTS, f"--user-data-dir={profile}"]}
    if _BROWSER:
        options["binary"] = _BROWSER
    capabilities = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
    driver = subprocess.Popen([str(DRIVER), f"--port={port}"], stdout=subprocess.DEVNULL)
    try:
        while True:
            assert driver.poll() is None, "chromedriver exited"
            try:
                response = requests.post(url, json=capabilities, timeout=120)
            except requests.exceptions.ConnectionError:
                time.sleep(0.1)
            else:
                break
        assert response.ok, response.text
        session_url = f"{url}/{response.json()['value']['sessionId']}"
        yield Browser(session_url)
        requests.delete(session_url, timeout=60)
    finally:
        driver.terminate()
        driver.wait()
