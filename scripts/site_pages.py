"""What the site's pages need beyond their Markdown: MkDocs calls this (see ``mkdocs.yml``).

The pages are read on their own in the repository too, so they link to its files. On the site, such
a link leads to the page that the file has become, or is none: a file that does not exist is an
error either way. Diagrams, which would need a script from elsewhere, become tables.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
DOCS = "docs"
# Files outside of the folder that are pages too.
OUTSIDE = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "examples/analytics/README.md": "answers.md",
    "smokeball_sandbox/README.md": "sandbox.md",
}
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])+)\]\(([^)\s]+)\)")
FENCE = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
EDGE = re.compile(r'\s*(\w+) \S+ (\w+) : "([^"]+)"')


def on_files(files: Any, config: Any) -> Any:
    """Add the pages whose files lie elsewhere."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - only there where the site is built

    for name, page in OUTSIDE.items():
        if files.get_file_from_path(page) is None:
            text = (ROOT / name).read_text(encoding="utf-8")
            files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return a page's text with its links and diagrams as the site needs them."""
    place = page.file.src_uri
    source = next(
        (name for name, at in OUTSIDE.items() if at == place and name != "README.md"),
        f"{DOCS}/{place}",
    )
    text = FENCE.sub(lambda found: "\n".join(tables(found[1])), markdown)
    return LINK.sub(lambda found: linked(found, source, place), text)


def linked(found: re.Match[str], source: str, place: str) -> str:
    """Return a link as it stands on the site, or only its text if it leads to no page.

    Raises:
        PluginError: It leads to no file either.
    """
    from mkdocs.exceptions import PluginError  # noqa: PLC0415 - only there where the site is built

    text, target = found.groups()
    path, hash_, anchor = target.partition("#")
    if not path or ":" in path:
        return found[0]
    file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if not (ROOT / file).exists():
        raise PluginError(f"{source} links to {target}, which does not exist.")
    inside = file.removeprefix(f"{DOCS}/") if file.startswith(f"{DOCS}/") else None
    page = OUTSIDE.get(file, inside)
    if page is None:
        return text
    return f"[{text}]({posixpath.relpath(page, posixpath.dirname(place) or '.')}{hash_}{anchor})"


def tables(diagram: str) -> Iterator[str]:
    """Yield an entity-relationship diagram as tables, one for each group of it."""
    for line in diagram.splitlines():
        if line.strip().startswith("%%"):
            yield f"\n## {line.strip(' %').capitalize()}\n"
            yield "| Stream | Column | Holds |\n|---|---|---|"
        elif edge := EDGE.match(line):
            to, of, label = edge.groups()
            column, _, key = label.partition(" = ")
            yield f"| [`{of}`](streams.md#{of}) | `{column}` | `{key or 'id'}` of `{to}` |"
