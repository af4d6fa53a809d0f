"""Hashes in stream maps: the function ``hmac_sha256``, and checks of the salts.

The SDK offers ``md5`` and ``sha256`` without a key. With an empty salt, anyone can find the email
address behind a hash. With a text in place of null, all rows without an address join each other.
"""

from __future__ import annotations

import ast
import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Any

from singer_sdk.mapper import CustomStreamMap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.mapper import PluginMapper

HMAC = "hmac_sha256"
HASHES = {"md5", "sha256", HMAC}
"""The functions of stream maps that hash."""

MIN_SALT_LENGTH = 16
MIN_SALT_CHARACTERS = 6
"""Different characters of a salt that is not a row of the same ones."""

_UNEXPANDED = re.compile(r"\$\w+|.*(\$\{\w+\}|\{\{.*\}\}).*|%\w+%", re.DOTALL)
"""The name of a variable in place of its value, as a shell, Jinja or Windows writes it."""


def hmac_sha256(key: str, value: Any) -> str | None:
    """Return the HMAC-SHA-256 of a value in hexadecimal digits; None for null and empty text.

    Raises:
        TypeError: The value is an object or a list, or the key is no text.
    """
    if value is None or value == "":
        return None
    if isinstance(value, (dict, list)):
        raise TypeError("an object has no single text")
    return hmac.new(key.encode(), str(value).encode(), hashlib.sha256).hexdigest()


def add_hash_functions(mapper: PluginMapper) -> None:
    """Make ``hmac_sha256`` known to the expressions of a mapper."""
    for stream_maps in mapper.stream_maps.values():
        for stream_map in stream_maps:
            if isinstance(stream_map, CustomStreamMap):
                stream_map.expr_evaluator.functions[HMAC] = hmac_sha256


def hash_errors(stream_maps: Mapping[str, Any], constants: Mapping[str, Any]) -> list[str]:
    """Return the errors of hashes in stream maps, each with its stream and column.

    Args:
        stream_maps: The setting, whose expressions can be parsed.
        constants: The setting ``stream_map_config``.
    """
    errors: list[str] = []
    for stream, rules in stream_maps.items():
        for column, rule in rules.items() if isinstance(rules, dict) else ():
            if isinstance(rule, str) and not column.startswith("__"):
                where = f"column `{column}` of stream `{stream}`"
                for call in _hash_calls(rule):
                    errors += _call_errors(call, where, constants)
    return list(dict.fromkeys(errors))


def _hash_calls(rule: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(rule)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in HASHES
        ):
            yield node


def _call_errors(call: ast.Call, where: str, constants: Mapping[str, Any]) -> Iterator[str]:
    is_hmac = isinstance(call.func, ast.Name) and call.func.id == HMAC
    salts = set(_config_names(call))
    for salt in sorted(salts):
        if problem := _salt_problem(constants.get(salt)):
            yield (
                f"stream_map_config: `{salt}`, the salt of {where}, {problem}. Use the output of "
                "`openssl rand -hex 32`"
            )
    if is_hmac and not (call.args and set(_config_names(call.args[0]))):
        yield f"stream_maps: {where} takes {HMAC}(config['…'], …) with a salt of stream_map_config"
    if salts and any(map(_replaces_null, ast.walk(call))):
        yield (
            f"stream_maps: {where} hashes a text in place of null, so that all rows without a "
            f"value have the same hash. Use {HMAC}(config['…'], record.get('…')), which keeps null"
        )


def _config_names(node: ast.AST) -> Iterator[str]:
    """Yield the constants of ``stream_map_config`` in an expression."""
    for part in ast.walk(node):
        name: ast.expr | None = None
        if isinstance(part, ast.Subscript) and _is_config(part.value):
            name = part.slice
        elif (arguments := _get_arguments(part, of_config=True)) is not None:
            name = arguments[0]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield name.value


def _replaces_null(node: ast.AST) -> bool:
    """Return whether a node has a constant in place of a missing value."""
    choices: list[ast.expr] = []
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        choices = node.values[1:]
    elif isinstance(node, ast.IfExp):
        choices = [node.body, node.orelse]
    elif (arguments := _get_arguments(node, of_config=False)) is not None:
        choices = arguments[1:]
    return any(isinstance(each, ast.Constant) and each.value is not None for each in choices)


def _get_arguments(node: ast.AST, *, of_config: bool) -> list[ast.expr] | None:
    """Return the arguments of a call such as ``record.get('email')``, or None for other nodes."""
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "get"
        and node.args
        and _is_config(node.func.value) == of_config
    ):
        return node.args
    return None


def _is_config(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "config"


def _salt_problem(salt: Any) -> str | None:
    """Return the predicate of a sentence about an unusable salt, without its value."""
    if salt is None or salt == "":
        return "is not set"
    if not isinstance(salt, str):
        return "takes text"
    if salt != salt.strip():
        return "has spaces or line breaks around it"
    if _UNEXPANDED.fullmatch(salt):
        return "is the name of a variable, not its value"
    if len(salt) < MIN_SALT_LENGTH or len(set(salt)) < MIN_SALT_CHARACTERS:
        return f"takes at least {MIN_SALT_LENGTH} random characters"
    return None
