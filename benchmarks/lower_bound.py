"""The least that it can cost: decode each page, encode each row as a message, and nothing else.

``python -m benchmarks.lower_bound FILE [--floats]``; the file holds pages as the API sends them,
one a line. With ``--floats`` numbers pass through floats, which loses digits: the lower bound of
a tap that need not be exact.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import msgspec


def main(path: Path, *, floats: bool) -> None:
    """Write the rows of a file's pages to standard output."""
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
