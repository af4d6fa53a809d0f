"""Who may see what of the sandbox's resources."""

from __future__ import annotations

from collections import Counter

import pytest

from smokeball_sandbox import SandboxServer
from smokeball_sandbox.areas import RESOURCES
from tests.sandbox_client import BY_NAME, NAMES, Client, Json, busiest, path_of, whole_sandbox

sandbox = whole_sandbox


def test_intake_needs_the_add_on() -> None:
    with SandboxServer(matters=6, intake=False) as sandbox:
        client = Client(sandbox)
        with client.session:
            matter = client.ids("/matters")[0]
            paths = ("/intake/forms", f"/intake/{matter}/submissions")
            for path in paths:
                answer = client.get(path)
                assert answer.status_code == 403
                assert answer.json()["title"]
            assert "ADD001" not in client.page("/firm")["addOnIds"]
            sandbox.control.touch("firm", nth=0, set={"addOnIds": ["ADD001"]})
            for path in paths:
                assert client.get(path).status_code == 200


@pytest.mark.parametrize("name", NAMES)
def test_each_resource_needs_its_scope(
    client: Client, kept: dict[str, list[Json]], name: str
) -> None:
    resource = BY_NAME[name]
    scopes = {each.scope for each in RESOURCES}
    client.sandbox.control.settings(scopes=sorted(scopes - {resource.scope}))
    client.sign_in()
    answer = client.get(path_of(resource, busiest(kept, name)))
    assert answer.status_code == 403
    assert "execute-api:Invoke" in answer.json()["message"]


def test_a_hidden_matter_hides_what_belongs_to_it(
    client: Client, rows: dict[str, list[Json]]
) -> None:
    matter = Counter(row["matter"]["id"] for row in rows["tasks"]).most_common(1)[0][0]
    client.sandbox.control.settings(hidden_from_user=[matter])
    user = {"UserId": "someone"}
    seen = client.get("/tasks", user).json()["value"]
    assert len(seen) < len(client.page("/tasks")["value"])
    assert all(row["matter"]["id"] != matter for row in seen)
    task = next(row["id"] for row in rows["tasks"] if row["matter"]["id"] == matter)
    assert client.get(f"/tasks/{task}", user).status_code == 403
