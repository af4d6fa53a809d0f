"""Run the competitors as processes: the tap, and four other ways to extract the same rows."""

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
AIRBYTE, SCRIPT = "Airbyte CDK", "asyncio script"
COMPETITORS = (TAP, SCRIPT, AIRBYTE, DLT, STOCK)

MODULES = {
    DLT: "benchmarks.dlt_pipeline",
    AIRBYTE: "benchmarks.airbyte_source",
    SCRIPT: "benchmarks.asyncio_script",
}

NO_LIMIT = {"requests_per_second": 1000}
"""The tap sends requests as fast as it can."""


@dataclass
class RunResult:
    """Resources, output and requests of one run.

    Attributes:
        usage: Resources of the process.
        rows: Emitted rows by stream.
        bytes_out: Emitted bytes.
        requests: Requests that reached the API.
        rejected: Requests that the API rejected with 429.
        seconds: From the first request to the last response, by the API's clock.
        state: State for the next run. dlt keeps its state in its folder.
    """

    usage: Usage
    rows: dict[str, int]
    bytes_out: int
    requests: int
    rejected: int
    seconds: float
    state: Any = None


@dataclass
class SimulatedFirm:
    """A firm to extract, and a working folder for each competitor.

    Attributes:
        sandbox: The simulated API.
        folder: Parent of the working folders.
        latency: Response time of the API in seconds.
        token: Access token that all competitors use.
    """

    sandbox: SandboxServer
    folder: Path
    latency: float
    token: str = field(init=False)

    def __post_init__(self) -> None:
        """Request the access token."""
        self.token = _token(self.sandbox)

    def get(self, path: str) -> bytes:
        """Return the body of the API's response."""
        key = self.sandbox.credentials["api_key"]
        headers = {"x-api-key": key, "Authorization": f"Bearer {self.token}"}
        with urlopen(Request(self.sandbox.url + path, headers=headers)) as response:  # noqa: S310
            body: bytes = response.read()
        return body

    def run(
        self,
        name: str,
        state: Any = None,
        streams: Iterable[str] = ("matters", "fees"),
        source: Path = measure.ROOT,
        **settings: Any,
    ) -> RunResult:
        """Extract the firm with one competitor.

        Args:
            name: The competitor.
            state: State of an earlier run. None starts a full extraction.
            streams: Streams of the tap. The other competitors always extract matters and fees.
            source: Checkout of the tap.
            settings: More settings of the tap, which by default sends requests as fast as it can.
                Airbyte and the script use ``requests_per_second`` and ``burst``, dlt ``burst``
                alone, the stock tap none.
        """
        folder = self.folder / name.replace(" ", "-")
        if state is None:
            shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        config, python = self.config, sys.executable
        if name == TAP:
            python = measure.TAP_PYTHON
            selection = catalog(tuple(streams), source)
            settings = config | NO_LIMIT | settings
            files = {"config": settings, "catalog": selection, "state": state}
            command = ["-m", "tap_smokeball", *write_files(folder, files)]
        elif name == STOCK:
            python = measure.TAP_PYTHON
            files = {"config": config, "state": state}
            command = ["-m", "benchmarks.stock_tap", *write_files(folder, files)]
        else:
            config["rate"] = settings.get("requests_per_second")
            config["burst"] = settings.get("burst", 5)
            # dlt keeps its state in its folder.
            files = {"config": config, "state": None if name == DLT else state}
            command = ["-m", MODULES[name], *write_files(folder, files)[1::2]]
        self.sandbox.control.reset_requests()
        usage = measure.run([python, *command], folder, source)
        return self._result(name, usage)

    def command_of_all_streams(self) -> list[str]:
        """Return the command of the tap that reads the streams selected by default."""
        files = {"config": self.config | NO_LIMIT}
        return [measure.TAP_PYTHON, "-m", "tap_smokeball", *write_files(self.folder, files)]

    @property
    def config(self) -> dict[str, Any]:
        """The settings that all competitors need."""
        return {
            "api_url": self.sandbox.url,
            "api_key": self.sandbox.credentials["api_key"],
            "access_token": self.token,
        }

    def matter_ids(self) -> list[str]:
        """Return the ids of the matters, in the order of their list."""
        return [row["id"] for row in json.loads(self.get("/matters?Type=Matters,Leads"))["value"]]

    def rejected(self) -> int:
        """Return how many requests of the last run the API rejected with 429."""
        return _rejected(self.sandbox.control.requests())

    def _result(self, name: str, usage: Usage) -> RunResult:
        requests = self.sandbox.control.requests(log=True)
        timestamps = [entry["t"] for entry in requests["log"]] or [0.0]
        bytes_out = usage.bytes_out
        state: Any = None
        if name == DLT:
            totals, state = json.loads(usage.last_line), "in its folder"
            rows = {"matters": totals["matters"], "fees": totals["fees"]}
            bytes_out = totals["bytes"]
        else:
            rows = dict(usage.records)
            state = json.loads(usage.last_state) if usage.last_state else None
            if state:  # Airbyte's command line takes a list of its messages
                state = [state["state"]] if name == AIRBYTE else state["value"]
        return RunResult(
            usage=usage,
            rows=rows,
            bytes_out=bytes_out,
            requests=requests["total"],
            rejected=_rejected(requests),
            seconds=timestamps[-1] - timestamps[0] + self.latency,
            state=state,
        )


def _rejected(requests: dict[str, Any]) -> int:
    count: int = requests["by_status"].get("429", 0)
    return count


@contextmanager
def simulated_firm(**options: Any) -> Iterator[SimulatedFirm]:
    """Start a sandbox with these options and create a working folder."""
    latency = options.get("latency_ms", 0) / 1000
    with SandboxServer(**options) as sandbox, tempfile.TemporaryDirectory() as folder:
        yield SimulatedFirm(sandbox, Path(folder), latency)


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
    with urlopen(request) as response:  # noqa: S310
        token: str = json.load(response)["access_token"]
    return token


@cache
def catalog(streams: tuple[str, ...], source: Path = measure.ROOT) -> Any:
    """Return the catalog of a checkout's tap with only these streams selected."""
    with tempfile.TemporaryDirectory() as folder:
        content = json.loads(_discover(Path(folder), source))
    for stream in content["streams"]:
        for entry in stream["metadata"]:
            if not entry["breadcrumb"]:
                entry["metadata"]["selected"] = stream["tap_stream_id"] in streams
    return content


def _discover(folder: Path, source: Path) -> bytes:
    # Importing the SDK here would add its memory to that of each competitor.
    command = [measure.TAP_PYTHON, "-m", "tap_smokeball", "--discover"]
    return measure.output(command, folder, source)


def sandbox_settings(sandbox: SandboxServer) -> dict[str, Any]:
    """Return the tap's settings for a sandbox, with no effective rate limit."""
    return {
        "api_url": sandbox.url,
        "auth_url": sandbox.url,
        **sandbox.credentials,
        **NO_LIMIT,
    }


def write_files(folder: Path, contents: dict[str, Any]) -> list[str]:
    """Write a tap's input files and return its options, such as ``--config FILE``.

    Args:
        folder: Where the files are written.
        contents: JSON documents by option; None means no such option.
    """
    arguments = []
    for name, content in contents.items():
        if content is None:
            continue
        path = folder / f"{name}.json"
        path.write_text(json.dumps(content))
        arguments += [f"--{name}", str(path)]
    return arguments
