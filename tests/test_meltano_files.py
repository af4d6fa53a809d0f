"""The definitions of the tap for Meltano Hub, and for Meltano projects of one's own."""

from __future__ import annotations

from typing import Any

import yaml

from scripts import meltano
from tests.harness import DEFAULT_STREAMS
from tests.servers import ROOT

HUB_KEYS = {
    *("name", "variant", "label", "description", "namespace", "pip_url", "executable"),
    *("domain_url", "maintenance_status", "quality", "keywords", "supported_python_versions"),
    *("capabilities", "settings_group_validation", "settings_preamble", "settings", "select"),
}
"""Keys that the Hub permits and that the definition has: it rejects all others."""

HUB_KINDS = {"string", "integer", "boolean", "array", "object", "options", "date_iso8601"}
HUB_CAPABILITIES = {
    *("about", "activate-version", "batch", "catalog", "discover", "properties", "state", "test"),
    *("schema-flattening", "stream-maps", "structured-logging", "log-based"),
}
HUB_SETTING_KEYS = {"name", "label", "kind", "value", "sensitive", "options", "description"}


def load(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def tap_of(project: Any) -> dict[str, Any]:
    tap: dict[str, Any] = project["plugins"]["extractors"][0]
    return tap


def test_hub_definition_fits_schema_of_hub() -> None:
    hub = load("hub/tap-smokeball.yml")
    assert hub.keys() == HUB_KEYS
    assert {*hub["capabilities"]} <= HUB_CAPABILITIES
    assert {setting["kind"] for setting in hub["settings"]} <= HUB_KINDS
    assert {key for setting in hub["settings"] for key in setting} <= HUB_SETTING_KEYS
    assert hub["maintenance_status"] in {"active", "beta", "development", "inactive", "unknown"}
    assert hub["quality"] in {"gold", "silver", "bronze", "unknown"}
    names = {setting["name"] for setting in hub["settings"]}
    assert {name for group in hub["settings_group_validation"] for name in group} <= names


def test_definitions_select_default_streams() -> None:
    """Without a selection, Meltano would read every column, identity papers included."""
    included = tap_of(load("examples/meltano/smokeball.meltano.yml"))
    for definition in (load("hub/tap-smokeball.yml"), included):
        rules = [rule for rule in definition["select"] if not rule.startswith("!")]
        assert {rule.partition(".")[0] for rule in rules} == {*DEFAULT_STREAMS, "sync_runs"}
        assert "!contacts.person.passportDetails" in definition["select"]


def test_included_file_equals_project() -> None:
    project = load("meltano.yml")
    included = load("examples/meltano/smokeball.meltano.yml")
    for kind, name in meltano.FRAGMENT_PLUGINS.items():
        [plugin] = included["plugins"][kind]
        [original] = [each for each in project["plugins"][kind] if each["name"] == name]
        assert {**plugin, "pip_url": ""} == {**original, "pip_url": ""}
        assert "${SMOKEBALL_CHECKOUT}" in plugin["pip_url"]
        assert "MELTANO_PROJECT_ROOT" not in plugin["pip_url"]


def test_jobs_load_build_and_make_page() -> None:
    """Each task is a plugin of the project, and its command one of the plugin's."""
    project = load("meltano.yml")
    plugins = {each["name"]: each for group in project["plugins"].values() for each in group}
    for job in project["jobs"]:
        for task in job["tasks"]:
            _, _, *rest = blocks = [block.partition(":") for block in task.split()]
            assert [command for _, _, command in rest] == ["build", "page"]
            assert {command for _, _, command in blocks} <= {"", "build", "page"}
            assert all(not c or c in plugins[name]["commands"] for name, _, c in blocks)
    commands = [each["commands"].keys() for each in project["plugins"]["utilities"]]
    assert commands[0] == commands[1]
