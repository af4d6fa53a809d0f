"""`make docs-check` runs the commands of a page in one shell, and notices what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scripts.check_docs import DocsError, Reader, Walk

if TYPE_CHECKING:
    from pathlib import Path

PAGE = """# Page

## First

```console
$ export NAME=world && mkdir folder && cd folder
$ cat > file <<'END'
hello $NAME
END
$ cat \\
  file
hello $NAME
```

## Second

```console
$ cat; echo "hello $NAME"; pwd
hello …
…/folder
```
"""


def read(tmp_path: Path, page: str, *sections: str) -> None:
    (tmp_path / "page.md").write_text(page)
    Reader(tmp_path).walk(Walk(str(tmp_path / "page.md"), sections, folder="."))


def test_docs_check_runs_commands_in_one_shell(tmp_path: Path) -> None:
    """Variables and the folder are kept, and no command reads the next ones as its input."""
    read(tmp_path, PAGE, "First", "Second")
    assert (tmp_path / "folder" / "file").read_text() == "hello $NAME\n"


@pytest.mark.parametrize(
    ("shown", "wrong"),
    [("hello …\n", "bye …\n"), ("…/folder\n", "hello …\n"), ("cat; echo", "cat; false; : ")],
)
def test_docs_check_rejects_other_output(tmp_path: Path, shown: str, wrong: str) -> None:
    """A line that is missing or in another place is an error."""
    with pytest.raises(DocsError, match=r"\$ cat"):
        read(tmp_path, PAGE.replace(shown, wrong), "First", "Second")


@pytest.mark.parametrize("command", ["false", "exit 3", "sh -c 'kill -9 $$'"])
def test_docs_check_rejects_failed_command(tmp_path: Path, command: str) -> None:
    with pytest.raises(DocsError, match="Exit status"):
        read(tmp_path, PAGE.replace("cat; echo", f"{command} #"), "First", "Second")


def test_docs_check_needs_the_named_section(tmp_path: Path) -> None:
    with pytest.raises(DocsError, match="no section"):
        read(tmp_path, PAGE, "Third")
