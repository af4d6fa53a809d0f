"""The release workflows keep what docs/security.md promises about the supply chain."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.servers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED_ACTION = re.compile(r"\./\.github/workflows/\w+\.yml|[\w./-]+@[0-9a-f]{40}")
PINNED_IMAGE = re.compile(r"[\w./:-]+@sha256:[0-9a-f]{64}")


def jobs(name: str) -> dict[str, Any]:
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)["jobs"]
    return found


def commands(job: dict[str, Any]) -> str:
    return "\n".join(step["run"] for step in job["steps"] if "run" in step)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_action_is_pinned_by_commit(workflow: Path) -> None:
    uses = re.findall(r"^\s*(?:- )?uses: (\S+)", workflow.read_text(encoding="utf-8"), re.MULTILINE)
    assert [each for each in uses if not PINNED_ACTION.fullmatch(each)] == []


def test_base_image_is_pinned_by_digest() -> None:
    images = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(set(images)) == 1
    assert PINNED_IMAGE.fullmatch(images[0])


def test_build_job_runs_build_tools_only() -> None:
    """No job that makes a released file installs test dependencies."""
    release = jobs("release.yml")
    makers = {
        name: set(re.findall(r"make ([\w ]+?)(?: \w+=|$)", commands(job), re.MULTILINE))
        for name, job in release.items()
        if "steps" in job
    }
    assert {name: targets for name, targets in makers.items() if targets} == {
        "test": {"test"},
        "build": {"dist"},
        "sbom": {"sbom"},
    }
    [rule] = re.findall(r"^dist: (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert rule == "$(BUILD)"


def test_publication_needs_tests_and_attestations() -> None:
    release = jobs("release.yml")
    assert release["publish"]["needs"] == "attest"
    assert set(release["attest"]["needs"]) == {"test", "build", "sbom"}
    for job in (release["attest"], jobs("image.yml")["publish"]):
        attested = [step["with"] for step in job["steps"] if "attest@" in step.get("uses", "")]
        assert ["sbom-path" in inputs for inputs in attested] == [False, True]


CHANGES = "# Changelog\n\n## 1.2.30 - 2026-12-25\n\n- Later\n\n## 1.2.3 - 2026-12-24\n\n- Now\n"


def check_tag(tmp_path: Path, changelog: str, *, is_merged: bool = True) -> str | None:
    """Return the notes of the release, or None if the tag is rejected."""
    program = commands(jobs("release.yml")["check"])
    clone = tmp_path / "clone"

    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        command = ["git", *identity, *arguments]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    (tmp_path / "CHANGELOG.md").write_text(changelog)
    git("add", "CHANGELOG.md")
    git("commit", "--message=first")
    if not is_merged:
        git("switch", "--create=other")
        git("commit", "--allow-empty", "--message=second")
    git("tag", "v1.2.3")
    git("clone", "--branch=v1.2.3", str(tmp_path), str(clone))
    done = subprocess.run(
        ["/bin/bash", "-e", "-c", program],
        cwd=clone,
        env={"TAG": "v1.2.3", "PATH": os.environ["PATH"]},
        capture_output=True,
        check=False,
    )
    return (clone / "notes.md").read_text() if done.returncode == 0 else None


@pytest.mark.parametrize("is_merged", [True, False])
def test_tag_must_be_on_main(tmp_path: Path, is_merged: bool) -> None:  # noqa: FBT001
    notes = check_tag(tmp_path, f"{CHANGES}\n## 1.2.2 - 2026-12-23\n", is_merged=is_merged)
    assert (notes and notes.strip()) == ("- Now" if is_merged else None)


@pytest.mark.parametrize("changelog", ["## Unreleased\n\n- Now\n", CHANGES.replace("- Now", "")])
def test_tag_needs_notes_in_changelog(tmp_path: Path, changelog: str) -> None:
    assert check_tag(tmp_path, changelog) is None


def test_release_has_all_files_and_notes() -> None:
    """A tag makes packages, image, bills of materials and notes, or no release."""
    release = jobs("release.yml")["release"]
    assert {*release["needs"]} == {"publish", "image"}
    downloads = {step["with"]["name"] for step in release["steps"] if "uses" in step}
    assert downloads == {"dist", "sbom", "image-sbom", "notes"}
    assert "--notes-file notes.md" in commands(release)


def test_dependabot_updates_the_base_image() -> None:
    text = (ROOT / ".github" / "dependabot.yml").read_text()
    ecosystems = {update["package-ecosystem"] for update in yaml.safe_load(text)["updates"]}
    assert ecosystems == {"docker", "github-actions", "pip"}
