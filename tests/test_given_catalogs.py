"""Catalogs as people have them: old ones, reduced ones, and those of other tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_smokeball import streams
from tap_smokeball.tap import TapSmokeball
from tests.harness import DEFAULT_STREAMS, catalog, config, run, sandbox_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json, Output, Process

pytestmark = pytest.mark.slow


def entry_of(selection: Json, name: str) -> Json:
    entry: Json = next(e for e in selection["streams"] if e["tap_stream_id"] == name)
    return entry


def schemas(output: Output) -> dict[str, Json]:
    return {message["stream"]: message for message in output.messages_of_type("SCHEMA")}


def undeclared(record: Json, schema: Json, path: str = "") -> Iterator[str]:
    """Yield the paths of a record's values that a schema does not declare."""
    for name, value in record.items():
        inner = schema["properties"].get(name)
        if inner is None:
            yield f"{path}{name}"
        elif isinstance(value, dict) and inner.get("properties"):
            yield from undeclared(value, inner, f"{path}{name}.")
        elif isinstance(value, list) and inner.get("items", {}).get("properties"):
            for item in value:
                yield from undeclared(item or {}, inner["items"], f"{path}{name}[].")


def undeclared_columns(output: Output) -> set[str]:
    found = schemas(output)
    return {
        f"{message['stream']}.{path}"
        for message in output.messages_of_type("RECORD")
        for path in undeclared(message["record"], found[message["stream"]]["schema"])
    }


class TestKeys:
    @pytest.mark.parametrize("keys", [[], ["matterId"], ["id", "matterId"]], ids=str)
    def test_schema_message_has_keys_of_catalog(self, firm: SandboxServer, keys: list[str]) -> None:
        selection = catalog()
        entry_of(selection, "fees")["key_properties"] = keys
        assert schemas(run(config(firm), catalog=selection))["fees"]["key_properties"] == keys

    def test_schema_message_takes_keys_of_metadata(self, firm: SandboxServer) -> None:
        selection = catalog()
        del entry_of(selection, "fees")["key_properties"]
        del entry_of(selection, "matters")["key_properties"]
        for entry in entry_of(selection, "matters")["metadata"]:
            entry["metadata"].pop("table-key-properties", None)
        found = schemas(run(config(firm), catalog=selection))
        assert [found[name]["key_properties"] for name in ("fees", "matters")] == [["id"], []]

    def test_key_column_is_always_selected(self, firm: SandboxServer) -> None:
        """A deselected key would make a SCHEMA that no target can use."""
        selection = catalog()
        for entry in entry_of(selection, "fees")["metadata"]:
            if entry["breadcrumb"]:
                entry["metadata"] = {"selected": False}
        output = run(config(firm), catalog=selection)
        assert {"id"} <= schemas(output)["fees"]["schema"]["properties"].keys()
        assert output.ids("fees").keys() == {e["row"]["id"] for e in sandbox_rows(firm, "fees")}

    @pytest.mark.parametrize("change", [{"key_properties": ["nix"]}, {"replication_key": "nix"}])
    def test_unknown_key_is_one_clear_line(
        self, firm: SandboxServer, process: Process, change: Json
    ) -> None:
        selection = catalog()
        entry_of(selection, "fees").update(change)
        output = process.run(config(firm), catalog=selection)
        assert output.status == 1
        assert "catalog: `fees` has no column `nix`" in output.stderr
        assert "Traceback" not in output.stderr
        assert output.messages == []

    @pytest.mark.parametrize("change", [{"key_properties": ["nix"]}, {"replication_key": "nix"}])
    def test_unknown_key_of_unread_stream_is_ignored(
        self, firm: SandboxServer, change: Json
    ) -> None:
        selection = catalog(deselect=["matters"])
        entry_of(selection, "matters").update(change)
        output = run(config(firm), catalog=selection)
        assert output.status == 0
        assert len(output.records("fees")) == len(sandbox_rows(firm, "fees"))

    def test_stream_map_may_add_a_key_of_the_catalog(self, firm: SandboxServer) -> None:
        selection = catalog()
        entry_of(selection, "fees")["key_properties"] = ["firm", "id"]
        maps = {"fees": {"firm": "'f'"}}
        output = run(config(firm, stream_maps=maps), catalog=selection)
        assert schemas(output)["fees"]["key_properties"] == ["firm", "id"]


