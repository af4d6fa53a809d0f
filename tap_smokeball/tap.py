"""The tap: settings, streams, and what frames a run."""

from __future__ import annotations

import copy
import os
import sys
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

import click
import msgspec
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, MappingError
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.singerlib.schema import Schema

from tap_smokeball import dotnet_ticks, redaction, streams
from tap_smokeball.api import token_expiry
from tap_smokeball.api.client import ApiClient
from tap_smokeball.config import input_files, settings
from tap_smokeball.errors import SmokeballError, StreamsFailedError
from tap_smokeball.records.decimals import agreed
from tap_smokeball.redaction import SECRETS
from tap_smokeball.reporting import progress, summary
from tap_smokeball.run.status import RunStatus, Stopped
from tap_smokeball.run.worker_pool import WorkerPool
from tap_smokeball.singer.message_writer import BufferedMessageWriter
from tap_smokeball.sync.child_stream import ChildStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator, Sequence
    from types import FrameType
    from typing import IO

    from singer_sdk import Stream
    from singer_sdk.plugin_base import _ConfigInput


class TapSmokeball(Tap):
    """Singer tap for Smokeball: a law firm's matters, time and money, complete and resumable."""

    name = "tap-smokeball"
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(
        settings.CONFIG
    )  # the SDK adds to it
    message_writer_class = BufferedMessageWriter

    @cached_property
    def settings(self) -> settings.Settings:
        """The settings, checked and in the units that the tap works with."""
        return settings.Settings.from_config(self.config)

    @cached_property
    def api(self) -> ApiClient:
        """The one connection of this process."""
        return ApiClient(self.settings, self.logger)

    @cached_property
    def workers(self) -> WorkerPool:
        """The threads that requests are made in."""
        return WorkerPool(
            self.settings.burst, self.run, cast("BufferedMessageWriter", self.message_writer).tend
        )

    @cached_property
    def run(self) -> RunStatus:
        """When this run must stop, how far it is, and how each stream ended."""
        return RunStatus(self.api.http, self.logger, self.settings.max_run_seconds)

    @override
    def setup_mapper(self) -> None:
        """Make ready what the target is told of columns, in the form that the records have."""
        for entry in self.input_catalog.streams if self.input_catalog else ():
            if stream := self.streams.get(entry.tap_stream_id):
                schema = agreed(entry.schema.to_dict(), stream.schema)
                entry.schema = Schema.from_dict(schema)
        super().setup_mapper()

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [stream(self) for stream in streams.ALL]

    @override  # type: ignore[misc]
    def sync_all(self) -> None:
        """Sync all streams, then say how each ended.

        Final in the SDK. Overridden because a stream that fails there ends the run for all
        others: here it is told about at the end, by the table and the exit status.

        Raises:
            StreamsFailedError: A stream failed; the others are complete.
        """
        if not any(stream.selected for stream in self.streams.values()):
            self.logger.warning("No stream is selected: see the catalog, or Meltano's select")
        with (
            self._framed(),
            summary.told(self),
            progress.shown(self.run, self.settings.requests_per_second),
        ):
            super().sync_all()
            self._sync_children()

    @override  # type: ignore[misc]
    def run_connection_test(self) -> bool:
        """Read a record of each stream that is selected, then say what can be reached.

        Final in the SDK. Overridden because its ``--test`` takes no notice of the result, and
        selects every stream, also those that the app needs no scope for.

        Raises:
            StreamsFailedError: A stream failed.
        """
        from tap_smokeball.reporting import connection_test  # noqa: PLC0415 - start-up is for those who need it

        selected = [s for s in self.streams.values() if s.selected or s.has_selected_descendents]
        with self._framed():
            self.run_sync_dry_run(streams=selected)
            self._sync_children()
            connection_test.examine(self)
        return True

    def plan(self) -> None:
        """Print what a run will take, and make none.

        Raises:
            StreamsFailedError: A stream cannot be planned; the others are.
        """
        from tap_smokeball.reporting import plan  # noqa: PLC0415 - as above

        with self._framed():
            click.echo(plan.made(self))

    @contextmanager
    def _framed(self) -> Iterator[None]:
        if warning := token_expiry.warning(self.settings, dotnet_ticks.now()):
            self.logger.warning("%s", warning)
        if self.settings.user_id:
            self.logger.warning(
                "user_id is set: matters and files that this user may not see are left out, "
                "without a trace. Leave it unset to read the whole firm",
            )
        for stream in sorted(self.streams.values(), key=lambda s: isinstance(s, ChildStream)):
            if stream.selected or stream.has_selected_descendents:
                result = self.run.result(stream.name)
                if not isinstance(stream, ChildStream):
                    result.forecast.begin(1, "pages")
        try:
            yield
        except Stopped:
            pass
        finally:
            self.workers.shutdown()
            self.api.http.close()
        if self.run.signal:
            self.logger.warning("Stopped by a signal; the next run goes on from here")
            sys.exit(self.run.exit_status)
        if failures := self.run.failures:
            names = ", ".join(result.stream for result in failures)
            raise StreamsFailedError(
                f"{len(failures)} of {len(self.run.results)} streams failed: {names}"
            )

    def _sync_children(self) -> None:
        """Sync all child streams, those first that waited longest.

        Not by name: with a time limit, the last ones would never be reached.
        """
        children = [s for s in self.streams.values() if isinstance(s, ChildStream) and s.selected]
        children.sort(key=ChildStream.waiting_since)
        for child in children:
            child.prepare()
        if self.settings.max_run_seconds is not None:
            for child in children:
                child.catch_up()
        for child in children:
            child.sync()

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """Stop cleanly at the first signal, at once at the second.

        Private in the SDK. Overridden because there a STATE is written wherever the signal hits,
        be it in the middle of a RECORD, and the exit status claims success.
        """
        if "run" not in self.__dict__:  # still starting: there is nothing to finish
            sys.exit(128 + signum)
        if self.run.signal:
            os._exit(128 + signum)
        self.run.stop(signum)

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings.

        Private in the SDK. Overridden because its messages hold the values, secret or not.
        """
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        for secret in settings.secrets(self._config, schema):
            SECRETS.add(secret)
        problems = settings.problems(self._config, schema)
        if raise_errors:
            for warning in settings.unknown(self._config, schema):
                self.logger.warning("%s", warning)
            if problems:
                raise ConfigValidationError("bad settings", errors=problems, schema={})
        return problems

    @override
    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805
        """Settings from the environment.

        Private in the SDK. Overridden because there a number that does not read as one ends in a
        traceback with the value, and a misspelt ``true`` counts as false.
        """
        schema = cls.config_jsonschema
        cls.append_builtin_config(schema)
        return settings.from_environment(schema, cls._env_var_prefix)

    @override
    @classmethod
    def cb_config(
        cls,
        ctx: click.Context,
        param: click.Option,
        value: tuple[str, ...],
    ) -> _ConfigInput:
        """Read the configuration files that the command line names."""
        try:
            return super().cb_config(ctx, param, value)
        except FileNotFoundError:
            raise click.BadParameter("there is no such file") from None
        except (OSError, TypeError, ValueError):
            raise click.BadParameter("is not a file with one JSON object") from None

    @override
    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Handle ``--test``, which the SDK does while it still reads the command line."""
        with _told_in_a_line(cls.logger):
            super().cb_test(ctx, param, value)

    @override
    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command line; what ends it unexpectedly is told without data."""
        command = super().get_singer_command()
        command.params.append(
            click.Option(
                ["--plan"],
                is_flag=True,
                help="Print what a run will take, from a handful of requests, and make none.",
            )
        )
        command.excepthook = redaction.print_unexpected_error  # type: ignore[attr-defined]
        return command

    @override
    @classmethod
    def invoke(cls, **options: Any) -> None:
        """Run the tap; an error that is expected is told in a line, not in a traceback."""
        for name, check in (("state", input_files.state), ("catalog", input_files.catalog)):
            if options.get(name) is not None:
                options[name] = check(options[name])
        with _told_in_a_line(cls.logger):
            if options.pop("plan", False):
                cls._to_plan(**options).plan()
            else:
                super().invoke(**options)

    @classmethod
    def _to_plan(
        cls,
        *,
        config: _ConfigInput,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
        **_: object,
    ) -> TapSmokeball:
        return cls(
            config=config.config,
            parse_env_config=config.parse_env,
            state=msgspec.json.decode(state.read()) if state else None,
            catalog=msgspec.json.decode(catalog.read()) if catalog else None,
        )


@contextmanager
def _told_in_a_line(logger: logging.Logger) -> Iterator[None]:
    try:
        yield
    except ConfigValidationError as error:
        for problem in error.errors:
            logger.error("%s", problem)  # noqa: TRY400 - here and below: nothing to trace
    except MappingError:
        logger.error("stream_maps: there is an expression that cannot be read")  # noqa: TRY400
    except SmokeballError as error:
        logger.error("%s", error)  # noqa: TRY400
    else:
        return
    sys.exit(1)
