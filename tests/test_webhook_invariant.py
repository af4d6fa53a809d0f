"""Every row whose event was answered 204 is delivered by the next run that completes.

The firm, the receiver and the tap are processes. Events are lost, repeated, reordered, late, of
another account or wrongly signed; receivers and taps are killed at any moment. After the next full
pass, what was delivered is what is there.

``WEBHOOK_INTERLEAVINGS=200 pytest tests/test_webhook_invariant.py`` runs more sequences, on SQLite
and on Postgres.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.harness import Process
from tests.inbox_helpers import new_postgres_url, postgres
from tests.webhook_runner import WebhookRunner, WebhookStep
from tests.webhook_site import WebhookSite

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["postgres"]

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("WEBHOOK_INTERLEAVINGS", "4"))
INBOXES = ["sqlite", "postgres"] if "WEBHOOK_INTERLEAVINGS" in os.environ else ["sqlite"]
TIMEOUT_SECONDS = 120 + 20 * EXAMPLES
LOOKBACK_SECONDS = 300

CHANGES = (
    *("touch fees", "touch fees", "add fees", "delete fees", "touch matters", "add matters"),
    *("status matters", "touch contacts", "add contacts", "touch transactions"),
)
RULES = st.fixed_dictionaries(
    {"seed": st.integers(0, 1000)},
    optional={
        "lost": st.just(0.3),
        "repeated": st.just(0.4),
        "reordered": st.just(0.5),
        "late": st.just(0.4),
        "wrong_account": st.just(0.3),
        "wrong_signature": st.just(0.3),
    },
)
STEPS = st.lists(
    st.builds(
        WebhookStep,
        changes=st.lists(
            st.tuples(st.sampled_from(CHANGES), st.integers(0, 30)), min_size=1, max_size=4
        ),
        during=st.one_of(st.none(), st.integers(0, 30)),
        rules=RULES,
        has_read_lag=st.sampled_from([False, False, True]),
        sends_all=st.booleans(),
        receiver=st.sampled_from([*["runs"] * 3, *["killed"] * 3, "down", "down for minutes"]),
        kill_seconds=st.floats(0, 0.15),
        end=st.sampled_from([*["complete"] * 4, "target crash", "killed", "time limit"]),
        end_index=st.integers(0, 12),
        interval_hours=st.sampled_from([24, 24, 24, 24, 0]),
        lists_take_long=st.booleans(),
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module", autouse=True)
def quiet_logs() -> Iterator[None]:
    """Disable logging: the log of hundreds of runs takes more time than the test."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module", params=INBOXES)
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebhookSite]:
    inbox = None
    if request.param == "postgres":
        inbox = new_postgres_url(request.getfixturevalue("postgres"))
    with WebhookSite(tmp_path_factory.mktemp("site"), inbox) as opened:
        yield opened


@pytest.mark.timeout(TIMEOUT_SECONDS)
@settings(
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(steps=STEPS)
def test_answered_events_deliver_their_rows(site: WebhookSite, steps: list[WebhookStep]) -> None:
    """The run after an answered event delivers its row; the full pass delivers all rows."""
    lags = any(step.has_read_lag for step in steps)
    runner = WebhookRunner(site, Process(site.folder), LOOKBACK_SECONDS * lags)
    for step in steps:
        runner.run_step(step)
    runner.finish()
