"""Measure the lower bound: decode each page and encode each row as a message.

``python -m benchmarks.lower_bound FILE [--floats]`` reads a file that has one page of the API per
line. With ``--floats``, numbers become floats and lose digits: the lower bound of an inexact tap.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import msgspec


def main(path: Path, *, floats: bool) -> None:
    """Write the rows of all pages as RECORD messages to standard output."""
    decode = msgspec.json.Decoder(float_hook=None if floats else Decimal).decode
    encode_lines = msgspec.json.Encoder(decimal_format="number").encode_lines
    write = sys.stdout.buffer.write
    with path.open("rb") as pages:
        for page in pages:
            rows = decode(page)["value"]
            write(
                encode_lines(
                    {
                        "type": "RECORD",
                        "stream": "fees",
                        "record": r,
                        "time_extracted": datetime.now(timezone.utc),
                    }
                    for r in rows
                )
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), floats="--floats" in sys.argv[2:])
