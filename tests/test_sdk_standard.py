"""The SDK's standard tests of a tap pass against the sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from smokeball_sandbox import SandboxServer
from tap_smokeball.tap import TapSmokeball
from tests.harness import Json, config
from tests.recorded_firm import CONTENT_STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.slow,
    # The SDK warns of a column that is null in all records, as extraFields is in most streams.
    pytest.mark.filterwarnings("ignore:No records were available to test"),
]

_settings: Json = {"api_key": "k", "access_token": "t"}
"""The class reads the catalog at import, without a request; the fixture adds the sandbox."""

TestTapSmokeball = get_tap_test_class(
    TapSmokeball,
    config=_settings,
    suite_config=SuiteConfig(
        max_records_limit=50,
        ignore_no_records_for_streams=[*CONTENT_STREAMS, "webhook_subscriptions", "sync_runs"],
    ),
    parse_env_config=False,
)


@pytest.fixture(scope="module", autouse=True)
def _sandbox() -> Iterator[None]:
    with SandboxServer(matters=60) as sandbox:
        _settings.clear()
        _settings.update(config(sandbox))
        yield


@pytest.fixture(autouse=True)
def _fresh_values(request: pytest.FixtureRequest) -> None:
    """Let each test of an attribute read its own values.

    The SDK shares one object among all tests of a kind, which caches the values of the first
    attribute that has some.
    """
    vars(request.function.__self__).pop("non_null_attribute_values", None)