class TestColumns:
    @pytest.mark.parametrize("has_metadata", [True, False])
    def test_columns_of_newer_versions_are_left_out(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture, *, has_metadata: bool
    ) -> None:
        """A target has no column for them; one warning names them."""
        selection = catalog(wanted=("matters", "fees", "contacts"))
        gone = {"fees": ("tax", "extraFields"), "contacts": ("company",), "matters": ("versionId",)}
        for name, columns in gone.items():
            entry = entry_of(selection, name)
            for column in columns:
                del entry["schema"]["properties"][column]
                if not has_metadata:
                    entry["metadata"] = [
                        e for e in entry["metadata"] if column not in e["breadcrumb"]
                    ]
        del entry_of(selection, "fees")["schema"]["properties"]["matter"]["properties"]["href"]
        output = run(config(firm), catalog=selection)
        assert output.status == 0
        assert undeclared_columns(output) == set()
        assert all("tax" not in record for record in output.records("fees"))
        assert "`fees` has no tax, matter.href, extraFields; left out" in caplog.text.replace(
            "matter.href, tax", "tax, matter.href"
        )
        # The replication key is needed, and declared.
        assert "versionId" in schemas(output)["matters"]["schema"]["properties"]

    def test_new_columns_in_lists_are_declared(self, firm: SandboxServer) -> None:
        """Singer cannot deselect a part of the objects in a list."""
        selection = catalog(wanted=("matters", "invoices"))
        lists = 0
        for name in ("matters", "invoices"):
            for column in entry_of(selection, name)["schema"]["properties"].values():
                if inner := column.get("items", {}).get("properties"):
                    inner.pop(next(iter(inner)))
                    lists += 1
        assert lists
        output = run(config(firm), catalog=selection)
        assert output.status == 0
        assert undeclared_columns(output) == set()

    def test_entry_without_schema_has_all_columns(self, firm: SandboxServer) -> None:
        selection = catalog()
        del entry_of(selection, "fees")["schema"]
        output = run(config(firm), catalog=selection)
        columns = [record.keys() for record in run(config(firm)).records("fees")]
        assert [record.keys() for record in output.records("fees")] == columns


def without_metadata(names: list[str]) -> Json:
    return {
        "streams": [
            {k: v for k, v in entry.items() if k != "metadata"}
            for entry in catalog()["streams"]
            if entry["tap_stream_id"] in names
        ]
    }


ALL_STREAMS = [str(vars(stream)["name"]) for stream in streams.ALL]


def selected_streams(selection: Json) -> set[str]:
    tap = TapSmokeball(config={"api_key": "k", "access_token": "t"}, catalog=selection)
    return {name for name, stream in tap.streams.items() if stream.selected}


