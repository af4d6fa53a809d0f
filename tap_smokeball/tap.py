"""The tap: settings, streams, and what frames a run."""

from __future__ import annotations

import copy
import os
import sys
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, cast

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.helpers._classproperty import classproperty

from tap_smokeball import settings, streams
from tap_smokeball.api import Api
from tap_smokeball.errors import RunFailed, SmokeballError
from tap_smokeball.run import Run
from tap_smokeball.workers import Workers
from tap_smokeball.writer import Writer

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from singer_sdk import Stream
    from singer_sdk.plugin_base import _ConfigInput

    from tap_smokeball.client import SmokeballStream


class TapSmokeball(Tap):
    """Singer tap for Smokeball: a law firm's matters, time and money, complete and resumable."""

    name = "tap-smokeball"
    config_jsonschema: ClassVar[dict[str, Any]] = copy.deepcopy(
        settings.CONFIG
    )  # the SDK adds to it
    message_writer_class = Writer

    @cached_property
    def settings(self) -> settings.Settings:
        """The settings, checked and in the units that the tap works with."""
        return settings.Settings.from_config(self.config)

    @cached_property
    def api(self) -> Api:
        """The one connection of this process."""
        return Api(self.settings, self.logger)

    @cached_property
    def workers(self) -> Workers:
        """The threads that requests are made in."""
        return Workers(self.settings.burst, self.run, cast("Writer", self.message_writer).tend)

    @cached_property
    def run(self) -> Run:
        """When this run must stop, how far it is, and how each stream ended."""
        return Run(self.api.http, self.logger, self.settings.max_run_seconds)

    @override
    def discover_streams(self) -> Sequence[Stream]:
        return [stream(self) for stream in streams.ALL]

    @override  # type: ignore[misc]
    def sync_all(self) -> None:
        """Sync all streams, then say how each ended.

        Final in the SDK. Overridden because a stream that fails there ends the run for all
        others: here it is told about at the end, by the table and the exit status.

        Raises:
            RunFailed: A stream failed; the others are complete.
        """
        # The SDK goes by name: with a time limit, what comes after matters would never be reached.
        in_turn = sorted(self.streams.values(), key=lambda s: cast("SmokeballStream", s).turn)
        self._streams = {stream.name: stream for stream in in_turn}
        self._concluded(super().sync_all)

    @override  # type: ignore[misc]
    def run_connection_test(self) -> bool:
        """Read a record of each stream that is selected, then say how each ended.

        Final in the SDK. Overridden because its ``--test`` takes no notice of the result, and
        selects every stream, also those that the app needs no scope for.

        Raises:
            RunFailed: A stream failed.
        """
        selected = [stream for stream in self.streams.values() if stream.selected]
        self._concluded(partial(self.run_sync_dry_run, streams=selected))
        return True

    def _concluded(self, work: Callable[[], object]) -> None:
        if self.settings.user_id:
            self.logger.warning(
                "user_id is set: matters and files that this user may not see are left out, "
                "without a trace. Leave it unset to read the whole firm",
            )
        try:
            work()
        finally:
            self.workers.shutdown()
            self.api.http.close()
        self.logger.info("How it went:\n%s", self.run.table())
        if self.run.signal:
            self.logger.warning("Stopped by a signal; the next run goes on from here")
            sys.exit(128 + self.run.signal)
        if failures := self.run.failures:
            names = ", ".join(result.stream for result in failures)
            raise RunFailed(f"{len(failures)} of {len(self.run.results)} streams failed: {names}")

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
        try:
            super().cb_test(ctx, param, value)
        except ConfigValidationError as error:
            for problem in error.errors:
                cls.logger.error("%s", problem)  # noqa: TRY400
            ctx.exit(1)
        except SmokeballError as error:
            cls.logger.error("%s", error)  # noqa: TRY400
            ctx.exit(1)

    @override
    @classmethod
    def invoke(cls, **options: Any) -> None:
        """Run the tap; an error that is expected is told in a line, not in a traceback."""
        try:
            super().invoke(**options)
        except SmokeballError as error:
            cls.logger.error("%s", error)  # noqa: TRY400
            sys.exit(1)
