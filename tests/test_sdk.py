"""What the tap overrides or calls in the SDK though it is private or final there.

A new release of the SDK that changes one of these fails here, by name, before it fails elsewhere.
"""

from __future__ import annotations

import inspect

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.plugin_base import PluginBase
from singer_sdk.streams._state import StreamStateManager

from tap_smokeball.sync.base_stream import SmokeballStream
from tap_smokeball.sync.bookmarks import BookmarkManager
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.tap import TapSmokeball

OVERRIDDEN = [
    (Tap, TapSmokeball, "sync_all"),
    (Tap, TapSmokeball, "run_connection_test"),
    (PluginBase, TapSmokeball, "_handle_termination"),
    (PluginBase, TapSmokeball, "_validate_config"),
    (Stream, SmokeballStream, "sync"),
    (Stream, SmokeballStream, "_generate_record_messages"),
    (Stream, ChildStream, "_write_schema_message"),
    (Stream, SmokeballStream, "_sync_records"),
    (Stream, SmokeballStream, "_write_record_message"),
    (StreamStateManager, BookmarkManager, "increment_state"),
]


@pytest.mark.parametrize(("theirs", "ours", "name"), OVERRIDDEN)
def test_what_is_overridden_takes_the_same(theirs: type, ours: type, name: str) -> None:
    mine, original = (inspect.signature(getattr(c, name)) for c in (ours, theirs))
    assert list(mine.parameters) == list(original.parameters)
    assert getattr(ours, name) is not getattr(theirs, name)


def test_the_environment_is_read_where_it_is_overridden() -> None:
    assert "_env_var_config" in vars(PluginBase)
    assert "self._env_var_config" in inspect.getsource(PluginBase.__init__)


def test_what_is_called_is_there() -> None:
    assert list(inspect.signature(Stream._write_state_message).parameters) == ["self"]  # noqa: SLF001
    for name in ("_tap_input_catalog", "_metadata", "_state_manager", "_stream_version", "_tap"):
        assert f"self.{name}" in inspect.getsource(Stream.__init__)


def test_a_run_syncs_each_stream_by_the_method_that_is_overridden() -> None:
    assert "stream.sync()" in inspect.getsource(Tap.sync_all)
    assert "stream.sync()" in inspect.getsource(Tap.run_sync_dry_run)
    assert "self.run_sync_dry_run(" in inspect.getsource(Tap.run_connection_test)
    assert "tap.run_connection_test()" in inspect.getsource(Tap.cb_test)
