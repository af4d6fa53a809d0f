"""A fleet on this machine: simulated firms behind one app, Airflow, webhooks, a shared rate limit.

``python -m tests.fleet_trial`` lets 30 firms work for 30 minutes at ten times the speed of a
working day. The real DAGs run in a real Airflow; Postgres is inbox, warehouse and store of the rate
limit. Events are lost and repeated, a task is killed, and the receiver is restarted. Then full
passes run, and the rows in the warehouse must equal those of the firms. ``--firms 3 --minutes 2``
is a short trial.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from smokeball_sandbox import SandboxServer
from tests.airflow_deployment import (
    DAGS,
    MISSING_ENVIRONMENTS,
    Deployment,
    DeploymentChanges,
    wait_until,
)
from tests.harness import config, sandbox_rows
from tests.receiver_process import COMMAND, clean_environment, run_receiver
from tests.servers import free_port, postgres_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tests.harness import Json
    from tests.receiver_process import Receiver

sys.path.insert(0, str(DAGS))
from smokeball_airflow.config import Deployment as Config

REQUESTS_PER_SECOND = 25
CHANGES_PER_MATTER_AND_DAY = 0.02
WORKING_DAY_SECONDS = 8 * 3600
SMALLEST, LARGEST = 200, 5000
READER = "dev:tap-smokeball-two-to-target-postgres"
EVENT_RULES = {"lost": 0.05, "repeated": 0.1, "reordered": 0.05}
STREAMS = ("matters", "fees")


class Trial:
    """The fleet and what is measured of it.

    Args:
        folder: Takes all files.
        sizes: Matters of each firm.
        slots: Slots of the pool.
        stack: Ends what the trial starts.
    """

    def __init__(self, folder: Path, sizes: list[int], slots: int, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        port = stack.enter_context(postgres_server())
        server = f"postgresql://postgres@127.0.0.1:{port}"
        for name in ("inbox", "warehouse"):
            with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
        self.inbox = f"{server}/inbox"
        self.warehouse = psycopg.connect(f"{server}/warehouse", autocommit=True)
        self.firms = {
            f"firm{number:02}": stack.enter_context(
                SandboxServer(matters=matters, seed=100 + number, fees=1, exact_fees=True)
            )
            for number, matters in enumerate(sizes)
        }
        self.deployment = self._deploy(port, slots)
        self.pending: dict[tuple[str, str], float] = {}
        self.staleness: list[float] = []
        self.changes = 0
        self._is_over = threading.Event()
        self._lock = threading.Lock()

    def _deploy(self, port: int, slots: int) -> Deployment:
        loader = {
            "name": "target-postgres",
            "connection": "warehouse",
            "settings": {"default_target_schema": "{firm}"},
        }
        intervals = {"poll_interval_minutes": 60, "full_pass_interval_hours": 100}
        common: Json = {"loader": loader, "retries": 1, "grace_minutes": 5}
        events = {
            "schedule": "* * * * *",
            "due": ["events", "first_run", "retry", "poll"],
            "settings": intervals,
            "priority": 10,
            "max_run_minutes": 5,
        }
        nightly = {
            "schedule": None,
            "due": ["full_pass", "retry"],
            "settings": {**intervals, "full_pass_interval_hours": 0.001},
            "limit": 1000,
            "max_run_minutes": 10,
        }
        changes = DeploymentChanges(
            app={"requests_per_second": REQUESTS_PER_SECOND, "burst": 10, "slots": slots},
            dags={"events": {**common, **events}, "nightly": {**common, **nightly}},
            extra={"webhook_inbox": self.inbox, "rate_limit_store": self.inbox},
            slots=slots,
            connections={
                "warehouse": {
                    "conn_type": "generic",
                    "host": "127.0.0.1",
                    "port": port,
                    "login": "postgres",
                    "password": "postgres",
                    "schema": "warehouse",
                }
            },
        )
        return Deployment(self._folder, self.firms, changes=changes)

    def subscribe(self, address: str) -> None:
        """Subscribe each firm, with its own settings, and set how events go wrong."""
        for name, firm in self.firms.items():
            path = self._folder / f"{name}.json"
            path.write_text(json.dumps(config(firm)))
            command = [*COMMAND, "subscribe", "--config", str(path), "--firm", name]
            subprocess.run(
                [*command, "--url", f"{address}/webhooks/{name}"],
                env=clean_environment(TAP_SMOKEBALL_WEBHOOK_INBOX=self.inbox),
                check=True,
                capture_output=True,
            )
            path.unlink()
            firm.control.settings(events=EVENT_RULES)

    def work(self, seconds: float, speed: float) -> Iterator[float]:
        """Let the firms work; yield the seconds since the start, at least once a second.

        Args:
            seconds: How long.
            speed: Factor of the changes of a working day.
        """
        generator, started = random.Random(1), time.monotonic()  # noqa: S311 - repeatable
        matters = {
            name: [each["row"]["id"] for each in sandbox_rows(firm, "matters")]
            for name, firm in self.firms.items()
        }
        total = sum(map(len, matters.values()))
        rate = total * CHANGES_PER_MATTER_AND_DAY / WORKING_DAY_SECONDS * speed
        names = list(matters)
        weights = [len(matters[name]) for name in names]
        next_change = generator.expovariate(rate)
        while (elapsed := time.monotonic() - started) < seconds:
            yield elapsed
            time.sleep(max(0.0, min(1.0, next_change - elapsed)))
            if time.monotonic() - started < next_change:
                continue
            next_change += generator.expovariate(rate)
            [name] = generator.choices(names, weights)
            added = self.firms[name].control.add("fees", parent=generator.choice(matters[name]))
            with self._lock:
                self.pending[name, str(added["row"]["id"])] = time.monotonic()
            self.changes += 1

    def watch(self) -> None:
        """Note when each change arrives in the warehouse, until the trial is over."""
        while not self._is_over.wait(1):
            with self._lock:
                waiting = dict(self.pending)
            for firm in {name for name, _ in waiting}:
                ids = [id_ for name, id_ in waiting if name == firm]
                for id_ in self.loaded(firm, "fees", ids):
                    with self._lock:
                        self.staleness.append(time.monotonic() - self.pending.pop((firm, id_)))

    def loaded(self, firm: str, stream: str, ids: list[str] | None = None) -> list[str]:
        """Return ids in the schema of a firm: all, or those of some that are there."""
        condition = "" if ids is None else " WHERE id = ANY(%s)"
        query = f'SELECT id FROM "{firm}"."{stream}"{condition} ORDER BY 1'  # noqa: S608
        with suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            cursor = self.warehouse.execute(query.encode(), None if ids is None else (ids,))
            return [str(row[0]) for row in cursor.fetchall()]
        return []

    def due(self, *options: str) -> Json:
        """Return what `due` says of all firms."""
        done = subprocess.run(
            [*COMMAND, "due", "--reader", READER, *options],
            env=clean_environment(TAP_SMOKEBALL_WEBHOOK_INBOX=self.inbox),
            check=True,
            capture_output=True,
        )
        found: Json = json.loads(done.stdout)
        return found

    def is_idle(self, *kinds: str) -> bool:
        """Return whether no firm is due for some reasons, and none runs."""
        found = self.due(*(f"--for={kind}" for kind in kinds))
        return not (found["due"] or found["busy"] or found["delayed"])

    def differences(self) -> list[str]:
        """Return each firm and stream whose rows are not those of the firm, and no other's."""
        return [
            f"{name}: {stream}"
            for name, firm in self.firms.items()
            for stream in STREAMS
            if self.loaded(name, stream)
            != sorted(each["row"]["id"] for each in sandbox_rows(firm, stream))
        ]

    def requests(self) -> tuple[int, int]:
        """Return the requests of all firms so far, and how many were answered 429."""
        counts = [firm.control.requests() for firm in self.firms.values()]
        total = sum(each["total"] for each in counts)
        return total, sum(each["by_status"].get("429", 0) for each in counts)

    def kill_a_task(self) -> str | None:
        """Kill a task that loads a firm; return the firm."""
        for folder in (self._folder / "tmp").glob("smokeball-*-*-*"):
            _, process, firm, _ = folder.name.split("-", 3)
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
                return firm
        return None

    def end(self) -> None:
        """Let `watch` return."""
        self._is_over.set()


