"""A simulated Smokeball: the API's behaviour over made-up data, with faults on demand."""

from __future__ import annotations

from .client import Control, ControlError
from .server import SandboxServer

__all__ = ["Control", "ControlError", "SandboxServer"]
