"""MkDocs hooks: adapt the pages of the repository to the site (see ``mkdocs.yml``).

The pages are also read in the repository, so they link to its files. On the site, such a link leads
to the page made from the file. A link to a file that is not a page becomes plain text, and a link
to a missing file is an error. Mermaid diagrams become tables, because Mermaid would need a script
from another host.
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
# Files outside of the docs folder that are pages of the site.
OUTSIDE_PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "README.md": "index.md",
    "smokeball_sandbox/README.md": "sandbox.md",
}
LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])+)\]\(([^)\s]+)\)")
DIAGRAM = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
EDGE = re.compile(r'\s*(\w+) \S+ (\w+) : "([^"]+)"')


def on_files(files: Any, config: Any) -> Any:
    """Add the pages whose files are outside of the docs folder."""
    from mkdocs.structure.files import File  # noqa: PLC0415 - only installed for the site

    for name, page in OUTSIDE_PAGES.items():
        if files.get_file_from_path(page) is None:
            text = (ROOT / name).read_text(encoding="utf-8")
            files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Return the text of a page with its links and diagrams adapted."""
    site_path = page.file.src_uri
    source = next(
        (name for name, path in OUTSIDE_PAGES.items() if path == site_path and name != "README.md"),
        f"{DOCS}/{site_path}",
    )
    text = DIAGRAM.sub(lambda match: "\n".join(diagram_tables(match[1])), markdown)
    return LINK.sub(lambda match: adapt_link(match, source, site_path), text)


def adapt_link(match: re.Match[str], source: str, site_path: str) -> str:
    """Return a link as the site needs it, or only its text if the target is not a page.

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
    inside = file.removeprefix(f"{DOCS}/") if file.startswith(f"{DOCS}/") else None
    page = OUTSIDE_PAGES.get(file, inside)
    if page is None:
        return text
    return (
        f"[{text}]({posixpath.relpath(page, posixpath.dirname(site_path) or '.')}{hash_}{anchor})"
    )


def diagram_tables(diagram: str) -> Iterator[str]:
    """Yield an entity-relationship diagram as tables, one for each of its groups."""
    for line in diagram.splitlines():
        if line.strip().startswith("%%"):
            yield f"\n## {line.strip(' %').capitalize()}\n"
            yield "| Stream | Column | References |\n|---|---|---|"
        elif edge := EDGE.match(line):
            target, stream, label = edge.groups()
            column, _, key = label.partition(" = ")
            yield (f"| [`{stream}`](streams.md#{stream}) | `{column}` | `{target}.{key or 'id'}` |")
