"""The resources the sandbox serves, one module an area of the API."""

from __future__ import annotations

from .billing import FEES
from .matters import MATTERS

RESOURCES = (MATTERS, FEES)
