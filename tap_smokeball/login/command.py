"""The command: prompts, output and exit statuses."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from tap_smokeball import dotnet_ticks
from tap_smokeball.api import token_expiry
from tap_smokeball.api.refresh_token_file import RefreshTokenFile
from tap_smokeball.api.transport import Transport
from tap_smokeball.config import settings, validation
from tap_smokeball.config.environment import find_env_file
from tap_smokeball.config.private_files import distrust
from tap_smokeball.errors import SmokeballError
from tap_smokeball.login.browser import open_browser
from tap_smokeball.login.callback import LOOPBACK_ADDRESSES, CallbackServer
from tap_smokeball.login.env_file import EnvFile, EnvFileError
from tap_smokeball.login.grant import AuthorizationCodeGrant, StateMismatchError
from tap_smokeball.login.identity import describe_firm, describe_user
from tap_smokeball.redaction import SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_smokeball.login.grant import Tokens

ENV_PREFIX = "TAP_SMOKEBALL_"
SIGN_IN_SETTINGS = (
    "region",
    "environment",
    "api_key",
    "client_id",
    "client_secret",
    "auth_url",
    "api_url",
    "account_id",
    "refresh_token_file",
    "user_agent",
    "request_timeout_seconds",
)
"""The settings of the tap that the command reads."""

EXIT_INTERRUPTED = 130
_MAX_RETRIES = 2
_PROMPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "region": (
        "Region of the firm's account",
        {"type": click.Choice(list(settings.DOMAINS)), "default": "us"},
    ),
    "environment": (
        "Environment",
        {"type": click.Choice(list(settings.HOSTS)), "default": "production"},
    ),
    "client_id": ("Client ID of your app", {}),
    "client_secret": (
        "Client secret (hidden; press Enter if the app has none)",
        {"hide_input": True, "default": "", "show_default": False},
    ),
    "api_key": (
        "API key (hidden; press Enter to add it later)",
        {"hide_input": True, "default": "", "show_default": False},
    ),
}


@click.command(help="Sign in to Smokeball and save the refresh token for tap-smokeball in .env.")
@click.option(
    "--region", type=click.Choice(list(settings.DOMAINS)), help="Region of the firm's account."
)
@click.option(
    "--environment", type=click.Choice(list(settings.HOSTS)), help="Environment of the app."
)
@click.option(
    "--client-id", help="Client ID of the app. The command prompts for the client secret."
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Port of the redirect URI http://localhost:PORT/callback.  [default: 8765]",
)
@click.option(
    "--redirect-uri",
    help="Redirect URI exactly as registered with the app. Replaces --port.",
)
@click.option("--no-browser", is_flag=True, help="Print the URL without opening a browser.")
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
    help="File to save the refresh token in.  [default: the .env that the tap reads, or a new one "
    "in the current folder]",
)
def login(  # noqa: PLR0913 - one argument for each option
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
    """Sign in and save the refresh token. An expected error is printed in one line."""
    if port and redirect_uri:
        raise click.UsageError("--port and --redirect-uri exclude each other. Pass only one.")
    redirect_uri = redirect_uri or f"http://localhost:{port or 8765}/callback"
    _validate_redirect_uri(redirect_uri)
    options = {"region": region, "environment": environment, "client_id": client_id}
    try:
        file = EnvFile(env_file or _find_env_file())
        # Only new values are saved. Those of the environment and the file stay where they are.
        entered = {name: value for name, value in options.items() if value}
        config = _load_known(file) | entered
        entered |= _prompt_missing(config)
        config |= entered
        sign_in_settings = build_settings(config)
        if token_path := sign_in_settings.refresh_token_file:
            with RefreshTokenFile(token_path, None, None).lock():
                pass  # it can be written: better known before the sign-in
        tokens, issued_ticks = _sign_in(
            sign_in_settings, redirect_uri, timeout, is_browser_wanted=not no_browser
        )
        entered |= {
            "refresh_token": tokens.refresh,
            "refresh_token_issued_at": dotnet_ticks.to_iso_seconds(issued_ticks),
        }
        variables = {f"{ENV_PREFIX}{name.upper()}": value for name, value in entered.items()}
        file.write(variables)
        if token_path:
            RefreshTokenFile(token_path, tokens.refresh, issued_ticks).adopt()
    except SmokeballError as error:
        _echo(str(error))
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        _echo("\nInterrupted. Nothing was written.")
        sys.exit(EXIT_INTERRUPTED)
    _echo(f"Saved in {file.path}: {', '.join(variables)}")
    _echo(f"Signed in{_describe_sign_in(config, tokens)}.")
    expiry_date = token_expiry.format_date(token_expiry.expires_at(issued_ticks))
    for warning in (*_override_warnings(variables, file), *file.owner_warnings()):
        _echo(f"Warning: {warning}")
    _echo(
        f"The refresh token expires on {expiry_date}. "
        "Verify the connection: tap-smokeball --config=ENV --test"
    )


def _validate_redirect_uri(redirect_uri: str) -> None:
    try:
        parts = urlsplit(redirect_uri)
        is_plain = not {"@", "?", "#"} & set(redirect_uri) and parts.port != 0
    except ValueError:
        parts, is_plain = urlsplit(""), False
    is_loopback = parts.scheme == "http" and parts.hostname in LOOPBACK_ADDRESSES
    if not is_plain or not (is_loopback or (parts.scheme == "https" and parts.hostname)):
        raise click.BadParameter(
            "not an https:// URI or an http:// URI of this machine, without user, query and "
            "fragment. Pass the redirect URI of the app, such as http://localhost:8765/callback.",
            param_hint="'--redirect-uri'",
        )


def _find_env_file() -> Path:
    """Return the file that the tap reads, or a new one in the current folder.

    Raises:
        EnvFileError: The file is another user's, who may have put other addresses into it.
    """
    path = find_env_file()
    if path is not None and (problem := distrust(path)):
        raise EnvFileError(path, f"{problem}, so it is not read")
    return path or Path(".env")


def _load_known(file: EnvFile) -> dict[str, Any]:
    """Load settings from the environment and the file, in this order of precedence."""
    variables = {**file.values, **os.environ}
    for name, prop in settings.CONFIG_JSONSCHEMA["properties"].items():
        if prop.get("secret"):
            for source in (file.values, os.environ):
                SECRETS.add(source.get(ENV_PREFIX + name.upper()))
    names = {name: variables.get(ENV_PREFIX + name.upper()) for name in SIGN_IN_SETTINGS}
    found: dict[str, Any] = {name: value for name, value in names.items() if value}
    for warning in validation.strip_settings(found, settings.CONFIG_JSONSCHEMA):
        _echo(warning)
    for secret in validation.secret_values(found, settings.CONFIG_JSONSCHEMA):
        SECRETS.add(secret)
    return found


def _prompt_missing(config: dict[str, Any]) -> dict[str, str]:
    """Prompt for missing settings, if standard input is a terminal."""
    if not sys.stdin.isatty():
        return {}
    entered = {}
    for name, (text, options) in _PROMPTS.items():
        if name in config or (name in {"region", "environment"} and "auth_url" in config):
            continue
        if value := click.prompt(text, err=True, **options).strip():
            entered[name] = value
            if options.get("hide_input"):
                SECRETS.add(value)
    return entered


def build_settings(config: Mapping[str, Any]) -> settings.Settings:
    """Validate the settings of a sign-in by the tap's own rules.

    Raises:
        SmokeballError: A setting is missing or invalid.
    """
    if "client_id" not in config:
        raise SmokeballError(
            "client_id is missing. Pass --client-id or set TAP_SMOKEBALL_CLIENT_ID."
        )
    if secret := config.get("client_secret"):
        SECRETS.add(f"{config['client_id']}:{secret}")
    # Placeholders for what a sign-in does not need, so that the tap's own validation applies.
    tap_config: dict[str, Any] = {
        "api_key": "-",
        **config,
        "refresh_token": "-",
        "max_retries": _MAX_RETRIES,
    }
    if problems := validation.validate(tap_config, settings.CONFIG_JSONSCHEMA):
        raise SmokeballError("\n".join(problems))
    return settings.Settings.from_config(tap_config)


def _sign_in(
    sign_in_settings: settings.Settings,
    redirect_uri: str,
    timeout_seconds: int,
    *,
    is_browser_wanted: bool,
) -> tuple[Tokens, int]:
    """Return the tokens, and .NET ticks no later than their time of issue."""
    transport = Transport(sign_in_settings, logging.getLogger(__name__))
    try:
        grant = AuthorizationCodeGrant(sign_in_settings, transport, redirect_uri)
        url = grant.authorization_url
        if urlsplit(redirect_uri).scheme == "http":
            with CallbackServer(redirect_uri, url, grant.extract_code, _echo) as server:
                grant.preflight()
                _show_url(server.start_url, is_browser_wanted=is_browser_wanted)
                _echo(f"Waiting up to {timeout_seconds} s for the sign-in.")
                try:
                    code = server.wait(timeout_seconds)
                finally:
                    if (count := server.ignored_redirects) > 1:
                        _echo(f"Ignored {count:,} redirects from other sign-ins.")
        else:
            grant.preflight()
            _show_url(url, is_browser_wanted=is_browser_wanted)
            code = _prompt_redirect(grant)
        issued_ticks = dotnet_ticks.now()
        return grant.exchange_code(code), issued_ticks
    finally:
        transport.close()


def _show_url(url: str, *, is_browser_wanted: bool) -> None:
    _echo("Open this URL and sign in as a user who can see all records that you want to read:")
    click.echo(url)
    if is_browser_wanted and not open_browser(url):
        _echo("No browser is available here. Open the URL yourself.")


def _describe_sign_in(config: Mapping[str, Any], tokens: Tokens) -> str:
    """Return the user and the firm as the end of a sentence, as far as they are known."""
    user = describe_user(tokens)
    text = f" as {user}" if user else " (the token does not name the user)"
    if "api_key" not in config:
        return f"{text}; the firm is unknown without api_key"
    try:
        with_token = {**config, "access_token": tokens.access, "max_retries": 0}
        return f"{text}, firm {describe_firm(settings.Settings.from_config(with_token))}"
    except SmokeballError as error:
        return f"{text}; the firm is unknown: {error.summary}"


def _prompt_redirect(grant: AuthorizationCodeGrant) -> str:
    """Prompt for a redirect URI that this machine does not serve, and return its code."""
    text = "After the sign-in, paste the final URL of the browser (hidden)"
    while True:
        try:
            return grant.extract_code(click.prompt(text, err=True, hide_input=True).strip())
        except StateMismatchError:
            _echo(
                "This URL does not belong to this sign-in. Paste the whole URL, with code and "
                "state."
            )


def _override_warnings(variables: dict[str, str], file: EnvFile) -> Iterator[str]:
    for name, value in variables.items():
        if os.environ.get(name, value) != value:
            yield f"{name} is also set in the environment, which overrides the file. Unset it."
    name = f"{ENV_PREFIX}ACCESS_TOKEN"
    if os.environ.get(name, file.values.get(name)):
        yield f"{name} is set and takes precedence over the refresh token. Remove it."


def _echo(text: str) -> None:
    click.echo(text, err=True)
