"""A simulated Smokeball: the API's behaviour over made-up data, with faults on demand."""

from __future__ import annotations

from smokeball_sandbox.control_client import Control, ControlError
from smokeball_sandbox.server import SandboxServer

__all__ = ["Control", "ControlError", "SandboxServer"]
