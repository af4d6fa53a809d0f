"""What the command asks, tells and writes."""

from __future__ import annotations

import logging
import os
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from dotenv import find_dotenv

from tap_smokeball import dotnet_ticks
from tap_smokeball.api import token_expiry
from tap_smokeball.api.rate_limit import TokenBucket
from tap_smokeball.api.transport import Transport
from tap_smokeball.config import settings
from tap_smokeball.errors import SmokeballError
from tap_smokeball.login.callback import LISTENS, Callback
from tap_smokeball.login.env_file import EnvFile
from tap_smokeball.login.grant import Grant, StateMismatchError
from tap_smokeball.redaction import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "TAP_SMOKEBALL_"
USED = (
    "region",
    "environment",
    "api_key",
    "client_id",
    "client_secret",
    "auth_url",
    "user_agent",
    "request_timeout_seconds",
)
"""The settings that a sign-in needs, or asks for; the rest is the tap's business."""

INTERRUPTED = 130
_RETRIES = 2
_QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "region": (
        "Region of the firm's account",
        {"type": click.Choice(list(settings.DOMAINS)), "default": "us"},
    ),
    "environment": (
        "Environment",
        {"type": click.Choice(list(settings.HOSTS)), "default": "production"},
    ),
    "client_id": ("Client id of your app", {}),
    "client_secret": (
        "Client secret (hidden; Enter if the app has none)",
        {"hide_input": True, "default": "", "show_default": False},
    ),
    "api_key": (
        "API key (hidden; Enter to add it later)",
        {"hide_input": True, "default": "", "show_default": False},
    ),
}


@click.command(help="Sign in to Smokeball, and note the refresh token for tap-smokeball in .env.")
@click.option("--region", type=click.Choice(list(settings.DOMAINS)), help="Of the firm's account.")
@click.option("--environment", type=click.Choice(list(settings.HOSTS)), help="Of the app.")
@click.option("--client-id", help="Of the app. Its secret is asked for.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the redirect URI http://localhost:PORT/callback.  [default: 8765]",
)
@click.option("--redirect-uri", help="The app's redirect URI, to the letter, if it is another.")
@click.option("--no-browser", is_flag=True, help="Open no browser, just print the address.")
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    default=300,
    show_default=True,
    help="Seconds to wait for the sign-in.",
)
@click.option(
    "--env-file",
    type=click.Path(path_type=Path),
    help="Where to note it.  [default: the .env that the tap reads, or a new one here]",
)
def login(  # noqa: PLR0913 - one for each option
    *,
    region: str | None,
    environment: str | None,
    client_id: str | None,
    port: int | None,
    redirect_uri: str | None,
    no_browser: bool,
    timeout: int,
    env_file: Path | None,
) -> None:
    """Sign in; what is expected to go wrong is told in a line."""
    if port and redirect_uri:
        raise click.UsageError("--port is part of --redirect-uri: give one of them")
    redirect_uri = redirect_uri or f"http://localhost:{port or 8765}/callback"
    _check(redirect_uri)
    given = {"region": region, "environment": environment, "client_id": client_id}
    try:
        file = EnvFile(env_file or Path(find_dotenv(usecwd=True) or ".env"))
        told = {name: value for name, value in given.items() if value}
        config = _known(file) | told
        told |= _ask(config)
        checked = _settings(config | told)
        token, issued = _sign_in(checked, redirect_uri, timeout, browser=not no_browser)
        told |= {
            "refresh_token": token,
            "refresh_token_issued_at": dotnet_ticks.to_iso_seconds(issued),
        }
        written = {f"{PREFIX}{name.upper()}": value for name, value in told.items()}
        file.write(written)
    except SmokeballError as error:
        _say(str(error))
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        _say("\nStopped. Nothing was written")
        sys.exit(INTERRUPTED)
    _say(f"Signed in. {file.path} now holds {', '.join(written)}")
    for warning in _overridden(written, file):
        _say(f"Warning: {warning}")
    _say(
        f"The refresh token ends on {token_expiry.day(token_expiry.ends(issued))}. "
        "Verify the connection: "
        "tap-smokeball --config=ENV --test"
    )


