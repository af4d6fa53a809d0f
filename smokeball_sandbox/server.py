"""Runs a sandbox in its own process during a ``with`` block."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from smokeball_sandbox import auth
from smokeball_sandbox.control_client import ControlClient
from smokeball_sandbox.fork_server import fork_server

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

if TYPE_CHECKING:
    from datetime import date
    from types import TracebackType


class SandboxServer:
    """Runs a sandbox during a ``with`` block.

    Attributes:
        url: Address of the sandbox.
        credentials: The settings api_key, client_id, client_secret and refresh_token.
        public_credentials: The same for a public client, which has no secret.
        control: Client of the control endpoints.
    """

    url: str
    control: ControlClient

    def __init__(  # noqa: PLR0913
        self,
        *,
        matters: int = 200,
        seed: int = 7,
        fees: int | None = None,
        exact_fees: bool = False,
        latency_ms: float = 0,
        rate: float = 0,
        burst: int = 5,
        token_seconds: int = 3600,
        account_id: str | None = None,
        region: str = "us",
        intake: bool = True,
        anchor: date | None = None,
    ) -> None:
        self.credentials = dict(auth.CREDENTIALS)
        self.public_credentials = {
            "api_key": auth.API_KEY,
            "client_id": auth.PUBLIC_CLIENT_ID,
            "refresh_token": auth.PUBLIC_REFRESH_TOKEN,
        }
        options: dict[str, object] = {
            "port": 0,
            "matters": matters,
            "seed": seed,
            "fees": fees,
            "latency-ms": latency_ms,
            "rate": rate,
            "burst": burst,
            "token-seconds": token_seconds,
            "account-id": account_id,
            "region": region,
            "anchor": anchor,
        }
        self._arguments: list[str] = []
        for name, value in options.items():
            if value is not None:
                self._arguments += [f"--{name}", str(value)]
        if exact_fees:
            self._arguments.append("--exact-fees")
        if not intake:
            self._arguments.append("--no-intake")
        self._process = 0

    def __enter__(self) -> Self:
        """Start the sandbox.

        Raises:
            RuntimeError: The sandbox did not start.
        """
        self._process, self.url = fork_server().start(self._arguments)
        self.control = ControlClient(self.url)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill the sandbox, which has no state to save."""
        os.kill(self._process, signal.SIGKILL)
