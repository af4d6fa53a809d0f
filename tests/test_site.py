"""The pictures and the search of the documentation site."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from scripts import site_pages
from scripts.table_diagram import draw
from tests.servers import ROOT

PAGE = (ROOT / "docs" / "joins.md").read_text(encoding="utf-8")
EDGES = re.split(r"^ *%% .*$", site_pages.DIAGRAM.findall(PAGE)[0], flags=re.MULTILINE)[1:]


@pytest.mark.parametrize("edges", EDGES, ids=range(len(EDGES)))
def test_diagram_shows_each_key_without_overlap(edges: str) -> None:
    keys = list(site_pages.foreign_keys(edges))
    svg = ET.fromstring(draw(keys, "Tables"))  # noqa: S314 - our own
    titles = [title.text for title in svg.iter("title")]
    shown = [f"{key.table}.{key.column} = {key.target}.{key.target_column}" for key in keys]
    assert sorted(map(str, titles)) == sorted(shown)
    assert len(list(svg.iter("path"))) == sum(key.table != key.target for key in keys)
    boxes = [
        [float(rect.attrib[name]) for name in ("x", "y", "width", "height")]
        for rect in svg.iter("rect")
    ]
    for (x, y, width, height), (x2, y2, width2, height2) in combinations(boxes, 2):
        assert x + width < x2 or x2 + width2 < x or y + height < y2 or y2 + height2 < y


def test_search_words_belong_to_pages() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    pages = {*re.findall(r": ([\w-]+\.md)$", nav, re.MULTILINE)}
    assert site_pages.SEARCH_WORDS.keys() <= pages
    assert set(site_pages.OUTSIDE_PAGES.values()) <= pages


def test_files_that_pages_link_to_are_shown() -> None:
    """A folder is shown with its files."""
    linked = site_pages.linked_files()
    assert {"meltano.yml", "Dockerfile", "orchestrate/airflow/dags"} <= linked
    assert any(name.startswith("orchestrate/airflow/dags/") for name in linked)
    assert "CHANGELOG.md" not in linked
    assert all(site_pages.source_text(name).startswith("---") for name in linked)