def _check(redirect_uri: str) -> None:
    try:
        parts = urlsplit(redirect_uri)
        plain = not {"@", "?", "#"} & set(redirect_uri) and parts.port != 0
    except ValueError:
        parts, plain = urlsplit(""), False
    here = parts.scheme == "http" and parts.hostname in LISTENS
    if not plain or not (here or (parts.scheme == "https" and parts.hostname)):
        raise click.BadParameter(
            "takes the app's redirect URI, as http://localhost:8765/callback or one that begins "
            "with https://",
            param_hint="'--redirect-uri'",
        )


def _known(file: EnvFile) -> dict[str, str]:
    """Return what the environment or the file gives; the former wins, as it does for the tap."""
    variables = {**file.values, **os.environ}
    for name, prop in settings.CONFIG["properties"].items():
        if prop.get("secret"):
            for source in (file.values, os.environ):
                SECRETS.add(source.get(PREFIX + name.upper()))
    found = {name: variables.get(PREFIX + name.upper()) for name in USED}
    return {name: value for name, value in found.items() if value}


def _ask(config: dict[str, str]) -> dict[str, str]:
    """Ask for what is missing, if there is somebody to ask."""
    if not sys.stdin.isatty():
        return {}
    answers = {}
    for name, (question, how) in _QUESTIONS.items():
        if name in config or (name in {"region", "environment"} and "auth_url" in config):
            continue
        if answer := click.prompt(question, err=True, **how).strip():
            answers[name] = answer
            if how.get("hide_input"):
                SECRETS.add(answer)
    return answers


def _settings(config: dict[str, str]) -> settings.Settings:
    if "client_id" not in config:
        raise SmokeballError("client_id: is required, by --client-id or TAP_SMOKEBALL_CLIENT_ID")
    if secret := config.get("client_secret"):
        SECRETS.add(f"{config['client_id']}:{secret}")
    # What a sign-in does without is made up, so that the tap's own checks can be used.
    whole: dict[str, Any] = {
        "api_key": "-",
        **config,
        "refresh_token": "-",
        "max_retries": _RETRIES,
    }
    if problems := settings.problems(whole, settings.CONFIG):
        raise SmokeballError("\n".join(problems))
    return settings.Settings.from_config(whole)


def _sign_in(
    checked: settings.Settings, redirect_uri: str, timeout: int, *, browser: bool
) -> tuple[str, int]:
    """Return the refresh token, and the ticks from which it lives at the latest."""
    http = Transport(checked, TokenBucket(5, 5), logging.getLogger(__name__))
    try:
        grant = Grant(checked, http, redirect_uri)
        if urlsplit(redirect_uri).scheme == "http":
            with Callback(redirect_uri, grant.code_in, _say) as callback:
                grant.check()
                _show(grant.address, browser=browser)
                _say(f"Waiting for the sign-in, {timeout} s at the most")
                code = callback.wait(timeout)
        else:
            grant.check()
            _show(grant.address, browser=browser)
            code = _pasted(grant)
        issued = dotnet_ticks.now()
        return grant.redeem(code), issued
    finally:
        http.close()


def _show(address: str, *, browser: bool) -> None:
    _say("Sign in to Smokeball as a user who may see all that you want to read, at:")
    click.echo(address)
    if browser:
        try:
            opened = webbrowser.open(address)
        except webbrowser.Error:
            opened = False
        if not opened:
            _say("No browser can be opened here: open that address yourself")


def _pasted(grant: Grant) -> str:
    """Return the code of a redirect URI that is not this machine's."""
    question = "When the browser has come back, paste its whole address here (hidden)"
    while True:
        try:
            return grant.code_in(click.prompt(question, err=True, hide_input=True).strip())
        except StateMismatchError:
            _say("That is not where this sign-in ended: the address holds a code and a state")


def _overridden(written: dict[str, str], file: EnvFile) -> Iterator[str]:
    for name, value in written.items():
        if os.environ.get(name, value) != value:
            yield f"{name} is also set in the environment, which wins over the file: unset it"
    name = f"{PREFIX}ACCESS_TOKEN"
    if os.environ.get(name, file.values.get(name)):
        yield f"{name} is set, and would be used instead of the refresh token: remove it"


def _say(text: str) -> None:
    click.echo(text, err=True)