def main(firms: int, minutes: float, slots: int, speed: float) -> int:
    """Run the trial; return the exit status."""
    generator = random.Random(firms)  # noqa: S311 - repeatable
    sizes = [
        round(SMALLEST * (LARGEST / SMALLEST) ** generator.random() ** 2) for _ in range(firms)
    ]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-trial-")))
        trial = Trial(folder, sizes, slots, stack)
        port = str(free_port())
        receiver = _Restartable(trial.inbox, port)
        stack.callback(receiver.stop)
        receiver.start()
        trial.subscribe(f"http://127.0.0.1:{port}")
        pools = folder / "pools.json"
        pools.write_text(json.dumps(Config.read(folder / "smokeball.yml").pools))
        with trial.deployment.airflow("pools", "import", str(pools)) as command:
            command.wait()
        _say(f"{firms} firms, {sum(sizes):,} matters, {slots} slots")
        started = time.monotonic()
        stack.enter_context(trial.deployment.running("scheduler", "dag-processor"))
        wait_until(lambda: not trial.differences() and trial.is_idle("first_run", "retry"), 7200)
        _say(f"first loads: {time.monotonic() - started:.0f} s")
        watcher = threading.Thread(target=trial.watch)
        watcher.start()
        stack.callback(watcher.join)
        stack.callback(trial.end)
        result = _working_time(trial, receiver, minutes * 60, speed)
        wait_until(lambda: trial.is_idle("events", "retry"), 3600)
        lost = len(trial.pending)
        _trigger(trial.deployment, "nightly")
        wait_until(lambda: not trial.differences(), 7200, lambda: str(trial.differences()))
        differences = trial.differences()
        secrets = trial.deployment.files_with_secrets()
    ages = sorted(result["staleness"])
    _say(
        json.dumps(
            {
                **{name: each for name, each in result.items() if name != "staleness"},
                "left_to_full_pass": lost,
                "median_seconds": round(statistics.median(ages)) if ages else None,
                "p95_seconds": round(ages[int(len(ages) * 0.95)]) if ages else None,
                "differences": differences,
                "files_with_secrets": secrets,
            }
        )
    )
    return int(bool(differences or secrets or result["too_many_requests"]))


