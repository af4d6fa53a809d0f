"""What the process leaves out of its start."""

from __future__ import annotations

import importlib
import sys
import warnings

_DETECTORS = ("chardet", "charset_normalizer")


def import_requests() -> None:
    """Import requests without a library that guesses the encoding of a text.

    requests imports one if it is installed, and needs none. The tap decodes bytes, and JSON is
    UTF-8. The tables of all encodings would take 1.6 MB of each process, and 10 ms of its start.
    """
    withheld = [name for name in _DETECTORS if name not in sys.modules]
    for name in withheld:
        sys.modules[name] = None  # type: ignore[assignment]  # as if it was not installed
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
        importlib.import_module("requests")
    for name in withheld:
        del sys.modules[name]  # who needs it later may import it
