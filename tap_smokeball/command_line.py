"""The command line of the tap: options, input files, exit status."""

from __future__ import annotations

import abc
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError, MappingError

from tap_smokeball import redaction
from tap_smokeball.config import input_files
from tap_smokeball.errors import SmokeballError, StreamsFailedError
from tap_smokeball.probe.options import DEFAULT_PROBE_REPORT, probe_options
from tap_smokeball.run.status import RunInterruptedError
from tap_smokeball.singer.message_writer import OutputClosedError
from tap_smokeball.singer.sdk_compat import ConfigInput

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from typing_extensions import Self


class CommandLineTap(Tap, abc.ABC):
    """A tap with the options ``--plan``, ``--probe`` and ``--test``.

    Attributes:
        has_json_reports: Whether the plan, the connection test and the run summary are JSON.
    """

    has_json_reports = False

    @abc.abstractmethod
    def run_streams(self) -> None:
        """Sync the selected streams."""

    @abc.abstractmethod
    def run_plan(self) -> None:
        """Print an estimate of a run."""

    @abc.abstractmethod
    def run_probe(self, report: str) -> None:
        """Print and keep what the account shows of the API."""

    @abc.abstractmethod
    def run_access_check(self) -> None:
        """Print what the app can access."""

    @override
    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> ConfigInput:
        """Read the configuration files of the command line."""
        try:
            return ConfigInput(
                config=input_files.read_config([path for path in value if path != "ENV"]),
                parse_env="ENV" in value,
            )
        except FileNotFoundError:
            raise click.BadParameter("there is no such file") from None
        except (OSError, TypeError, ValueError):
            raise click.BadParameter("is not a file with one JSON object") from None

    @override
    @classmethod
    def cb_test(cls, ctx: click.Context, param: click.Option, value: str) -> None:
        """Handle ``--test``, which is done while the command line is read."""
        if value == "disabled":
            return
        is_json = _is_json(ctx.params.get("about_format"))
        with cls._exit_on_expected_errors():
            tap = cls._from_cli(ctx.params["config"], catalog=ctx.params["catalog"])
            tap.has_json_reports = is_json
            if value == "schema":
                tap.write_schemas()
            else:
                tap.run_access_check()
        ctx.exit()

    @override
    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Return the command line."""
        command = super().get_singer_command()
        for option in command.params:
            if option.name in {"about_format", "catalog"}:
                option.is_eager = True  # --test is done while options are still read
            if option.name == "about_format":
                cast("click.Option", option).help = (
                    "Write the output of --about, --plan, --probe or --test, or the run summary, "
                    "as JSON; --about also as Markdown."
                )
        command.params.append(
            click.Option(
                ["--plan"],
                is_flag=True,
                help="Estimate the requests, rows and time of a run, then exit.",
            )
        )
        command.params += probe_options()
        return command

    @override
    @classmethod
    def invoke(  # type: ignore[override] # --plan is an option of ours
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
        plan: bool = False,
        probe: bool = False,
        probe_report: str = DEFAULT_PROBE_REPORT,
    ) -> None:
        """Run the tap from the command line."""
        # The SDK's hook, set a moment ago, logs the text of an error, which may quote client data.
        sys.excepthook = redaction.print_unexpected_error
        if about:
            cls.print_about(about_format)
            return
        is_json = _is_json(about_format)
        cls.print_version(print_fn=cls.logger.info)
        with cls._exit_on_expected_errors():
            tap = cls._from_cli(config, state, catalog)
            tap.has_json_reports = is_json
            if plan:
                tap.run_plan()
            elif probe:
                tap.run_probe(probe_report)
            else:
                tap.run_streams()

    @classmethod
    def _from_cli(
        cls,
        config: ConfigInput | None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> Self:
        config = config or ConfigInput()
        return cls(
            config=config.config,
            parse_env_config=config.parse_env,
            state=input_files.read_state(state) if state else None,
            catalog=input_files.read_catalog(catalog) if catalog else None,
        )

    @classmethod
    @contextmanager
    def _exit_on_expected_errors(cls) -> Iterator[None]:
        """Log an expected error in one line, and exit with its status."""
        try:
            yield
        except RunInterruptedError as interrupted:
            cls.logger.warning("Stopped by a signal. The next run resumes from here")
            raise click.exceptions.Exit(128 + interrupted.signal) from None
        except KeyboardInterrupt:
            cls.logger.warning("Stopped by a signal before the run started")
            raise click.exceptions.Exit(128 + signal.SIGINT) from None
        except ConfigValidationError as error:
            for message in error.errors:
                cls.logger.error("%s", message)  # noqa: TRY400 - here and below: nothing to trace
        except MappingError:
            cls.logger.error("stream_maps: invalid expression")  # noqa: TRY400
        except StreamsFailedError:
            pass  # the last lines of the log are the causes, each with its remedy
        except (SmokeballError, OutputClosedError) as error:
            cls.logger.error("%s", error)  # noqa: TRY400
        else:
            return
        raise click.exceptions.Exit(1)


def _is_json(report_format: str | None) -> bool:
    """Return whether reports are JSON.

    Raises:
        click.BadParameter: The format is for ``--about`` alone.
    """
    if report_format not in {None, "json"}:
        raise click.BadParameter(
            "only --about takes it. Use json", param_hint=f"'--format {report_format}'"
        )
    return report_format == "json"
