"""The alert rules fire when they must, and not otherwise: Prometheus' own promtool runs them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

PROMTOOL = shutil.which("promtool") or ""

pytestmark = pytest.mark.skipif(not PROMTOOL, reason="no promtool: install the package prometheus")

ROOT = Path(__file__).parent.parent
DAY = 86_400
HOURS = 97
"""Length of each case: more than the longest `for` of a rule."""

FIRING = 'count by (alertname) (ALERTS{alertstate="firing"})'

FLEET_RULES = ROOT / "orchestrate/prometheus/tap-smokeball.rules.yml"
FLEET = {
    "tap_smokeball_firm_waiting_events": 0,
    "tap_smokeball_firm_oldest_event_seconds": 0,
    "tap_smokeball_firm_last_run_seconds": 60,
    "tap_smokeball_firm_last_full_pass_seconds": DAY,
    "tap_smokeball_firm_refused_parents": 3,
    "tap_smokeball_firm_failures": 0,
    "tap_smokeball_firm_subscription_alive": 1,
    "tap_smokeball_firm_refresh_token_days": 100,
    "tap_smokeball_webhooks_inbox_up": 1,
}
FLEET_CASES: dict[str, Mapping[str, Any]] = {
    "": {},
    "SmokeballEventsWait": {"tap_smokeball_firm_oldest_event_seconds": 1801},
    "SmokeballFirmFails": {"tap_smokeball_firm_failures": 3},
    "SmokeballFirmNeedsAction": {'tap_smokeball_firm_failure{permanent="true"}': 1},
    "SmokeballFullPassOld": {"tap_smokeball_firm_last_full_pass_seconds": 3 * DAY + 1},
    "SmokeballNoFullPass": {"tap_smokeball_firm_last_full_pass_seconds": None},
    "SmokeballSubscriptionGone": {"tap_smokeball_firm_subscription_alive": 0},
    "SmokeballRefreshTokenExpires": {"tap_smokeball_firm_refresh_token_days": 13},
    "SmokeballParentsRefused": {"tap_smokeball_firm_refused_parents": 101},
    "SmokeballFleetStatusOld": {'node_textfile_mtime_seconds{file="/prom/smokeball.prom"}': 0},
    "SmokeballInboxDown": {"tap_smokeball_webhooks_inbox_up": 0},
}

SUMMARY_RULES = ROOT / "examples/alerts/rules.yml"
NOW = HOURS * 3600
SUMMARY = {
    "smokeball_run_end_timestamp_seconds": NOW - 60,
    "smokeball_run_exit_status": 0,
    "smokeball_run_requests": 100,
    'smokeball_run_retries{cause="429"}': 5,
    'smokeball_run_retries{cause="5xx"}': 50,
    "smokeball_refresh_token_expiry_timestamp_seconds": NOW + 100 * DAY,
    'smokeball_stream_failed{stream="fees"}': 0,
    'smokeball_stream_unread_parents{stream="fees"}': 0,
    'smokeball_stream_unknown_fields{stream="fees"}': 2,
    'smokeball_stream_rejected_values{stream="fees"}': 0,
    'smokeball_stream_bookmark_timestamp_seconds{stream="fees"}': NOW - 3600,
    'smokeball_stream_bookmark_timestamp_seconds{stream="contacts"}': 0,
}
SUMMARY_CASES: dict[str, Mapping[str, Any]] = {
    "": {},
    "SmokeballRunMissing": {"smokeball_run_end_timestamp_seconds": NOW - 3 * 3600 - 1},
    "SmokeballRunFailed": {"smokeball_run_exit_status": 1},
    "SmokeballStreamFailed": {'smokeball_stream_failed{stream="fees"}': 1},
    "SmokeballFeesStale": {'smokeball_stream_bookmark_timestamp_seconds{stream="fees"}': 0},
    "SmokeballUnreadParents": {'smokeball_stream_unread_parents{stream="fees"}': 1},
    "SmokeballUnknownFields": {
        'smokeball_stream_unknown_fields{stream="fees"}': f"2x{HOURS - 3} 3x2"
    },
    "SmokeballRejectedValues": {'smokeball_stream_rejected_values{stream="fees"}': 1},
    "SmokeballTokenExpires": {
        "smokeball_refresh_token_expiry_timestamp_seconds": NOW + 14 * DAY - 1
    },
    "SmokeballRateLimitShared": {'smokeball_run_retries{cause="429"}': 6},
}


def case(series: Mapping[str, Any], alert: str) -> dict[str, Any]:
    """Return a test of promtool: which alerts fire at the end of constant series."""
    return {
        "interval": "1h",
        "input_series": [
            {
                "series": with_firm(name),
                "values": str(value) if "x" in str(value) else f"{value}x{HOURS}",
            }
            for name, value in series.items()
            if value is not None
        ],
        "promql_expr_test": [
            {
                "expr": FIRING,
                "eval_time": f"{HOURS}h",
                "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1}]
                if alert
                else [],
            }
        ],
    }


def with_firm(series: str) -> str:
    """Return the name of a series with the label of a firm."""
    name, _, labels = series.partition("{")
    return f'{name}{{firm="abbott",{labels or "}"}'


@pytest.mark.parametrize(
    ("rules", "healthy", "cases"),
    [(FLEET_RULES, FLEET, FLEET_CASES), (SUMMARY_RULES, SUMMARY, SUMMARY_CASES)],
)
def test_alert_fires_on_its_condition_alone(
    tmp_path: Path, rules: Path, healthy: Mapping[str, Any], cases: Mapping[str, Any]
) -> None:
    tests = [case({**healthy, **changed}, alert) for alert, changed in cases.items()]
    path = tmp_path / "test.yml"  # JSON is YAML
    content = {"rule_files": [str(rules)], "evaluation_interval": "1h", "tests": tests}
    path.write_text(json.dumps(content))
    assert {f"alert: {alert}" for alert in cases if alert} == {
        line.strip(" -") for line in rules.read_text().splitlines() if "alert: " in line
    }
    done = subprocess.run(
        [PROMTOOL, "test", "rules", str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
