"""Databases to put the queries of `examples/analytics` to."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Output

SCHEMA = "smokeball"
_ENVIRONMENT = {**os.environ, "TZ": "UTC"}


class Database(Protocol):
    """Something that answers SQL."""

    def ask(self, script: str) -> list[dict[str, Any]]:
        """Run statements; return the rows of the last, numbers as they are written."""
        ...


class DuckDB:
    """A DuckDB file, read by the Python of the loader that wrote it.

    Args:
        python: That Python.
        path: The file.
    """

    _PROGRAM = """
import duckdb, json, sys
done = duckdb.connect(sys.argv[1]).execute(sys.stdin.read())
names = [column[0] for column in done.description]
print(json.dumps([dict(zip(names, row)) for row in done.fetchall()], default=str))
"""

    def __init__(self, python: Path, path: Path) -> None:
        self._command = [str(python), "-c", self._PROGRAM, str(path)]

    def ask(self, script: str) -> list[dict[str, Any]]:
        return _parsed(_run(self._command, script))


class Postgres:
    """A PostgreSQL server of its own, on a socket and without a password.

    Args:
        socket: The folder of its socket.
    """

    def __init__(self, socket: Path) -> None:
        self._command = [*_program("psql"), "-h", str(socket), "-U", "postgres", "-qAtX"]
        self._command += ["-v", "ON_ERROR_STOP=1"]

    def ask(self, script: str) -> list[dict[str, Any]]:
        *before, last = [each for each in script.split(";\n") if each.strip()]
        if last.lstrip().startswith(("INSERT", "CREATE")):
            _run(self._command, script)
            return []
        whole = f"SELECT coalesce(json_agg(answer), '[]') FROM ({last}\n) AS answer;"  # noqa: S608
        return _parsed(_run(self._command, ";\n".join([*before, whole])))

    def load(self, output: Output) -> None:
        """Put a run's records into tables as the Singer target for PostgreSQL makes them."""
        lines = [f"CREATE SCHEMA IF NOT EXISTS {SCHEMA};"]
        for message in output.of("SCHEMA"):
            table = f"{SCHEMA}.{message['stream']}"
            columns = message["schema"]["properties"]
            kinds = {name: _kind(prop) for name, prop in columns.items()}
            declared = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
            lines += [f"DROP TABLE IF EXISTS {table};", f"CREATE TABLE {table} ({declared});"]
            lines.append(f"COPY {table} FROM STDIN;")
            for record in output.records(message["stream"]):
                cells = (_cell(record.get(name), kind) for name, kind in kinds.items())
                lines.append("\t".join(cells))
            lines.append("\\.")
        _run(self._command, "\n".join(lines) + "\n")


def has_postgres() -> bool:
    """Whether a server can be started here."""
    return shutil.which("psql") is not None and _binaries() is not None and _owner() is not None


@contextmanager
def postgres() -> Iterator[Postgres]:
    """Run a server for as long as it is wanted."""
    folder, binaries, owner = Path(tempfile.mkdtemp(prefix="pg-")), _binaries(), _owner()
    assert binaries is not None
    assert owner is not None
    if owner != getpass.getuser():
        shutil.chown(folder, owner)
    # The server refuses to run as root.
    by = [] if owner == getpass.getuser() else ["runuser", "-u", owner, "--"]
    data = str(folder / "data")
    options = f"-c listen_addresses= -c timezone=UTC -c fsync=off -k {folder}"
    control = [*by, str(binaries / "pg_ctl"), "-D", data, "-w", "-s"]
    try:
        choices = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        _run([*by, str(binaries / "initdb"), "-D", data, *choices])
        _run([*control, "-l", str(folder / "log"), "-o", options, "start"])
        try:
            yield Postgres(folder)
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder)


def _binaries() -> Path | None:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def _owner() -> str | None:
    """Who may run a server: ourselves, unless that is root."""
    if os.getuid() != 0:
        return getpass.getuser()
    users = Path("/etc/passwd").read_text(encoding="utf-8").splitlines()
    has_user = any(line.startswith("postgres:") for line in users)
    return "postgres" if has_user and shutil.which("runuser") else None


def _program(name: str) -> list[str]:
    return [shutil.which(name) or name]


def _run(command: list[str], script: str = "") -> str:
    done = subprocess.run(
        command,
        input=script,
        capture_output=True,
        check=False,
        encoding="utf-8",
        cwd="/",
        env=_ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _parsed(text: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(text, parse_float=Decimal)
    return rows


def _kind(prop: dict[str, Any]) -> str:
    kinds = prop["type"] if isinstance(prop["type"], list) else [prop["type"]]
    if "object" in kinds or "array" in kinds:
        return "jsonb"
    if prop.get("format") == "date-time":
        return "timestamp"
    names = {"integer": "bigint", "number": "numeric", "boolean": "boolean"}
    return next((names[kind] for kind in kinds if kind in names), "text")


def _cell(value: Any, kind: str) -> str:
    """Write a value as COPY reads it; an object that is missing is a JSON null."""
    if value is None and kind != "jsonb":
        return "\\N"
    text = json.dumps(value, default=float) if kind == "jsonb" else str(value)
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return text
