"""Makes the page of a firm, and reads it in a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.dbt_project import PACKAGE, PROFILES
from tests.servers import environment_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.dbt_project import DbtProject
    from tests.webdriver import Browser

_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)

# Finds a table by its caption, and the column by its heading.
_TABLE = """
const frame = [...document.querySelectorAll(arguments[0] + " .table")]
  .find((each) => each.querySelector("table").getAttribute("aria-label") === arguments[1]);
const place = [...frame.querySelectorAll("thead th")]
  .findIndex((each) => each.innerText.replace(/[ \\u00a0][↑↓]$/, "") === arguments[2]);
"""
_TOTAL = _TABLE + "return frame.querySelector('tfoot tr').children[place].firstChild.textContent;"
_COLUMN = _TABLE + (
    "return [...frame.querySelectorAll('tbody tr')].map((row) => row.children[place].innerText);"
)
_SORT = _TABLE + "frame.querySelectorAll('thead button')[place].click();"
# Opens each figure of all tables: where it is, and the rows and totals that it shows.
_OPENED = """
const found = [];
for (const frame of document.querySelectorAll("main .table")) {
  const table = frame.querySelector("table");
  const headings = [...table.querySelectorAll("thead th")].map((each) => each.textContent);
  for (const button of table.querySelectorAll("tbody button.figure")) {
    button.click();
    const opened = document.querySelector("dialog .table");
    const totals = [...opened.querySelectorAll("tfoot td")].map((each) => each.textContent);
    const pager = opened.querySelector(".pager span");
    const count = pager ? Number(pager.textContent.match(/of ([0-9]+)/)[1])
      : opened.querySelectorAll("tbody tr").length;
    const place = [...button.closest("tr").children].indexOf(button.closest("td"));
    const heading = headings[place].replace(/[ \\u00a0][↑↓]$/, "");
    const caption = table.getAttribute("aria-label");
    found.push([caption, heading, button.textContent, count, totals]);
  }
}
document.querySelector("dialog").close();
return found;
"""
# All tables, with all of their rows. Small texts explain a figure.
_TABLES = """
for (const select of document.querySelectorAll("main select[aria-label='Rows per page']")) {
  select.value = "Infinity";
  select.dispatchEvent(new Event("change"));
}
const text = (cell) => [...cell.childNodes]
  .filter((each) => each.nodeName !== "SMALL").map((each) => each.textContent).join("");
const texts = (row) => [...row.children].map(text);
return [...document.querySelectorAll("main .table")].map((frame) => [
  frame.querySelector("table").getAttribute("aria-label"),
  texts(frame.querySelector("thead tr")).map((each) => each.replace(/[ \\u00a0][↑↓]$/, "")),
  [...frame.querySelectorAll("tbody tr, tfoot tr")].map(texts),
  frame.querySelectorAll("tfoot tr").length,
]);
"""
_SAVE = (
    """
let blob;
const original = URL.createObjectURL;
URL.createObjectURL = (given) => { blob = given; return original(given); };
"""
    + _TABLE
    + """
frame.querySelector('.csv').click();
URL.createObjectURL = original;
return blob.text();
"""
)
_CHOOSE = """
const select = document.querySelector(`select[name=${arguments[0]}]`);
select.value = arguments[1];
select.dispatchEvent(new Event("change"));
"""
_LABEL = """
const label = [...document.querySelectorAll(".tile .label")]
  .find((each) => each.textContent.startsWith(arguments[0]));
"""
_TILE = _LABEL + "return label.nextSibling.textContent;"
_TEXT = _LABEL + "return label.nextSibling.nextSibling.textContent;"
_NOTES = _LABEL + (
    "return [...label.parentNode.querySelectorAll('small')].map((each) => each.textContent);"
)
# The lowest contrast of visible texts against what is behind them.
_CONTRAST = """
const parse = (text) => text.match(/[0-9.]+/g).map(Number);
const light = (parts) => parts.slice(0, 3).map((each) => each / 255)
  .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4)
  .reduce((sum, each, place) => sum + each * [0.2126, 0.7152, 0.0722][place], 0);
