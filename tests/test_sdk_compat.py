"""The private members of the SDK that the tap uses are unchanged, and no other one is used.

A release of the SDK that changes one of them fails here, by name, before it fails elsewhere.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk import Stream, Tap, tap_base
from singer_sdk.plugin_base import BaseSingerWriter
from singer_sdk.streams import core

import tap_smokeball
from tap_smokeball.singer import sdk_compat
from tap_smokeball.singer.message_writer import BufferedMessageWriter
from tap_smokeball.singer.state_manager import PassiveStateManager
from tap_smokeball.sync.bookmarks import BookmarkManager
from tap_smokeball.tap import TapSmokeball
from tests.harness import (
    catalog,
    config,
    run,
    sandbox_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smokeball_sandbox import SandboxServer

PACKAGE = Path(tap_smokeball.__file__).parent
LOOP = "_sync_records"
OFFLINE = {"api_key": "k", "access_token": "t"}


class TestPrivateMembers:
    def test_private_sdk_imports_are_in_sdk_compat(self) -> None:
        imports = {
            (path.relative_to(PACKAGE).as_posix(), name)
            for path in PACKAGE.rglob("*.py")
            for name in _imported_names(path)
            if name.startswith("singer_sdk") and "._" in name
        }
        assert imports == {
            ("singer/sdk_compat.py", "singer_sdk.plugin_base._ConfigInput"),
            ("singer/sdk_compat.py", "singer_sdk.streams._state.StreamStateManager"),
        }

    def test_other_private_sdk_members_are_not_used(self) -> None:
        """Classes of the tap use no private attribute of their SDK bases, and override none."""
        used = set()
        for cls in _sdk_subclasses():
            bases = [base for base in cls.__mro__ if base.__module__.startswith("singer_sdk")]
            private = set().union(*(_private_names(base) for base in bases))
            used |= {(cls.__name__, name) for name in _private_names(cls) & private}
        assert used == {("RecordLoopStream", LOOP)}

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="typing.final sets no mark there")
    def test_final_sdk_members_are_not_overridden(self) -> None:
        final = {
            base: {name for name, member in vars(base).items() if hasattr(member, "__final__")}
            for base in (Tap, BaseSingerWriter, Stream)
        }
        assert {"sync_all", "run_sync_dry_run", "write_schemas"} <= final[Tap]
        assert "sync" in final[Stream]
        overridden = {
            (cls.__name__, name)
            for cls in _sdk_subclasses()
            for base, names in final.items()
            for name in names & vars(cls).keys()
            if issubclass(cls, base)
        }
        assert overridden == set()


class TestRecordLoop:
    def test_record_loop_takes_sdk_parameters(self) -> None:
        theirs, ours = (
            [(p.name, p.kind, p.default) for p in inspect.signature(loop).parameters.values()]
            for loop in (vars(Stream)[LOOP], vars(sdk_compat.RecordLoopStream)[LOOP])
        )
        assert ours == theirs

    def test_record_loop_has_two_callers_in_sdk(self) -> None:
        """`sync` writes its records, `get_batches` takes them."""
        callers = {
            name: re.findall(rf"self\.{LOOP}\((.*?)\)", inspect.getsource(member))
            for name, member in inspect.getmembers(Stream, inspect.isfunction)
            if f"self.{LOOP}(" in inspect.getsource(member)
        }
        assert callers == {
            "sync": ["context=context"],
            "get_batches": ["context, write_messages=False"],
        }

    def test_record_loop_is_a_generator_in_sdk(self) -> None:
        assert inspect.isgeneratorfunction(vars(Stream)[LOOP])


class TestStateManager:
    def test_state_manager_class_is_that_of_streams(self) -> None:
        assert vars(core)["StreamStateManager"] is sdk_compat.StreamStateManager
        assert isinstance(vars(Stream)["state_manager"], property)
        source = inspect.getsource(vars(Stream)["state_manager"].fget)
        assert "StreamStateManager(" in source

    def test_sdk_reaches_state_by_the_property_alone(self) -> None:
        """The tap replaces the property; nothing reads the attribute behind it."""
        readers = {
            name
            for name, member in vars(Stream).items()
            if "self._state_manager" in _source(member)
        }
        assert readers == {"__init__", "state_manager"}

    def test_state_manager_takes_our_arguments(self) -> None:
        parameters = inspect.signature(sdk_compat.StreamStateManager).parameters
        required = {name for name, p in parameters.items() if p.default is inspect.Parameter.empty}
        assert required == {"stream_name", "tap_state"}
        assert {"tap_name", "state_partitioning_keys"} <= parameters.keys()

    @pytest.mark.parametrize(
        "name",
        [
            "increment_state",
            "write_starting_replication_value",
            "write_replication_key_signpost",
            "get_starting_replication_value",
        ],
    )
    def test_state_manager_has_what_we_override(self, name: str) -> None:
        """The tap overrides each public method that would move a bookmark."""
        assert name in vars(PassiveStateManager)
        theirs = inspect.signature(getattr(sdk_compat.StreamStateManager, name))
        ours = inspect.signature(getattr(PassiveStateManager, name))
        if "kwargs" not in ours.parameters:
            assert list(ours.parameters) == list(theirs.parameters)


class TestConfigInput:
    def test_config_input_has_two_fields(self) -> None:
        assert {f.name for f in fields(sdk_compat.ConfigInput)} == {"config", "parse_env"}
        assert sdk_compat.ConfigInput() == sdk_compat.ConfigInput(config={}, parse_env=False)

    def test_config_input_is_what_the_sdk_passes(self) -> None:
        assert vars(tap_base)["_ConfigInput"] is sdk_compat.ConfigInput
        assert "config" in inspect.signature(Tap.invoke).parameters
        (option,) = (p for p in TapSmokeball.get_singer_command().params if p.name == "config")
        assert option.is_eager, "cb_test reads it while the command line is parsed"
        assert 'ctx.params.get("config"' in inspect.getsource(vars(Tap)["cb_test"].__func__)


class TestActivateVersion:
    def test_record_version_equals_activated_version(self, firm: SandboxServer) -> None:
        selection = catalog(wanted=["staff", "fees"])
        output = run(config(firm, emit_activate_version_messages=True), catalog=selection)
        activated = {
            m["version"]
            for m in output.messages_of_type("ACTIVATE_VERSION")
            if m["stream"] == "staff"
        }
        versions = {
            m.get("version") for m in output.messages_of_type("RECORD") if m["stream"] == "staff"
        }
        assert len(activated) == 1
        assert versions == activated

    def test_incremental_record_has_no_version(self, firm: SandboxServer) -> None:
        output = run(config(firm, emit_activate_version_messages=True))
        assert len(output.records("fees")) == 36
        assert all("version" not in message for message in output.messages_of_type("RECORD"))


def test_run_writes_one_schema_per_stream(firm: SandboxServer) -> None:
    """A run with a time limit syncs a child stream twice: recent changes, then the full pass."""
    first = run(config(firm))
    matter = sandbox_rows(firm, "matters")[3]["row"]["id"]
    firm.control.touch("matters", matter)
    second = run(config(firm, max_run_minutes=60), first.state)
    ids = [record["matterId"] for record in second.records("fees")]
    assert ids == [matter] * 3
    schemas = [message["stream"] for message in second.messages_of_type("SCHEMA")]
    assert sorted(schemas) == ["fees", "matters"]


def _imported_names(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _sdk_subclasses() -> set[type]:
    """Return the classes of the tap that derive from one of the SDK."""
    leaves = [
        TapSmokeball,
        BookmarkManager,
        BufferedMessageWriter,
        *map(type, TapSmokeball(config=OFFLINE).streams.values()),
    ]
    return {
        cls for leaf in leaves for cls in leaf.__mro__ if cls.__module__.startswith("tap_smokeball")
    }


def _private_names(cls: type) -> set[str]:
    """Return the private names that a class defines or uses."""
    source = inspect.getsource(cls)
    used = re.findall(r"\b(?:self|cls|super\(\)|stream|tap)\.(_[a-z]\w*)", source)
    defined = [name for name in vars(cls) if re.match(r"_[a-z]", name) and "__" not in name]
    return {*used, *defined} - {"_abc_impl"}


def _source(member: Any) -> str:
    function = getattr(member, "fget", None) or getattr(member, "__func__", member)
    return inspect.getsource(function) if inspect.isfunction(function) else ""
