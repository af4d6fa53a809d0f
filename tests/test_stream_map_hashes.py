"""Hashes in stream maps that would protect nothing are refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from singer_sdk.exceptions import ConfigValidationError

from tap_smokeball.tap import TapSmokeball
from tests.harness import catalog, config, run
from tests.memory_firm import MemoryFirm

pytestmark = pytest.mark.slow

GOOD = {"api_key": "k", "access_token": "t"}
SALT = "c4nary-0123456789"
EMAIL = "hmac_sha256(config['salt'], record.get('email'))"
SHARED_HASH = "hashes a text in place of null"


def errors(expression: str, **constants: Any) -> list[str]:
    settings = {"stream_maps": {"staff": {"email": expression}}, "stream_map_config": constants}
    with pytest.raises(ConfigValidationError) as error:
        TapSmokeball(config={**GOOD, **settings})
    return list(error.value.errors)


@pytest.mark.parametrize(
    ("salt", "problem"),
    [
        ("", "is not set"),
        (None, "is not set"),
        (" ", "has spaces or line breaks around it"),
        (f"{SALT}\n", "has spaces or line breaks around it"),
        ("$SMOKEBALL_SALT", "is the name of a variable"),
        ("${SMOKEBALL_SALT}", "is the name of a variable"),
        ("firm-a-${SMOKEBALL_SALT}", "is the name of a variable"),
        ("{{ env_var('SMOKEBALL_SALT') }}", "is the name of a variable"),
        ("%SMOKEBALL_SALT%", "is the name of a variable"),
        ("c4nary", "takes at least 16 random characters"),
        ("0" * 64, "takes at least 16 random characters"),
        (1234567890123456, "takes text"),
    ],
)
def test_weak_salt_is_refused(salt: Any, problem: str) -> None:
    """The error names salt, stream and column, and does not show the salt."""
    [error] = errors("sha256(config.get('salt') + email)", salt=salt)
    where = "stream_map_config: `salt`, the salt of column `email` of stream `staff`"
    assert error.startswith(f"{where}, {problem}")
    assert "c4nary" not in error


@pytest.mark.parametrize(
    "expression",
    [
        "md5(config['salt'] + (record.get('email') or ''))",
        "hmac_sha256(config['salt'], record.get('email', ''))",
        "sha256(config['salt'] + (record['email'] if record['email'] else '-'))",
        "'x' + sha256(str(record['email'] or 'none') + config['salt'])",
    ],
)
def test_hash_of_missing_value_is_refused(expression: str) -> None:
    [error] = errors(expression, salt=SALT)
    assert "column `email` of stream `staff`" in error
    assert SHARED_HASH in error


def test_salt_of_hmac_is_checked() -> None:
    assert "is not set" in errors(EMAIL, salt="")[0]


def test_hmac_without_configured_salt_is_refused() -> None:
    [error] = errors("hmac_sha256('a long and secret text', record['email'])")
    assert "with a salt of stream_map_config" in error


@pytest.mark.parametrize(
    "expression",
    [
        EMAIL,
        "md5((record.get('firstName') or '') + (record.get('lastName') or ''))",
        "sha256(config['salt'] + record['email']) if record['email'] else None",
        "record.get('email') or ''",
    ],
)
def test_safe_hash_is_accepted(expression: str) -> None:
    settings = {
        "stream_maps": {"staff": {"email": expression}},
        "stream_map_config": {"salt": SALT},
    }
    assert TapSmokeball(config={**GOOD, **settings}).config["stream_maps"]


def test_hmac_keeps_missing_values_null() -> None:
    firm = MemoryFirm(matters=1)
    for nth, email in enumerate((None, "", "a@firm.example")):
        firm.control.touch("staff", nth=nth, set={"email": email})
    stream_maps = {"staff": {"email": EMAIL}}
    settings = config(firm, stream_map_config={"salt": SALT}, stream_maps=stream_maps)
    hashes = [r["email"] for r in run(settings, catalog=catalog(wanted=["staff"])).records("staff")]
    assert hashes.count(None) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", each) for each in hashes if each is not None)


def test_hmac_of_object_fails_its_stream_only(caplog: pytest.LogCaptureFixture) -> None:
    firm = MemoryFirm(matters=2)
    settings = config(
        firm,
        stream_map_config={"salt": SALT},
        stream_maps={"staff": {"phone": "hmac_sha256(config['salt'], record['phone'])"}},
    )
    output = run(settings, catalog=catalog(wanted=["staff", "matters"]))
    assert output.status == 1
    assert len(output.records("matters")) == 2
    assert "an expression for stream" in caplog.text
    assert SALT not in caplog.text