const ground = (node) => {
  const color = parse(getComputedStyle(node).backgroundColor);
  const isClear = color.length > 3 && color[3] === 0 && node.parentElement;
  return isClear ? ground(node.parentElement) : color;
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let lowest = 21;
while (walker.nextNode()) {
  const node = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.disabled) continue;
  const style = getComputedStyle(node);
  const tones = [parse(node.closest("svg") ? style.fill : style.color), ground(node)].map(light);
  lowest = Math.min(lowest, (Math.max(...tones) + 0.05) / (Math.min(...tones) + 0.05));
}
return lowest;
"""


def make_page(
    project: DbtProject, output: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Make the page of a built project, as its reader would."""
    return subprocess.run(
        [
            *(str(environment_python("dbt")), str(PACKAGE / "page"), "--output", str(output)),
            *("--target", project.target, "--vars", json.dumps(project.variables)),
            *arguments,
        ],
        cwd=PACKAGE,
        env={
            **os.environ,
            **project.environment,
            "DBT_PROFILES_DIR": str(PROFILES),
            "DBT_TEST_DUCKDB": str(project.database_link),
            "DBT_TARGET_PATH": str(project.folder / "target"),
            "DBT_LOG_PATH": str(project.folder / "logs"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def page_rows(page: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table of a page."""
    [text] = _DATA.findall(page.read_text(encoding="utf-8"))
    return {
        name: [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
        for name, table in json.loads(text)["tables"].items()
    }


def edited(page: str, change: Callable[[Any], None]) -> str:
    """Return a page after a change of its data."""
    [text] = _DATA.findall(page)
    data = json.loads(text)
    change(data)
    return page.replace(
        text, json.dumps(data).translate({ord(each): f"\\u{ord(each):04x}" for each in "<>&"})
    )


class ShownTable(NamedTuple):
    """A table of the page: its rows and the row of totals, as texts by heading."""

    rows: list[dict[str, str]]
    totals: dict[str, str]


@dataclass
class FirmPage:
    """A page in a browser.

    Attributes:
        browser: The browser.
        path: The file of the page.
    """

    browser: Browser
    path: Path

    def open_edited(self, change: Callable[[Any], None]) -> None:
        """Open the page after a change of its data."""
        path = self.path.with_name("edited.html")
        path.write_text(edited(self.path.read_text(encoding="utf-8"), change), encoding="utf-8")
        self.browser.open(path.as_uri())

    def tile(self, label: str) -> str:
        """Return the figure of a tile whose label starts so."""
        text: str = self.browser.run(_TILE, label)
        return text

    def tile_text(self, label: str) -> str:
        """Return the text below the figure of a tile."""
        text: str = self.browser.run(_TEXT, label)
        return text

    def notes(self, label: str) -> list[str]:
        """Return the small texts of a tile."""
        texts: list[str] = self.browser.run(_NOTES, label)
        return texts

    def total(self, caption: str, column: str, inside: str = "main") -> str:
        """Return a figure of the last row of a table."""
        text: str = self.browser.run(_TOTAL, inside, caption, column)
        return text

    def column(self, caption: str, column: str, inside: str = "main") -> list[str]:
        """Return the texts of a column on the first page of a table."""
        texts: list[str] = self.browser.run(_COLUMN, inside, caption, column)
        return texts

    def tables(self) -> dict[str, ShownTable]:
        """Return all rows of all tables, by caption."""
        return {
            caption: ShownTable(
                [dict(zip(headings, row, strict=True)) for row in rows[: len(rows) - totals]],
                dict(zip(headings, rows[-1], strict=True)) if totals else {},
            )
            for caption, headings, rows, totals in self.browser.run(_TABLES)
        }

    def rates(self, start: str) -> dict[str, str]:
        """Return the shares in the totals of a table whose caption starts so."""
        [totals] = [t.totals for caption, t in self.tables().items() if caption.startswith(start)]
        return {
            name: text.removesuffix(note)
            for name, text in totals.items()
            for note in [text[text.find("%") + 1 :]]
            if "%" in text
        }

    def sort(self, caption: str, column: str) -> None:
        """Sort a table by a column; a second time sorts in the other direction."""
        self.browser.run(_SORT, "main", caption, column)

    def opened_rows(self) -> list[tuple[str, str, str, int, list[str]]]:
        """Open the rows of each figure.

        Returns:
            Caption and heading of each figure, the figure, and the number of rows and the totals
            that it opens.
        """
        found: list[tuple[str, str, str, int, list[str]]] = self.browser.run(_OPENED)
        return found

    def csv(self, caption: str, column: str) -> str:
        """Save a table, and return the file."""
        text: str = self.browser.run(_SAVE, "main", caption, column)
        return text

    def choose(self, **filters: str) -> None:
        """Set filters."""
        for name, value in filters.items():
            self.browser.run(_CHOOSE, name, value)

    def lowest_contrast(self) -> float:
        contrast: float = self.browser.run(_CONTRAST)
        return contrast
