"""A sandbox in this process, for taps in this process: no HTTP, no sockets."""

from __future__ import annotations

from ipaddress import ip_address
from itertools import count

from smokeball_sandbox import ControlClient, auth
from smokeball_sandbox.app import build_app
from smokeball_sandbox.areas import DETAILS, RESOURCES
from smokeball_sandbox.firm import Firm
from smokeball_sandbox.settings import Settings
from smokeball_sandbox.simulation import Simulation
from tests.memory_adapter import ADAPTERS, MemoryAdapter

_numbers = count()
_FIRST_ADDRESS = ip_address("127.0.1.1")


class MemoryFirm:
    """A sandbox that taps of `tests.harness.run` reach without HTTP.

    It suits tests with many runs that are not about HTTP.

    Attributes:
        url: Address, at which nothing listens.
        credentials: See `SandboxServer`.
        control: See `SandboxServer`.
    """

    def __init__(self, *, matters: int) -> None:
        self.url = f"http://{_FIRST_ADDRESS + next(_numbers)}"
        self.credentials = dict(auth.CREDENTIALS)
        resources = (*RESOURCES, *DETAILS)
        simulation = Simulation(Firm(url=self.url, matters=matters), Settings(rate=0), resources)
        adapter = ADAPTERS[self.url] = MemoryAdapter(build_app(simulation))

        def send(method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
            response = adapter.call(method, url, body or b"", {})
            assert response is not None
            return response.status, response.body

        self.control = ControlClient(self.url, send)
