"""MkDocs hooks: adapt the pages of the repository to the site (see ``mkdocs.yml``).

The pages are also read in the repository, so they link to its files. On the site, such a link leads
to the page made from the file, or to a page that shows the file. A link to a missing file is an
error. Mermaid diagrams become pictures and tables, because Mermaid would need a script from another
host.
"""

from __future__ import annotations

import logging
import posixpath
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from scripts.table_diagram import ForeignKey, draw

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DOCS = "docs"
# Files outside of the docs folder that are pages of the site.
OUTSIDE_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "SECURITY.md": "security-policy.md",
    "smokeball_sandbox/README.md": "sandbox.md",
}
SOURCES = "source"
"""Folder of the pages that show a file of the repository."""

LANGUAGES = {"": "text", ".jq": "text", ".yml": "yaml", ".py": "python", ".md": "markdown"}
SEARCH_WORDS = {
    "index.md": "ETL, ELT, extractor, connector, data pipeline, practice management",
    "quick-start.md": "quickstart, getting started, tutorial, first steps, try it",
    "installation.md": "install, pip, Windows, WSL, macOS, Mac, Linux, Docker, requirements",
    "meltano.md": "meltano add, custom plugin, include_paths, ELT project, cron, proxy, CA",
    "real-account.md": "credentials, API key, OAuth, client secret, setup, rate limit",
    "login.md": "login, log in, authorize, OAuth, refresh token, 401",
    "joins.md": "ERD, ER diagram, entity-relationship diagram, data model, schema, foreign keys",
    "streams.md": "tables, schema, data dictionary, columns, fields",
    "operations.md": "logging, logs, log level, LOGLEVEL, verbose, metrics, monitoring",
    "errors.md": "troubleshooting, FAQ, 429, rate limit, throttling, 401, 403, timeout",
    "performance.md": "rate limit, throughput, speed, requests per second",
    "security.md": "PII, personal data, GDPR, privacy, logging, secrets, encryption",
    "data-protection.md": "PII, GDPR, privacy, compliance, retention, deletion",
    "recipes.md": "PII, masking, hashing, anonymize, backfill, select columns",
    "scheduling.md": "cron, interval, how often, time limit",
    "near-real-time.md": "webhook, webhooks, CDC, streaming, events",
    "incremental.md": "state, bookmark, replication, full refresh, CDC",
    "warehouses.md": "Snowflake, BigQuery, Postgres, DuckDB, target, loader, destination",
}
"""Words that people search for and that a page does not use itself."""

LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])+)\]\(([^)\s]+)\)")
DIAGRAM = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
EDGE = re.compile(r'\s*(\w+) \S+ (\w+) : "([^"]+)"')


def on_startup(**_: Any) -> None:
    """Show warnings only. With ``--quiet``, the strict build would not count them."""
    logging.getLogger("mkdocs").setLevel(logging.WARNING)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages whose files are outside of the docs folder."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - only installed for the site

    for name, page in OUTSIDE_PAGES.items():
        if files.get_file_from_path(page) is None:
            text = (ROOT / name).read_text(encoding="utf-8")
            files.append(File.generated(config, page, content=text))
    for name in linked_files():
        files.append(File.generated(config, source_page(name), content=source_text(name)))
    return files


def linked_files() -> set[str]:
    """Return the files and folders of the repository that pages link to and that are no pages."""
    found: set[str] = set()
    pages = [f"{DOCS}/{path.name}" for path in (ROOT / DOCS).glob("*.md")]
    for page in (*pages, *(name for name in OUTSIDE_PAGES if name != "README.md")):
        text = (ROOT / page).read_text(encoding="utf-8")
        for match in LINK.finditer(text):
            path = match[2].partition("#")[0]
            file = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
            if path and ":" not in path and site_page(file) is None:
                found.add(file)
    folders = {name for name in found if (ROOT / name).is_dir()}
    inside = {name for folder in folders for name in tracked_files(folder)}
    return {name for name in found | inside if (ROOT / name).exists()}


def tracked_files(folder: str) -> list[str]:
    """Return the files of a folder that belong to the repository, without hidden ones."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603 - a constant command
    names = filter(None, done.stdout.split("\0"))
    return sorted(name for name in names if not posixpath.basename(name).startswith("."))


def site_page(file: str) -> str | None:
    """Return the page of the site that is made from a file, or None if the file is no page."""
    inside = file.removeprefix(f"{DOCS}/") if file.startswith(f"{DOCS}/") else None
    return OUTSIDE_PAGES.get(file, inside)


def source_page(file: str) -> str:
    """Return the page that shows a file or a folder."""
    return f"{SOURCES}/{file}.md"


def source_text(file: str) -> str:
    """Return the text of the page that shows a file or a folder."""
    head = f"---\nsearch:\n  exclude: true\n---\n# {file}\n\n"
    if (ROOT / file).is_dir():
        up = "../" * file.count("/")
        lines = [f"- [{name}]({up}{name}.md)" for name in tracked_files(file)]
        return head + "\n".join(lines) + "\n"
    language = LANGUAGES.get(Path(file).suffix, Path(file).suffix.lstrip("."))
    text = (ROOT / file).read_text(encoding="utf-8")
    return f"{head}~~~~~~{language}\n{text}~~~~~~\n"


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the text of a page with its links and diagrams adapted."""
    site_path = page.file.src_uri
    if site_path.startswith(f"{SOURCES}/"):
        return markdown
    source = next(
        (name for name, path in OUTSIDE_PAGES.items() if path == site_path and name != "README.md"),
        f"{DOCS}/{site_path}",
    )
    text = LINK.sub(lambda match: adapt_link(match, source, site_path), markdown)
    text = DIAGRAM.sub(lambda match: "\n".join(diagram_parts(match[1])), text)
    title, rest = text.split("\n", 1)
    words = SEARCH_WORDS.get(site_path)
    return f"{title}\n\n<p hidden>{words}</p>\n{rest}" if words else text


def adapt_link(match: re.Match[str], source: str, site_path: str) -> str:
    """Return a link as the site needs it.

    Raises:
        PluginError: The target does not exist.
    """
    from mkdocs.exceptions import PluginError  # noqa: PLC0415 - only installed for the site

    text, target = match.groups()
    path, hash_, anchor = target.partition("#")
    if not path or ":" in path:
        return match[0]
    file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if not (ROOT / file).exists():
        raise PluginError(f"{source} links to {target}, which does not exist. Fix the link.")
    page = site_page(file) or source_page(file)
    return (
        f"[{text}]({posixpath.relpath(page, posixpath.dirname(site_path) or '.')}{hash_}{anchor})"
    )


def diagram_parts(diagram: str) -> Iterator[str]:
    """Yield a picture and a table for each group of an entity-relationship diagram."""
    _, *groups = re.split(r"^ *%% *(.*)$", diagram, flags=re.MULTILINE)
    for group, edges in zip(groups[::2], groups[1::2], strict=True):
        keys = list(foreign_keys(edges))
        yield f"\n## {group.capitalize()}\n"
        yield draw(keys, f"Tables about {group} and their foreign keys")
        yield "\n| Stream | Column | References |\n|---|---|---|"
        for key in keys:
            stream = f"[`{key.table}`](streams.md#{key.table})"
            yield f"| {stream} | `{key.column}` | `{key.target}.{key.target_column}` |"


def foreign_keys(edges: str) -> Iterator[ForeignKey]:
    """Yield the foreign keys of the lines of a diagram."""
    for target, table, label in EDGE.findall(edges):
        column, _, target_column = label.partition(" = ")
        yield ForeignKey(table, column, target, target_column or "id")
