"""The rules of CONTRIBUTING.md that no linter checks."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts.site_pages import OUTSIDE_PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
PACKAGES = ("tap_smokeball", "smokeball_sandbox", "scripts", "benchmarks")
TENANT = "tests/tenant"
TENANT_MAY_IMPORT = {"requests", "typing_extensions", "urllib3", *sys.stdlib_module_names}
MAX_LINES = 350
MAX_NAME_LENGTH = 45
FUNCTION_WORDS = set(
    re.findall(
        r"\w+",
        """
        a after all an and any are as at before by each every for from how if in is it no not of on
        one only some that the there this to what when where which who why with without
        """,
    )
)
"""Words that cannot be the unit of a test's name."""


def modules(*folders: str) -> list[str]:
    """Return the modules in folders, relative to the repository."""
    return sorted(
        path.relative_to(ROOT).as_posix()
        for name in folders
        for path in (ROOT / name).rglob("*.py")
    )


def is_too_long(text: str) -> bool:
    return len(text.splitlines()) > MAX_LINES


def names_of_tests(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


def imported_modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [str(node.module)] if isinstance(node, ast.ImportFrom) else []


def is_bad_name(name: str) -> bool:
    return len(name) > MAX_NAME_LENGTH or name.split("_")[1] in FUNCTION_WORDS


def pages(entries: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Yield the title and the path of each page of a navigation."""
    for entry in entries:
        for title, target in entry.items():
            if isinstance(target, str):
                yield title, target
            else:
                yield from pages(target)


def source_of(page: str) -> Path:
    """Return the file that a page of the site is made of."""
    outside = {page: source for source, page in OUTSIDE_PAGES.items()}
    return ROOT / outside.get(page, f"docs/{page}")


NAVIGATION = list(pages(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))


def test_module_has_at_most_350_lines() -> None:
    found = modules(*PACKAGES, TENANT)
    assert len(found) > 100
    assert not [each for each in found if is_too_long((ROOT / each).read_text(encoding="utf-8"))]


def test_test_name_is_short_and_starts_with_unit() -> None:
    found = {
        f"{each}: {name}"
        for each in modules("tests")
        for name in names_of_tests((ROOT / each).read_text(encoding="utf-8"))
    }
    assert len(found) > 400
    assert not sorted(each for each in found if is_bad_name(each.rpartition(" ")[2]))


def test_second_tenant_shares_no_code() -> None:
    """It imports nothing of the tap, the sandbox or other tests."""
    found = {
        name
        for each in modules(TENANT)
        for node in ast.walk(ast.parse((ROOT / each).read_text(encoding="utf-8")))
        for name in imported_modules(node)
    }
    own = {name for name in found if name.startswith(TENANT.replace("/", "."))}
    assert "tests.tenant.world" in own
    assert not {name for name in found - own if name.split(".")[0] not in TENANT_MAY_IMPORT}


@pytest.mark.parametrize(("title", "page"), NAVIGATION)
def test_page_title_equals_navigation_title(title: str, page: str) -> None:
    heading = source_of(page).read_text(encoding="utf-8").partition("\n")[0]
    assert heading == f"# {title}"


def test_navigation_lists_every_page() -> None:
    listed = {page for _, page in NAVIGATION}
    assert listed >= {path.name for path in (ROOT / "docs").glob("*.md")}
    assert listed >= set(OUTSIDE_PAGES.values())
