"""The snippets of docs/recipes.md have the described effects."""

from __future__ import annotations

import hmac
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import yaml

from tests.harness import catalog, config, run, sandbox_rows
from tests.servers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from smokeball_sandbox import SandboxServer
    from tests.harness import Json

PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
SALT = "0123456789abcdef" * 4


def snippet(heading: str, marker: str, page: str = PAGE) -> Json:
    """Return the YAML after a marker in a section."""
    section = page.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    [text] = re.findall(rf"{re.escape(marker)}.*?```yaml\n(.*?)```", section, re.DOTALL)[:1]
    settings: Json = yaml.safe_load(text.replace("$SMOKEBALL_SALT", SALT))
    return settings


def test_recipe_hashes_and_drops_personal_data(firm: SandboxServer) -> None:
    """Equal addresses have equal hashes, and rows without one have none."""
    for nth, email in enumerate((None, "", "a@firm.example", "a@firm.example")):
        firm.control.touch("staff", nth=nth, set={"email": email})
    maps = snippet("Personal data", "**Drop it, or hash it,**")
    output = run(config(firm, **maps), catalog=catalog(wanted=["staff"]))
    by_id = {entry["row"]["id"]: entry["row"] for entry in sandbox_rows(firm, "staff")}
    records = output.records("staff")
    hashes = [record["email"] for record in records]
    assert hashes.count(None) == 2
    assert len(set(filter(None, hashes))) == 1
    for record in records:
        email = by_id[record["id"]].get("email")
        expected = hmac.new(SALT.encode(), email.encode(), "sha256").hexdigest() if email else None
        assert record["email"] == expected
        assert not record.keys() & {"phone", "cell"}
        assert record["lastName"] == by_id[record["id"]].get("lastName")


def test_recipe_blanks_deleted_contacts(firm: SandboxServer) -> None:
    """A soft-deleted contact arrives with nothing but its ids and times."""
    page = (ROOT / "docs" / "data-protection.md").read_text(encoding="utf-8")
    maps = snippet("Erasure", "**A soft-deleted contact", page)
    firm.control.touch("contacts", nth=0, set={"isDeleted": True})
    output = run(config(firm, **maps), catalog=catalog(wanted=["contacts"]))
    by_id = {entry["row"]["id"]: entry["row"] for entry in sandbox_rows(firm, "contacts")}
    kept = {"id", "href", "versionId", "externalSystemId", "isDeleted"}
    kept |= {"lastUpdated", "lastUpdatedAt"}
    records = output.records("contacts")
    assert {record["isDeleted"] for record in records} == {True, False}
    for record in records:
        names = {name for name, value in record.items() if value is not None}
        assert (names <= kept) == by_id[record["id"]]["isDeleted"]


def test_recipe_masks_personal_data(firm: SandboxServer) -> None:
    maps = snippet("Personal data", "**Mask it**")
    output = run(config(firm, **maps), catalog=catalog(wanted=["staff"]))
    assert {record["lastName"] for record in output.records("staff")} == {"***"}
    assert {len(record["firstName"] or "-") for record in output.records("staff")} == {1}


def test_recipe_adds_firm_to_primary_keys(firm: SandboxServer) -> None:
    """Each record and each primary key has the firm."""
    output = run(config(firm, **snippet("Several firms in one schema", "Give each row")))
    keys = {m["stream"]: m["key_properties"] for m in output.messages_of_type("SCHEMA")}
    assert keys == {"matters": ["firm", "id"], "fees": ["firm", "id"]}
    for stream in keys:
        schema = next(
            m["schema"] for m in output.messages_of_type("SCHEMA") if m["stream"] == stream
        )
        assert "firm" in schema["properties"]
        assert {record["firm"] for record in output.records(stream)} == {"smith-and-partners"}
        assert len(output.records(stream)) == len(sandbox_rows(firm, stream))


def test_recipe_resets_one_stream(firm: SandboxServer, tmp_path: Path) -> None:
    """The program removes one bookmark; other streams remain incremental."""
    first = run(config(firm))
    [program] = re.findall(r"python - <<'END'\n(.*?)END\n", PAGE, re.DOTALL)
    file = tmp_path / "state.json"
    file.write_text(json.dumps({"singer_state": first.state}))
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    state = json.loads(file.read_text())["singer_state"]
    second = run(config(firm), state)
    assert len(second.records("fees")) == len(sandbox_rows(firm, "fees"))
    assert len(second.records("matters")) < len(sandbox_rows(firm, "matters"))