class TestSelection:
    def test_catalog_without_metadata_has_defaults(self, firm: SandboxServer) -> None:
        """Neither opt-in streams nor opt-in columns are read."""
        output = run(config(firm), catalog=without_metadata(ALL_STREAMS))
        assert schemas(output).keys() == set(DEFAULT_STREAMS)
        person = schemas(output)["contacts"]["schema"]["properties"]["person"]["properties"]
        assert "lastName" in person
        assert "passportDetails" not in person

    @pytest.mark.parametrize("place", ["schema", "entry"])
    def test_selected_in_schema_counts(self, place: str) -> None:
        """Then a stream that says nothing is not selected, as it was."""
        selection = without_metadata(ALL_STREAMS)
        for name, is_selected in (("memos", True), ("fees", True), ("staff", False)):
            entry = entry_of(selection, name)
            (entry["schema"] if place == "schema" else entry)["selected"] = is_selected
        assert selected_streams(selection) == {"memos", "fees"}

    def test_selected_in_column_schema_counts(self, firm: SandboxServer) -> None:
        selection = without_metadata(["matters", "fees"])
        fees = entry_of(selection, "fees")["schema"]
        fees["selected"] = True
        fees["properties"]["description"]["selected"] = False
        fees["properties"]["matter"]["properties"]["href"]["selected"] = False
        output = run(config(firm), catalog=selection)
        assert output.records("matters") == []
        assert len(output.records("fees")) == len(sandbox_rows(firm, "fees"))
        for record in output.records("fees"):
            assert "description" not in record
            assert record["matter"].keys() == {"id"}

    def test_metadata_wins_over_schema(self) -> None:
        selection = catalog(wanted=("fees",))
        entry_of(selection, "fees")["schema"]["selected"] = False
        entry_of(selection, "memos")["schema"]["selected"] = True
        assert selected_streams(selection) == {"fees"}

    def test_opt_in_column_needs_selection(self) -> None:
        """Metadata that does not mention an opt-in column does not select it."""
        selection = catalog(wanted=("memos",))
        entry = entry_of(selection, "memos")
        entry["metadata"] = [e for e in entry["metadata"] if "text" not in e["breadcrumb"]]
        tap = TapSmokeball(config={"api_key": "k", "access_token": "t"}, catalog=selection)
        columns = tap.mapper.stream_maps["memos"][0].transformed_schema["properties"]
        assert "text" not in columns
        assert "title" in columns

    def test_unknown_stream_is_left_out(
        self, firm: SandboxServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        selection = catalog()
        selection["streams"].append({**entry_of(selection, "fees"), "tap_stream_id": "nix"})
        output = run(config(firm), catalog=selection)
        assert output.status == 0
        assert schemas(output).keys() == {"matters", "fees"}
        assert "catalog: there is no stream `nix`; left out" in caplog.text

    def test_stream_name_is_that_of_messages(self, firm: SandboxServer) -> None:
        """`tap_stream_id` identifies a stream, and `stream` is its name in messages."""
        selection = catalog()
        entry_of(selection, "fees")["stream"] = "time_entries"
        output, plain = run(config(firm), catalog=selection), run(config(firm))
        assert output.ids("time_entries") == plain.ids("fees")
        assert schemas(output).keys() == {"matters", "time_entries"}
        assert output.state["bookmarks"].keys() == plain.state["bookmarks"].keys()

    def test_two_streams_with_one_name_are_refused(self) -> None:
        selection = catalog()
        entry_of(selection, "fees")["stream"] = "matters"
        with pytest.raises(ConfigValidationError) as error:
            selected_streams(selection)
        assert error.value.errors == [
            "catalog: fees and matters have the same name `matters` in `stream`. Give each another"
        ]


def deselect_all(entry: Json) -> None:
    for metadata in entry["metadata"]:
        metadata["metadata"] = {"selected": False}


def drop_metadata(entry: Json) -> None:
    del entry["metadata"]


class TestStreamMaps:
    @pytest.mark.parametrize("change", [deselect_all, drop_metadata])
    def test_map_of_unselected_stream_is_harmless(
        self, firm: SandboxServer, change: Callable[[Json], None]
    ) -> None:
        selection = catalog()
        change(entry_of(selection, "staff"))
        if change is drop_metadata:
            entry_of(selection, "staff")["schema"]["selected"] = False
        maps = {"staff": {"email": "md5(record.get('email') or '')", "phone": "__NULL__"}}
        output = run(config(firm, stream_maps=maps), catalog=selection)
        assert output.status == 0
        assert len(output.records("fees")) == len(sandbox_rows(firm, "fees"))

    @pytest.mark.parametrize(
        ("rules", "message"),
        [
            ({"id": None}, "column `id` of stream `fees` is a key and cannot be removed"),
            ({"id": "__NULL__"}, "column `id` of stream `fees` is a key and cannot be removed"),
            ({"__else__": None, "x": "id"}, "column `id` of stream `fees` is a key, and __else__"),
            ({"__key_properties__": ["nix"]}, "column `nix` of stream `fees` is a key, but there"),
            ({"__else__": "x"}, "`__else__` of stream `fees` takes null alone"),
            ({"x": 5}, "`x` of stream `fees` takes an expression or null"),
            ("fees", "`fees` takes the rules of a stream, or null"),
        ],
        ids=str,
    )
    def test_bad_map_names_stream_and_column(self, rules: Any, message: str) -> None:
        with pytest.raises(ConfigValidationError) as error:
            TapSmokeball(
                config={"api_key": "k", "access_token": "t", "stream_maps": {"fees": rules}}
            )
        assert [e[: len(message) + 13] for e in error.value.errors] == [f"stream_maps: {message}"]


class TestFlattening:
    def test_flattening_declares_all_columns(self, firm: SandboxServer) -> None:
        """Objects of any content are kept as JSON text, and null objects have null columns."""
        selection = catalog(wanted=ALL_STREAMS)
        firm.control.touch("matters", nth=0, set={"brandNew": {"a": [1]}})
        settings = config(firm, flattening_enabled=True, flattening_max_depth=3)
        output = run(settings, catalog=selection)
        assert undeclared_columns(output) == set()
        found = schemas(output)
        for name, message in found.items():
            assert "string" in message["schema"]["properties"]["extraFields"]["type"]
            for record in output.records(name):
                assert record.keys() == message["schema"]["properties"].keys()
        texts = [r["extraFields"] for r in output.records("matters") if r["extraFields"]]
        assert {"a": [1]} in [json.loads(text).get("brandNew") for text in texts]
