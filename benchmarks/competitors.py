"""Who is compared: the tap, a tap after the SDK's template, and dlt; each a process of its own."""

from __future__ import annotations

import base64
import json
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from benchmarks import measure
from smokeball_sandbox import SandboxServer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.measure import Usage

TAP, STOCK, DLT = "tap-smokeball", "stock SDK tap", "dlt rest_api"
ALL = (TAP, STOCK, DLT)

FEES = "GET /matters/{matterId}/fees"
MATTERS = "GET /matters"


@dataclass
class Outcome:
    """What one run took, wrote and asked for.

    Attributes:
        usage: What the process took.
        rows: Rows it handed on, by stream.
        bytes_out: Bytes that it handed on.
        requests: Requests that the API has had.
        refused: How many of them were answered with 429.
        seconds: From the arrival of the first of them to the last answer, by the API's clock.
        state: What the next run goes on from; dlt keeps that in its folder, and says so.
    """

    usage: Usage
    rows: dict[str, int]
    bytes_out: int
    requests: int
    refused: int
    seconds: float
    state: Any = None


@dataclass
class Lab:
    """A firm that is extracted, and folders to work in.

    Attributes:
        sandbox: The API.
        folder: Where each contestant has a folder of its own.
        latency: Seconds that the API takes for an answer.
    """

    sandbox: SandboxServer
    folder: Path
    latency: float
    token: str = field(init=False)

    def __post_init__(self) -> None:
        """Fetch the token that all contestants use."""
        self.token = _token(self.sandbox)

    def get(self, path: str) -> bytes:
        """Return what the API answers."""
        key = self.sandbox.credentials["api_key"]
        headers = {"x-api-key": key, "Authorization": f"Bearer {self.token}"}
        with urlopen(Request(self.sandbox.url + path, headers=headers)) as answer:  # noqa: S310
            body: bytes = answer.read()
        return body

    def run(
        self,
        who: str,
        state: Any = None,
        streams: Iterable[str] = ("matters", "fees"),
        **settings: float,
    ) -> Outcome:
        """Let one of the contestants extract the firm.

        Args:
            who: Which one.
            state: What an earlier run left; None begins anew.
            streams: The tap's streams; the others know no more than these.
            settings: Settings of the tap besides how to connect; of these, dlt heeds ``burst``.
                Unless told otherwise, the tap sends as fast as it can.
        """
        folder = self.folder / who.replace(" ", "-")
        if state is None:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        config: dict[str, Any] = {
            "api_url": self.sandbox.url,
            "api_key": self.sandbox.credentials["api_key"],
            "access_token": self.token,
        }
        if who == TAP:
            settings = {"requests_per_second": 1000} | settings
            chosen = catalog(tuple(streams))
            files = {"config": config | settings, "catalog": chosen, "state": state}
            command = ["-m", "tap_smokeball", *files_of(folder, files)]
        elif who == STOCK:
            files = {"config": config, "state": state}
            command = ["-m", "benchmarks.stock_tap", *files_of(folder, files)]
        else:
            config["burst"] = settings.get("burst", 5)
            (folder / "config.json").write_text(json.dumps(config))
            command = ["-m", "benchmarks.dlt_pipeline", "config.json"]
        self.sandbox.control.reset_requests()
        usage = measure.run([sys.executable, *command], folder)
        return self._outcome(who, usage)

    def refused(self) -> int:
        """Return how many requests of the last run were answered with 429."""
        return _refused(self.sandbox.control.requests())

    def _outcome(self, who: str, usage: Usage) -> Outcome:
        asked = self.sandbox.control.requests(log=True)
        moments = [entry["t"] for entry in asked["log"]] or [0.0]
        bytes_out, state = usage.bytes_out, None
        if who == DLT:
            done, state = json.loads(usage.last_line), "in its folder"
            rows = {"matters": done["matters"], "fees": done["fees"]}
            bytes_out = done["bytes"]
        else:
            rows = dict(usage.records)
            state = json.loads(usage.last_state)["value"] if usage.last_state else None
        return Outcome(
            usage=usage,
            rows=rows,
            bytes_out=bytes_out,
            requests=asked["total"],
            refused=_refused(asked),
            seconds=moments[-1] - moments[0] + self.latency,
            state=state,
        )


def _refused(asked: dict[str, Any]) -> int:
    count: int = asked["by_status"].get("429", 0)
    return count


@contextmanager
def lab(**options: Any) -> Iterator[Lab]:
    """Start a sandbox with these options, and give it a folder for what is run against it."""
    latency = options.get("latency_ms", 0) / 1000
    with SandboxServer(**options) as sandbox, tempfile.TemporaryDirectory() as folder:
        yield Lab(sandbox, Path(folder), latency)


def _token(sandbox: SandboxServer) -> str:
    login = sandbox.credentials
    form = {
        "grant_type": "refresh_token",
        "refresh_token": login["refresh_token"],
        "client_id": login["client_id"],
    }
    basic = base64.b64encode(f"{login['client_id']}:{login['client_secret']}".encode()).decode()
    request = Request(  # noqa: S310
        f"{sandbox.url}/oauth2/token", urlencode(form).encode(), {"Authorization": f"Basic {basic}"}
    )
    with urlopen(request) as answer:  # noqa: S310
        token: str = json.load(answer)["access_token"]
    return token


@cache
def catalog(streams: tuple[str, ...]) -> Any:
    """Return the tap's catalog with these streams selected, and no others."""
    with tempfile.TemporaryDirectory() as folder:
        found = json.loads(_discover(Path(folder)))
    for stream in found["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] in streams
    return found


def _discover(folder: Path) -> bytes:
    # With the SDK imported here, each contestant would seem to take this process's memory.
    return measure.output([sys.executable, "-m", "tap_smokeball", "--discover"], folder)


def settings_of(sandbox: SandboxServer) -> dict[str, Any]:
    """Return settings by which the tap signs in to a sandbox, and is as fast as it can be."""
    return {
        "api_url": sandbox.url,
        "auth_url": sandbox.url,
        **sandbox.credentials,
        "requests_per_second": 1000,
    }


def files_of(folder: Path, contents: dict[str, Any]) -> list[str]:
    """Write what a tap is told into files, and return the options that name them; None is not."""
    arguments = []
    for name, content in contents.items():
        if content is None:
            continue
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content))
        arguments += [f"--{name}", str(path)]
    return arguments