def _working_time(trial: Trial, receiver: _Restartable, seconds: float, speed: float) -> Json:
    """Let the firms work, with accidents at fixed times; return what was measured."""
    requests_before, _ = trial.requests()
    started, killed, is_restarted = time.monotonic(), None, False
    for elapsed in trial.work(seconds, speed):
        if killed is None and elapsed > seconds / 3:
            killed = trial.kill_a_task()
        if not is_restarted and elapsed > seconds / 2:
            receiver.stop()
            receiver.start()
            is_restarted = True
    duration = time.monotonic() - started
    requests, refused = trial.requests()
    sent = requests - requests_before
    return {
        "changes": trial.changes,
        "killed_task_of": killed,
        "receiver_restarted": is_restarted,
        "requests": sent,
        "share_of_rate_limit": round(sent / duration / REQUESTS_PER_SECOND, 3),
        "too_many_requests": refused,
        "staleness": list(trial.staleness),
    }


class _Restartable:
    """A receiver on a fixed port.

    Args:
        inbox: URL of the inbox.
        port: The port.
    """

    def __init__(self, inbox: str, port: str) -> None:
        self._inbox, self._port = inbox, port
        self._running: AbstractContextManager[Receiver] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._running = run_receiver(self._inbox, "--port", self._port)
        self._running.__enter__()

    def stop(self) -> None:
        """Stop it, unless it is stopped."""
        if self._running:
            self._running.__exit__(None, None, None)
            self._running = None


def _trigger(deployment: Deployment, dag: str) -> None:
    with deployment.airflow("dags", "trigger", dag) as command:
        command.wait()


def _say(text: Any) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--firms", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--speed", type=float, default=10)
    parser.add_argument("--slots", type=int, default=4)
    options = parser.parse_args()
    if MISSING_ENVIRONMENTS:
        sys.exit(f"missing: {', '.join(MISSING_ENVIRONMENTS)}")
    sys.exit(main(options.firms, options.minutes, options.slots, options.speed))
