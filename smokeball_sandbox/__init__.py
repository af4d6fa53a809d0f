"""A simulated Smokeball API over generated data, with faults on demand."""

from __future__ import annotations

from smokeball_sandbox.control_client import ControlClient, ControlError
from smokeball_sandbox.server import SandboxServer

__all__ = ["ControlClient", "ControlError", "SandboxServer"]
