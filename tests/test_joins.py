"""The joins in docs/joins.md hold, and amounts agree across streams."""

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

pytestmark = pytest.mark.slow

DIAGRAM_PAGE = Path(__file__).parent.parent / "docs" / "joins.md"
LINE = re.compile(r'^ +(\w+) [|o]+--[|o{]+ (\w+) : "([^"]+)"$', re.MULTILINE)
JOINS = LINE.findall(DIAGRAM_PAGE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, list[Json]]]:
    """Yield all records of a firm, by stream."""
    names = [str(vars(stream)["name"]) for stream in streams.ALL]
    with SandboxServer(matters=60) as firm:
        place = tmp_path_factory.mktemp("documents").as_uri()
        output = run(config(firm, documents_url=place), catalog=catalog(wanted=names))
        assert output.status == 0
        yield {name: output.records(name) for name in names}


def values(record: Any, path: str) -> Iterator[Any]:
    """Yield the values at a path, from each element of a list."""
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


DOES_NOT_JOIN = {("matter_roles", "contact.id"): {"MyFirm"}}


def test_join_diagram_shows_all_streams() -> None:
    shown = {name for one, other, _ in JOINS for name in (one, other)}
    without_joins = {"firm", "groups", "webhook_subscriptions"}
    assert shown | without_joins == {vars(stream)["name"] for stream in streams.ALL}


@pytest.mark.parametrize(("target", "source", "label"), JOINS)
def test_join_keys_exist_in_joined_stream(
    records: dict[str, list[Json]], target: str, source: str, label: str
) -> None:
    """Each value of the joining column exists in the joined stream."""
    path, _, key = label.partition(" = ")
    keys = {record[key or "id"] for record in records[target]}
    references = {value for record in records[source] for value in values(record, path)}
    assert references
    assert references - keys <= DOES_NOT_JOIN.get((source, path), set())


def test_invoice_entries_are_fees_or_expenses(records: dict[str, list[Json]]) -> None:
    keys = {record["id"] for name in ("fees", "expenses") for record in records[name]}
    entries = {entry["id"] for invoice in records["invoices"] for entry in invoice["entries"] or ()}
    assert entries
    assert entries <= keys


def test_matter_balances_equal_transaction_sums(records: dict[str, list[Json]]) -> None:
    """The trust balance of a matter is the sum of its transactions."""
    from smokeball_sandbox.areas.ledger import SIGNS  # noqa: PLC0415 - used by this test only

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
