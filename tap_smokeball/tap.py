"""The Singer plugin: options and streams."""

from __future__ import annotations

import copy
import sys
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

import click
import msgspec
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.singerlib import Catalog

from tap_smokeball import streams
from tap_smokeball.command_line import CommandLineTap
from tap_smokeball.config import environment, input_files, validation
from tap_smokeball.config.settings import CONFIG_JSONSCHEMA
from tap_smokeball.probe.options import DEFAULT_PROBE_REPORT
from tap_smokeball.redaction import SECRETS
from tap_smokeball.reporting import console, next_step, progress, report_types, summary
from tap_smokeball.reporting.startup_warnings import startup_warnings
from tap_smokeball.run.stop_signals import signal_handlers_kept
from tap_smokeball.session import Session
from tap_smokeball.singer.catalog_types import align_types
from tap_smokeball.singer.input_catalog import (
    add_schema_selection,
    all_streams_selected,
    apply_stream_names,
    drop_empty_properties,
    name_errors,
    take_stream_names,
)
from tap_smokeball.singer.message_writer import BufferedMessageWriter
from tap_smokeball.singer.sdk_compat import ACTIVATE_VERSION_SETTING
from tap_smokeball.singer.select_rules import catalog_warnings, select_rule_warnings
from tap_smokeball.singer.stream_map_checks import stream_map_errors
from tap_smokeball.singer.stream_map_hashes import add_hash_functions
from tap_smokeball.sync.base_stream import SmokeballStream
from tap_smokeball.sync.child_stream import ChildStream
from tap_smokeball.sync.runner import Runner
from tap_smokeball.sync.state_check import StateCheck, keep_own_keys

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import PurePath

    from singer_sdk import Stream

    from tap_smokeball.sync.declared_stream import DeclaredStream

Report = TypeVar("Report", bound=msgspec.Struct)

ENV_PREFIX = "TAP_SMOKEBALL_"


