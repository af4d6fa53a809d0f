"""Every join in the picture of docs/joins.md holds, and the money adds up across streams."""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from smokeball_sandbox import SandboxServer
from tap_smokeball import streams
from tests.harness import catalog, config, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

PICTURE = Path(__file__).parent.parent / "docs" / "joins.md"
LINE = re.compile(r'^ +(\w+) [|o]+--[|o{]+ (\w+) : "([^"]+)"$', re.MULTILINE)
JOINS = LINE.findall(PICTURE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def records() -> Iterator[dict[str, list[Json]]]:
    """Every record of a firm, by stream."""
    names = [str(vars(stream)["name"]) for stream in streams.ALL]
    with SandboxServer(matters=60) as firm:
        output = run(config(firm), catalog=catalog(wanted=names))
        assert output.status == 0
        yield {name: output.records(name) for name in names}


def values(record: Any, path: str) -> Iterator[Any]:
    """Yield what stands at a path, looking into every element of a list."""
    if record is None:
        return
    if not path:
        yield record
        return
    name, _, rest = path.partition(".")
    if name.endswith("[]"):
        for element in record[name[:-2]] or ():
            yield from values(element, rest)
    else:
        yield from values(record[name], rest)


def test_the_picture_shows_all_streams() -> None:
    shown = {name for one, other, _ in JOINS for name in (one, other)}
    alone = {"firm", "groups"}
    assert shown | alone == {vars(stream)["name"] for stream in streams.ALL}


@pytest.mark.parametrize(("to", "of", "label"), JOINS)
def test_a_join_holds(records: dict[str, list[Json]], to: str, of: str, label: str) -> None:
    path, _, key = label.partition(" = ")
    there = {record[key or "id"] for record in records[to]}
    pointing = {value for record in records[of] for value in values(record, path)}
    assert pointing
    assert pointing <= there


def test_invoices_name_their_fees_and_expenses(records: dict[str, list[Json]]) -> None:
    there = {record["id"] for name in ("fees", "expenses") for record in records[name]}
    entries = {entry["id"] for invoice in records["invoices"] for entry in invoice["entries"] or ()}
    assert entries
    assert entries <= there


def test_balances_are_the_sums_of_the_transactions(records: dict[str, list[Json]]) -> None:
    """Trust money: what an account holds for a matter is what went in, less what went out."""
    from smokeball_sandbox.areas.ledger import SIGNS  # noqa: PLC0415 - which kinds go out

    sums: dict[tuple[str, str | None], Decimal] = defaultdict(Decimal)
    for transaction in records["transactions"]:
        matter: str | None = (transaction["matter"] or {}).get("id")
        amount = Decimal(transaction["amount"]) * SIGNS[transaction["type"]]
        sums[transaction["bankAccountId"], matter] += amount
    balances = {
        (record["bankAccountId"], record["matterId"]): Decimal(record["balance"])
        for record in records["matter_balances"]
    }
    assert balances
    assert {key: sums[key] for key in balances} == balances
