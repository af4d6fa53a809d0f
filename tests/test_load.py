"""A whole firm, loaded into DuckDB by its Singer target, is the firm; and so after changes."""

from __future__ import annotations

import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smokeball_sandbox import SandboxServer
from smokeball_sandbox.areas.ledger import SIGNS
from tap_smokeball import streams
from tests.harness import TAP, Process, catalog, config, truth

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.harness import Json

TARGET = Path(os.environ.get("TARGET_DUCKDB", ".venv-duckdb/bin/target-duckdb")).absolute()

pytestmark = pytest.mark.skipif(
    not TARGET.exists(),
    reason="no target-duckdb: `make test` installs it on Python 3.10 to 3.12",
)

KEYS = {str(vars(stream)["name"]): vars(stream)["primary_keys"] for stream in streams.ALL}
QUERY = """
import duckdb, json, sys
rows = duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchall()
print(json.dumps(rows, default=str))
"""


class Warehouse:
    """A DuckDB file that the tap and its target load a firm into."""

    def __init__(
        self, firm: SandboxServer, folder: Path, wanted: Iterable[str] = tuple(KEYS)
    ) -> None:
        self.firm = firm
        self._wanted = wanted
        self._process = Process(folder)
        self._database = folder / "warehouse.duckdb"
        self._state: Json | None = None

    def load(self) -> None:
        """Run the pipeline once; the next time it goes on from the state that the target gave."""
        target = self._process.folder / "target.json"
        settings = {"path": str(self._database), "default_target_schema": "smokeball"}
        target.write_text(json.dumps({**settings, "flush_all_streams": True}))
        chosen = catalog(wanted=self._wanted)
        arguments = self._process.files(config(self.firm), self._state, chosen)
        with subprocess.Popen(
            [*TAP, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as tap:
            loaded = subprocess.run(
                [str(TARGET), "--config", str(target)],
                stdin=tap.stdout,
                capture_output=True,
                check=True,
            )
            assert tap.wait() == 0
        self._state = json.loads(loaded.stdout.splitlines()[-1])

    def ask(self, query: str) -> list[list[Any]]:
        """Return the rows that a query gives, numbers with decimals as they are written."""
        python = TARGET.with_name("python")
        command = [str(python), "-c", QUERY, str(self._database), query]
        answer = subprocess.run(command, capture_output=True, check=True)
        rows: list[list[Any]] = json.loads(answer.stdout, parse_float=Decimal)
        return rows

    def one(self, query: str) -> list[Any]:
        [row] = self.ask(query)
        return row


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    with SandboxServer(matters=60) as firm:
        loaded = Warehouse(firm, tmp_path_factory.mktemp("load"))
        loaded.load()
        yield loaded


def count(warehouse: Warehouse, stream: str) -> list[Any]:
    key = ", ".join(f'"{name}"' for name in KEYS[stream])
    whole = " AND ".join(f'"{name}" IS NOT NULL' for name in KEYS[stream])
    return warehouse.one(
        f"SELECT count(*), count(DISTINCT ({key})), count(*) FILTER (WHERE {whole}) "  # noqa: S608
        f"FROM smokeball.{stream}"
    )


@pytest.mark.parametrize("stream", KEYS)
def test_every_row_is_there_once(warehouse: Warehouse, stream: str) -> None:
    rows = len(truth(warehouse.firm, stream))
    assert rows
    assert count(warehouse, stream) == [rows] * 3


@pytest.mark.parametrize(
    ("stream", "column"),
    [
        ("fees", "amount"),
        ("fees", "amountIncTax"),
        ("expenses", "amount"),
        ("transactions", "amount"),
        ("matter_balances", "balance"),
        ("bank_accounts", "balance"),
    ],
)
def test_money_is_there_to_the_cent(warehouse: Warehouse, stream: str, column: str) -> None:
    """DuckDB's target makes doubles of numbers: each amount is exact, a sum needs a cast."""
    query = f'SELECT sum("{column}"::DECIMAL(18, 2))::VARCHAR FROM smokeball.{stream}'  # noqa: S608
    sent = (Decimal(e["row"].get(column, 0)) for e in truth(warehouse.firm, stream))
    assert Decimal(warehouse.one(query)[0]) == sum(sent, Decimal(0))


def test_trust_balances_are_the_sums_of_their_transactions(warehouse: Warehouse) -> None:
    signs = ", ".join(f"('{kind}', {sign})" for kind, sign in SIGNS.items())
    held, wrong = warehouse.one(
        f"""
        WITH signs(kind, sign) AS (VALUES {signs}),
        moved AS (
            SELECT "bankAccountId", "matter" ->> '$.id' AS "matterId",
                   sum("amount"::DECIMAL(18, 2) * sign) AS balance
            FROM smokeball.transactions JOIN signs ON kind = "type" GROUP BY ALL
        )
        SELECT count(*), count(*) FILTER (WHERE moved.balance IS DISTINCT FROM
                                                held."balance"::DECIMAL(18, 2))
        FROM smokeball.matter_balances AS held
        LEFT JOIN moved USING ("bankAccountId", "matterId")
        """  # noqa: S608
    )
    assert (held > 0, wrong) == (True, 0)


def test_what_changed_is_changed_and_nothing_else(warehouse: Warehouse) -> None:
    firm = warehouse.firm
    before = {stream: count(warehouse, stream) for stream in KEYS}
    fees = [e for e in truth(firm, "fees") if e["row"].get("subject")]
    cleared, deleted, corrected = (fees[n]["row"]["id"] for n in (0, 1, 2))
    firm.control.touch("fees", cleared, parent=fees[0]["parent"], set={"subject": None})
    firm.control.delete("fees", deleted, parent=fees[1]["parent"], hard=False)
    firm.control.touch("fees", corrected, parent=fees[2]["parent"], set={"amount": 1234.56})
    new = firm.control.add("fees", parent=fees[0]["parent"])["row"]["id"]
    warehouse.load()
    rows = warehouse.ask(
        'SELECT "id", "subject" IS NULL, "isDeleted", "amount" FROM smokeball.fees '  # noqa: S608
        f"WHERE \"id\" IN ('{cleared}', '{deleted}', '{corrected}', '{new}')"
    )
    now = {row[0]: row[1:] for row in rows}
    assert now[cleared][0] is True
    assert now[deleted][1] is True
    assert now[corrected][2] == Decimal("1234.56")
    assert new in now
    before["fees"] = [rows + 1 for rows in before["fees"]]
    assert {stream: count(warehouse, stream) for stream in KEYS} == before