class TapSmokeball(CommandLineTap):
    """Singer tap for Smokeball: a law firm's matters, time and money, complete and resumable."""

    name = "tap-smokeball"
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(CONFIG_JSONSCHEMA)
    message_writer_class = BufferedMessageWriter

    def __init__(
        self,
        *,
        config: dict[str, Any] | PurePath | str | list[PurePath | str] | None = None,
        parse_env_config: bool = False,
        validate_config: bool = True,
        catalog: Any = None,
        state: Any = None,
        **keywords: Any,
    ) -> None:
        """Create the tap.

        The configuration is read and checked here: the SDK's own messages hold the values, secret
        or not.

        Raises:
            ConfigValidationError: A setting is missing or wrong, or the catalog or the state is.
        """
        self.append_builtin_config(self.config_jsonschema)
        settings = input_files.read_config(config)
        env_file_errors: list[str] = []
        if parse_env_config:
            env_file_errors = environment.load_env_file()
            settings |= environment.from_environment(self.config_jsonschema, ENV_PREFIX)
        stripped = validation.strip_settings(settings, self.config_jsonschema)
        for secret in validation.secret_values(settings, self.config_jsonschema):
            SECRETS.add(secret)
        errors = env_file_errors + validation.validate(settings, self.config_jsonschema)
        if validate_config:
            schema = self.config_jsonschema
            warnings = [*stripped, *validation.unknown_setting_warnings(settings, schema)]
            if parse_env_config or environment.is_run_by_meltano(ENV_PREFIX):
                warnings += environment.unknown_variable_warnings(schema, ENV_PREFIX)
            for warning in warnings:
                self.logger.warning("%s", warning)
            if errors:
                raise ConfigValidationError("bad settings", errors=errors, schema={})
        else:  # the SDK's own check only logs then, and has nothing to log without an API key
            settings.setdefault("api_key", "none")
        if isinstance(catalog, dict) and not isinstance(catalog, Catalog):
            catalog = add_schema_selection(catalog)
        if isinstance(state, dict):
            state = input_files.check_state(state)
        with signal_handlers_kept():
            super().__init__(
                config=settings, validate_config=False, catalog=catalog, state=state, **keywords
            )

    @override
    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the settings of the SDK to those of the tap."""
        super().append_builtin_config(config_jsonschema)
        config_jsonschema["properties"].setdefault(
            "emit_activate_version_messages", copy.deepcopy(ACTIVATE_VERSION_SETTING)
        )

    @cached_property
    def session(self) -> Session:
        """What the streams share within one run."""
        writer = cast("BufferedMessageWriter", self.message_writer)
        return Session(self.config, self.logger, writer.flush_if_stale)

    @override
    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        keep_own_keys(state, self.state)

    @cached_property
    def state_check(self) -> StateCheck:
        """The check of the state, before anything is emitted."""
        read = [s for s in self.streams.values() if isinstance(s, SmokeballStream)]
        return StateCheck(self.state, self.session, read, self.logger)

    @override
    def discover_streams(self) -> Sequence[Stream]:
        found = {stream: stream(self, self.session) for stream in streams.ALL}
        for stream in found.values():
            stream.before_sync = lambda: self.state_check.ensure()  # noqa: PLW0108 - later
            if isinstance(stream, ChildStream):
                stream.parent_stream = cast("Any", found)[stream.parent_stream_type]
        run_logs = [stream(self, self.session) for stream in streams.RUN_LOGS]
        return [*found.values(), *run_logs]

    @override
    def setup_mapper(self) -> None:
        """Complete the catalog, and check it together with the stream maps.

        The SCHEMA of a stream follows from the columns that are selected here. A dry run selects
        every stream later, so that the streams that are off are mapped with their columns as well.

        Raises:
            ConfigValidationError: The catalog or a stream map cannot be used.
        """
        schemas = {name: stream.schema for name, stream in self.streams.items()}
        warnings = list(select_rule_warnings(schemas))
        for entry in self.input_catalog.streams if self.input_catalog else ():
            warnings += catalog_warnings(entry, schemas)
            if schema := schemas.get(entry.tap_stream_id):
                warnings += align_types(entry, schema)
            else:
                del self.catalog[entry.tap_stream_id]
        for warning in warnings:
            self.logger.warning("%s", warning)
        if self.config.get("flattening_enabled"):
            drop_empty_properties(self.catalog)
        found = cast("Mapping[str, DeclaredStream]", self.streams)
        errors = [error for stream in found.values() for error in stream.catalog_errors]
        with all_streams_selected(self.catalog):
            errors += stream_map_errors(self.config, self.catalog)
            errors += name_errors(self.catalog)
            names = take_stream_names(self.catalog)
            _raise_if_any(errors)
            super().setup_mapper()
        add_hash_functions(self.mapper)
        errors += apply_stream_names(self.catalog, self.mapper, names)
        _raise_if_any(errors)

    @override
    def run_streams(self) -> None:
        """Sync the selected streams, each on its own, and log a summary.

        Raises:
            RunInterruptedError: A signal stopped the run; the next one resumes.
            StreamsFailedError: A stream failed; the others are complete.
        """
        with (
            self._running() as runner,
            summary.log_summary(self, self.session, is_json=self.has_json_reports),
            progress.show_progress(self.session, self.logger),
        ):
            if runner.has_streams:
                runner.start(self.state_check)
            else:
                self.logger.warning("No stream is selected: see the catalog, or Meltano's select")
            if self.state.get("bookmarks"):
                self.state_writer.write_state(self.state)
            runner.sync()
        console.log_next_step(self.logger, next_step.after_run(self.session.status))

    @override
    def run_plan(self) -> None:
        """Print an estimate of a run, made of a few requests.

        Raises:
            RunInterruptedError: A signal came.
            StreamsFailedError: A stream cannot be estimated; the others are.
        """
        from tap_smokeball.reporting import plan_report  # noqa: PLC0415 - only this option needs it

        with self._running() as runner:
            self.state_check.start()
            report = plan_report.plan_run(runner, self.session, self.state_check)
            self._print_report(report, plan_report.render)
        console.log_next_step(self.logger, next_step.AFTER_PLAN)

    @override
    def run_access_check(self) -> None:
        """Read a record of each selected stream, and print what the app can access.

        The records are not written: standard output is a terminal or a log here, not a target.

        Raises:
            RunInterruptedError: A signal came.
            StreamsFailedError: A stream failed.
        """
        from tap_smokeball.reporting import connection_test  # noqa: PLC0415 - as above

        cast("BufferedMessageWriter", self.message_writer).is_muted = True
        with self._running() as runner:
            runner.sample(1)
            report = connection_test.access_report(self, self.session)
            self._print_report(report, connection_test.render)
        console.log_next_step(self.logger, next_step.AFTER_TEST)

    def _print_report(self, report: Report, render: Callable[[Report], str]) -> None:
        is_json = self.has_json_reports
        click.echo(report_types.to_json(report) if is_json else render(report))

    @override
    def run_probe(self, report: str = DEFAULT_PROBE_REPORT) -> None:
        """Ask the account what is not documented of the API; print and keep the answers.

        Args:
            report: Path of the file with the answers; an unfinished one is resumed.

        Raises:
            ProbeReportError: The file cannot be used.
            RunInterruptedError: A signal came; the next probe resumes.
        """
        from tap_smokeball.probe import command  # noqa: PLC0415 - as above

        command.run(self, self.session, report, is_json=self.has_json_reports)

    @contextmanager
    def _running(self) -> Iterator[Runner]:
        for warning in startup_warnings(self.session, self.config):
            self.logger.warning("%s", warning)
        runner = Runner(self.streams.values(), self.session, self.logger)
        with runner.running():
            yield runner


def _raise_if_any(errors: list[str]) -> None:
    if errors:
        raise ConfigValidationError("bad catalog or stream maps", errors=errors, schema={})
