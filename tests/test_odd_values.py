"""Whatever the API sends, each record fits its schema, and no value is lost."""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import (  # type: ignore[import-untyped]
    Draft202012Validator,
    FormatChecker,
)

from tap_smokeball.api.client import ApiClient, Endpoint
from tap_smokeball.api.response_parsers import ARRAY
from tap_smokeball.config.settings import Settings
from tap_smokeball.records.record_builder import RecordBuilder
from tap_smokeball.streams import ALL
from tap_smokeball.tap import TapSmokeball
from tests.harness import config, run, sandbox_rows

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from smokeball_sandbox import SandboxServer

CREDENTIALS = {"region": "us", "client_id": "c", "client_secret": "s", "api_key": "k"}
FORMATS = FormatChecker(["date"])
RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?Z")


def is_date_time(value: object) -> bool:
    """Return whether a value, if it is text, is a UTC date-time that exists."""
    if not isinstance(value, str):
        return True
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return False
    return bool(RFC3339.fullmatch(value))


FORMATS.checks("date-time")(is_date_time)
STREAM_NAMES = [str(vars(stream)["name"]) for stream in ALL]


TEXTS = st.sampled_from(
    [
        *("", "12.50", "6", "6.0", "007", "1e400", "true", "True", "no", "/Date(1700000000000)/"),
        *("2026-02-30", "2026-02-30T00:00:00Z", "10000-01-01", "10000-01-01T00:00:00Z"),
        *("2026-02-28", "2026-02-28T10:00:00", "2026-02-28T10:00:00Z", "0000-01-01"),
        *("2026-02-28T10:00:00.1234567Z", "9999-12-31T23:59:59-10:00", "2026-W01-1"),
        *("2026-02-28T10:00:60Z", "2026-02-28T24:00:00Z", "2026-02-28T10:00:00+99:00"),
        *("0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "\uff12026-02-28"),
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.text(max_size=30),
    st.datetimes().map(str),
)
NAMES = st.sampled_from(["id", "href", "type", "amount", "extra", "downloadUrl", "contact"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def tap() -> TapSmokeball:
    return TapSmokeball(config=CREDENTIALS)


def builder_of(stream: Any) -> RecordBuilder:
    """Return a builder with all columns of a stream selected."""
    everything: Any = defaultdict(lambda: True)
    return RecordBuilder(stream.all_columns, everything)


def objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Draw values that resemble a schema: objects and lists have the declared names."""
    if "properties" in schema:
        inner = {name: objects(each) for name, each in schema["properties"].items()}
        return st.fixed_dictionaries({}, optional=inner) | VALUES
    if "items" in schema:
        return st.lists(objects(schema["items"]), max_size=2) | VALUES
    return VALUES


@pytest.mark.parametrize("name", STREAM_NAMES)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_odd_values_fit_the_schema(tap: TapSmokeball, name: str, data: st.DataObject) -> None:
    """Arbitrary JSON in every column becomes a record that is valid, formats included."""
    stream = tap.streams[name]
    builder, schema = builder_of(stream), stream.schema
    row = {each: data.draw(objects(inner)) for each, inner in schema["properties"].items()}
    row |= data.draw(st.dictionaries(st.text(max_size=5), VALUES, max_size=2))
    [record] = builder.records([row], {})
    plain = json.loads(json.dumps(record, default=float), parse_constant=lambda _: 1)
    Draft202012Validator(schema, format_checker=FORMATS).validate(plain)
    assert record.keys() == schema["properties"].keys()


@pytest.mark.parametrize("name", STREAM_NAMES)
def test_odd_values_are_not_lost(tap: TapSmokeball, name: str) -> None:
    """A text that no other column than texts can hold is in the record or in its extraFields."""
    stream = tap.streams[name]
    builder = builder_of(stream)
    for value in ("no number", {"note": "kept"}, ["kept"], True, 7, Decimal("6.5")):
        row = dict.fromkeys(stream.schema["properties"], value)
        [record] = builder.records([row], {})
        kept = json.dumps(record["extraFields"], default=str)
        for column in row:
            held = record[column] if column != "extraFields" else None
            assert held is not None or column in record["extraFields"] or f"{column}." in kept, (
                column,
                value,
            )


@pytest.mark.parametrize(
    ("column", "sent", "expected"),
    [
        ("amount", "12.50", Decimal("12.50")),
        ("duration", 6.0, 6),
        ("duration", "6", 6),
        ("subject", 7, "7"),
        ("finalized", "true", True),
        ("createdDate", "2026-02-28T10:00:00+10:00", "2026-02-28T00:00:00.000000Z"),
    ],
)
def test_odd_value_without_loss_is_converted(
    firm: SandboxServer, column: str, sent: Any, expected: Any
) -> None:
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={column: sent})
    record = next(r for r in run(config(firm)).records("fees") if r["id"] == fee)
    assert (record[column], record["extraFields"]) == (expected, None)


def test_odd_values_move_to_extra_fields(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Columns are null, extraFields keeps the values, and one line of the log names them."""
    odd = {
        "amount": "",
        "duration": 6.5,
        "subject": {"text": "x", "downloadUrl": "https://signed"},
        "finalized": "maybe",
        "createdDate": "2026-02-30T00:00:00Z",
        "feeDate": "/Date(1700000000000)/",
        "feeType": {"code": 1},
    }
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={**odd, "extraFields": 5})
    output = run(config(firm))
    record = next(r for r in output.records("fees") if r["id"] == fee)
    assert output.status == 0
    assert {record[column] for column in (*odd, "feeTypeName")} == {None}
    assert record["extraFields"] == {
        **odd,
        "duration": Decimal("6.5"),
        "subject": {"text": "x"},
        "extraFields": 5,
    }
    lines = [r.getMessage() for r in caplog.records if "do not fit" in r.getMessage()]
    assert len(lines) == 1
    assert lines[0].startswith("fees: 7 values")


class BrokenTextHandler(BaseHTTPRequestHandler):
    """Sends a token, and two rows with an invalid byte and with lone surrogates."""

    def do_POST(self) -> None:
        self.answer(b'{"access_token": "t", "expires_in": 3600}')

    def do_GET(self) -> None:
        self.answer(
            b'[{"id": "1", "name": "a\xffb"},{"id": "2", "name": "\\ud800\\\\ud800\\ud83d\\ude00"}]'
        )

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_: Any) -> None:
        """Log nothing."""


def test_odd_unicode_becomes_replacement(caplog: pytest.LogCaptureFixture) -> None:
    """What is no character arrives as U+FFFD, with a warning once a stream."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BrokenTextHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        connection = {**CREDENTIALS, "api_url": url, "auth_url": url}
        client = ApiClient(Settings.from_config(connection))
        endpoint = Endpoint("/groups", "groups/read", "groups")
        for _ in range(2):
            rows = list(client.iter_rows(endpoint, response_format=ARRAY))
            assert [row["name"] for row in rows] == ["a\ufffdb", "\ufffd\\ud800😀"]
        client.close()
        server.shutdown()
    assert len([r for r in caplog.records if "not valid Unicode" in r.getMessage()]) == 1


@pytest.mark.parametrize("key", [["a"], {"a": 1}, True])
def test_odd_id_fails_its_stream_alone(firm: SandboxServer, key: Any) -> None:
    """A row whose id is no text ends its parent's rows, not the run."""
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"id": key})
    output = run(config(firm))
    assert output.status == 1
    assert output.ids("matters")
    assert output.ids("fees")


def test_crash_of_a_stream_stops_no_other(
    firm: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Values nested too deep to be handled end one stream, with one line without data."""
    deep: Any = "secret"
    for _ in range(900):
        deep = [deep]
    fee = sandbox_rows(firm, "fees")[0]["row"]["id"]
    firm.control.touch("fees", fee, set={"deep": deep})
    output = run(config(firm))
    assert output.status == 1
    assert output.ids("matters")
    assert "secret" not in caplog.text
    assert "fees (GET /matters/{matterId}/fees)" in caplog.text
