"""Access to the sandbox's resources: add-ons, scopes and users."""

from __future__ import annotations

from collections import Counter

import pytest

from smokeball_sandbox import SandboxServer
from smokeball_sandbox.areas import RESOURCES
from tests.sandbox_client import BY_NAME, NAMES, Client, Json, full_sandbox, largest_parent, path_of

sandbox = full_sandbox


def test_intake_without_add_on_returns_403() -> None:
    with SandboxServer(matters=6, intake=False) as sandbox:
        client = Client(sandbox)
        with client.session:
            matter = client.ids("/matters")[0]
            paths = ("/intake/forms", f"/intake/{matter}/submissions")
            for path in paths:
                response = client.get(path)
                assert response.status_code == 403
                assert response.json()["title"]
            assert "ADD001" not in client.page("/firm")["addOnIds"]
            sandbox.control.touch("firm", nth=0, set={"addOnIds": ["ADD001"]})
            for path in paths:
                assert client.get(path).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_resource_without_scope_returns_403(
    client: Client, entries: dict[str, list[Json]], name: str
) -> None:
    resource = BY_NAME[name]
    scopes = {each.scope for each in RESOURCES}
    client.sandbox.control.settings(scopes=sorted(scopes - {resource.scope}))
    client.sign_in()
    response = client.get(path_of(resource, largest_parent(entries, name)))
    assert response.status_code == 403
    assert "execute-api:Invoke" in response.json()["message"]


def test_hidden_matter_hides_its_tasks(client: Client, rows: dict[str, list[Json]]) -> None:
    matter = Counter(row["matter"]["id"] for row in rows["tasks"]).most_common(1)[0][0]
    client.sandbox.control.settings(hidden_from_user=[matter])
    user = {"UserId": "someone"}
    seen = client.get("/tasks", user).json()["value"]
    assert len(seen) < len(client.page("/tasks")["value"])
    assert all(row["matter"]["id"] != matter for row in seen)
    task = next(row["id"] for row in rows["tasks"] if row["matter"]["id"] == matter)
    assert client.get(f"/tasks/{task}", user).status_code == 403
