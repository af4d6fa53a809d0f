"""The reference of the settings: the page, and the example of a ``.env`` file."""

from __future__ import annotations

import json
from typing import Any

from tap_smokeball.config.settings import CONFIG_JSONSCHEMA
from tap_smokeball.tap import TapSmokeball

ENV_PREFIX = "TAP_SMOKEBALL_"


def settings_page() -> str:
    """Return the reference of the settings."""
    sdk_settings = {
        name: prop
        for name, prop in all_settings().items()
        if name not in CONFIG_JSONSCHEMA["properties"]
    }
    lines = [
        "# Settings",
        "",
        "Generated from the code. The tap checks all settings before the first request. An error",
        "names the setting, never its value. With `--config=ENV` the tap also reads settings from",
        f"environment variables, `{ENV_PREFIX}` plus the name in capitals, and from a `.env` file.",
        "",
        *settings_table(CONFIG_JSONSCHEMA["properties"]),
        "",
        "## Singer SDK settings",
        "",
        *settings_table(sdk_settings),
    ]
    return "\n".join(lines) + "\n"


def settings_table(properties: dict[str, Any]) -> list[str]:
    """Return a table of settings."""
    lines = ["| Setting | Type | Default | Description |", "|---|---|---|---|"]
    for name, prop in properties.items():
        flags = [flag for flag in ("required", "secret") if has_flag(name, prop, flag)]
        description = " ".join(str(prop.get("description", "")).split())
        default = json.dumps(prop["default"]).strip('"') if "default" in prop else ""
        lines.append(
            f"| `{name}`{' (' + ', '.join(flags) + ')' if flags else ''} "
            f"| {setting_type(prop)} | {default and f'`{default}`'} | {description} |"
        )
    return lines


def has_flag(name: str, prop: dict[str, Any], flag: str) -> bool:
    """Return whether a setting is ``required``, or ``secret``."""
    return name in CONFIG_JSONSCHEMA["required"] if flag == "required" else bool(prop.get("secret"))


def setting_type(prop: dict[str, Any]) -> str:
    """Return the type of a setting, or its allowed values."""
    if "enum" in prop:
        return ", ".join(f"`{value}`" for value in prop["enum"] if value is not None)
    return column_type(prop)


def all_settings() -> dict[str, Any]:
    """Return the JSON Schema of each setting, including those of the SDK."""
    schema = TapSmokeball.config_jsonschema
    TapSmokeball.append_builtin_config(schema)
    properties: dict[str, Any] = schema["properties"]
    return properties


def env_example() -> str:
    """Return a ``.env`` file to fill in."""
    lines = [
        "# Copy to .env and fill in. Commented-out settings show their defaults.",
        "# One of three sets of credentials is enough: client_id and client_secret; client_id and",
        "# refresh_token (plus client_secret if the app has one); or access_token.",
    ]
    for name, prop in CONFIG_JSONSCHEMA["properties"].items():
        description = " ".join(str(prop["description"]).replace("`", "").split())
        is_active = name in {"api_key", "client_id", "client_secret", "refresh_token"}
        value = prop.get("default", "")
        value = str(value).lower() if isinstance(value, bool) else value
        setting = f"{'' if is_active else '# '}{ENV_PREFIX}{name.upper()}={value}"
        lines += ["", f"# {description}", setting]
    return "\n".join(lines) + "\n"


def column_type(prop: dict[str, Any]) -> str:
    """Return the type of a column in one or two words."""
    if set(prop.get("properties", ())) == {"id", "href"}:
        return "link"
    if "items" in prop:
        return f"list of {column_type(prop['items'])}s"
    types = prop.get("type", "object")
    first = next(one for one in ([types] if isinstance(types, str) else types) if one != "null")
    return str(prop.get("format", first))
