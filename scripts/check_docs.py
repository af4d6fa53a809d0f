"""Run the commands of the pages as a reader would, in a fresh clone and in fresh folders beside it.

``make docs-check`` runs this. Every command must succeed and print what its page shows, where ``…``
stands for any text. Programs are installed into a home folder of their own, and the simulated
Smokeball listens on port 8787, as on the pages.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
CLONE = "tap-smokeball"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
HERE_DOCUMENT = re.compile(r"<<'(\w+)'")
SERVERS = {"make sandbox"}
"""Commands that run until the end."""

SIMULATED_ACCOUNT = {
    "TAP_SMOKEBALL_API_URL": "http://127.0.0.1:8787",
    "TAP_SMOKEBALL_AUTH_URL": "http://127.0.0.1:8787",
    "TAP_SMOKEBALL_API_KEY": "sandbox-api-key-4f1c8d",
    "TAP_SMOKEBALL_CLIENT_ID": "sandbox-client",
    "TAP_SMOKEBALL_CLIENT_SECRET": "sandbox-client-secret-91b7e2",  # public, like the sandbox
}
INHERITED_PREFIXES = ("MELTANO_", "TAP_", "TARGET_", "VIRTUAL_ENV", "MAKE", "MFLAGS")
MARK = "\x1e"
SERVER_SECONDS = 600
"""How long a server may take to start, with its environment."""


class DocsError(Exception):
    """A page is wrong. The text says which command failed, and how."""


class Command(NamedTuple):
    """A command of a page.

    Attributes:
        text: The command, with the text of its here-document.
        output: Lines that the page shows.
    """

    text: str
    output: list[str]

    @property
    def name(self) -> str:
        """The command in one line, without the text of its here-document."""
        return re.sub(r" \\\n *", " ", self.text).split("\n", 1)[0]


class Walk(NamedTuple):
    """Sections of a page whose commands run in one shell.

    Attributes:
        page: Path of the page.
        sections: Headings, in order; "" is the part before the first heading.
        folder: Where the reader starts, relative to the folder of the clone.
        environment: Variables that the page tells the reader to set.
    """

    page: str
    sections: tuple[str, ...]
    folder: str = CLONE
    environment: dict[str, str] = {}  # noqa: RUF012 - never changed

    def commands(self) -> list[Command]:
        """Return the commands in order.

        Raises:
            DocsError: The page has no such section.
        """
        text = (ROOT / self.page).read_text(encoding="utf-8")
        parts = ["", *HEADING.split(text)]
        found = dict(zip(parts[::2], parts[1::2], strict=True))
        if missing := set(self.sections) - found.keys():
            raise DocsError(f"{self.page} has no section {missing}. Change scripts/check_docs.py.")
        return [each for section in self.sections for each in console_commands(found[section])]


WALKS = (
    Walk("README.md", ("Quick start",)),
    Walk("docs/installation.md", ("Install the tap", "Extras")),
    Walk("docs/quick-start.md", ("Run the steps by hand",)),
    Walk(
        "docs/meltano.md",
        ("Create the project", "Load", "Choose streams and settings", "Schedule"),
        folder=".",
    ),
    Walk(
        "docs/real-account.md",
        ("Configure the tap", "Run with Meltano"),
        environment={**SIMULATED_ACCOUNT, "PATH": "$PWD/.venv-uv/bin:$HOME/.local/bin:$PATH"},
    ),
)


def console_commands(text: str) -> Iterator[Command]:
    """Yield the commands of the console blocks of a page or a section."""
    for language, block in FENCE.findall(text):
        if language == "console":
            yield from _block_commands(block.splitlines())


def _block_commands(lines: list[str]) -> Iterator[Command]:
    rest = iter(lines)
    command: Command | None = None
    for line in rest:
        if not line.startswith("$ "):
            if command is None:
                raise DocsError(f"A console block begins with output: {line}")
            command.output.append(line)
            continue
        if command:
            yield command
        text = line[2:]
        while text.endswith("\\"):
            text += f"\n{next(rest)}"
        if document := HERE_DOCUMENT.search(text):
            body = iter(lambda: next(rest), document[1])
            text = "\n".join([text, *body, document[1]])
        command = Command(text, [])
    if command:
        yield command


def walked_commands() -> set[str]:
    """Return the names of all commands that the walks run."""
    return {command.name for walk in WALKS for command in walk.commands()}


def check_output(command: Command, output: str) -> None:
    """Compare what a command printed with what its page shows.

    Raises:
        DocsError: A line of the page is missing.
    """
    lines = iter([line.strip() for line in output.splitlines()])
    for shown in command.output:
        pattern = ".*".join(map(re.escape, shown.strip().split("…")))
        if not any(re.fullmatch(pattern, line) for line in lines):
            raise DocsError(f"$ {command.name}\nThe page shows: {shown}\nThe output is:\n{output}")


class Reader:
    """Someone who runs the commands of the pages.

    Args:
        folder: The folder that holds the clone and the reader's home.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "stderr.log"
        self._servers: list[subprocess.Popen[str]] = []
        home = folder / "home"
        home.mkdir()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(INHERITED_PREFIXES)}
        # Downloads are shared with the user, and nothing else is.
        cache = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
        own = {"HOME": str(home), "UV_CACHE_DIR": cache, "NO_COLOR": "1"}
        paths = {f"XDG_{name}_HOME" for name in ("DATA", "CONFIG", "STATE", "BIN")}
        self._environment = {k: v for k, v in inherited.items() if k not in paths} | own

    def walk(self, walk: Walk) -> None:
        """Run the commands of a walk.

        Raises:
            DocsError: A command failed, or printed something else.
        """
        say(f"{walk.page}: {', '.join(walk.sections)}")
        commands = [each for each in walk.commands() if each.name not in SERVERS]
        for server in walk.commands():
            if server.name in SERVERS:
                self._serve(server, walk)
        started = time.monotonic()
        with (
            self._log.open("w") as log,
            subprocess.Popen(
                ["/bin/bash"],
                cwd=self._folder / walk.folder,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            ) as shell,
        ):
            if shell.stdin is None or shell.stdout is None:
                raise AssertionError("both are pipes")
            for name, value in walk.environment.items():
                shell.stdin.write(f'export {name}="{value}"\n')
            for command in commands:
                # Not the shell's own input: a program would read the next commands from it.
                line = f"{{ {command.text}\n}} < /dev/null\nprintf '{MARK}%d\\n' $?\n"
                with contextlib.suppress(BrokenPipeError):  # a command may have ended the shell
                    shell.stdin.write(line)
                    shell.stdin.flush()
                output, status = _read_output(shell.stdout)
                if status:
                    tail = "\n".join(self._log.read_text().splitlines()[-30:])
                    raise DocsError(f"$ {command.name}\nExit status {status}\n{output}{tail}")
                check_output(command, output)
                now = time.monotonic()
                say(f"  {now - started:5.0f} s  $ {command.name}")
                started = now

    def _serve(self, command: Command, walk: Walk) -> None:
        server = subprocess.Popen(  # noqa: S603 - the project's own pages
            ["/bin/bash", "-c", f"exec {command.text}"],
            cwd=self._folder / walk.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._servers.append(server)
        output = ""
        deadline = time.monotonic() + SERVER_SECONDS
        while server.stdout and time.monotonic() < deadline:
            line = server.stdout.readline()
            output += line
            with contextlib.suppress(DocsError):
                check_output(command, output)
                say(f"           $ {command.name}")
                return
            if not line:
                break
        raise DocsError(f"$ {command.name}\nIt did not start:\n{output}")

    def stop(self) -> None:
        """Stop the servers."""
        for server in self._servers:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def _read_output(lines: Iterator[str]) -> tuple[str, int]:
    """Return what a command printed, and its exit status."""
    output = ""
    for line in lines:
        text, mark, status = line.partition(MARK)
        output += text
        if mark:
            return output, int(status)
    return output, -1


def say(text: str) -> None:
    """Print a line and flush, in case the output is a pipe."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the walks, and return the exit status."""
    parser = argparse.ArgumentParser(prog="make docs-check", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="keep the folder")
    parser.add_argument("--page", help="only walks whose page contains this")
    options = parser.parse_args()
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="docs-check-"))
    reader = Reader(folder)
    try:
        clone = ["git", "clone", "--quiet", str(ROOT), str(folder / CLONE)]
        subprocess.run(clone, check=True)  # noqa: S603 - no shell, and paths of our own
        for walk in WALKS:
            if not options.page or options.page in walk.page:
                reader.walk(walk)
    except DocsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        reader.stop()
        if options.keep:
            say(f"The folder is {folder}.")
        else:
            subprocess.run(["/bin/rm", "-rf", str(folder)], check=False)  # noqa: S603 - the same
    say(f"All commands printed what their pages show, in {time.monotonic() - started:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
