"""A client of the sandbox, and the firms that its tests share."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
import requests

from smokeball_sandbox import SandboxServer
from smokeball_sandbox.areas import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smokeball_sandbox.resources import Resource

Document = dict[str, Any]
Json = dict[str, Any]

MATTERS = "GET /matters"
FEES = "GET /matters/{matterId}/fees"
EVERYTHING = {"Type": "Matters,Leads"}
ALL_TIME: Json = {"From": "1990-01-01T00:00:00"}
BY_NAME = {each.name: each for each in RESOURCES}
NAMES = list(BY_NAME)


class Client:
    """A client that has a token."""

    def __init__(self, sandbox: SandboxServer, prefix: str = "") -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.url = sandbox.url + prefix
        self.sign_in()

    def sign_in(self, **form: str) -> None:
        token = mint(self.sandbox, **form).json()["access_token"]
        self.session.headers.update(
            {"x-api-key": self.sandbox.credentials["api_key"], "Authorization": f"Bearer {token}"}
        )

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        return self.session.get(self.url + path, params=query, headers=headers, timeout=10)

    def page(self, path: str, **query: Any) -> Document:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        page: Document = answer.json()
        return page

    def ids(self, path: str, **query: Any) -> list[str]:
        return [row["id"] for row in self.page(path, **query)["value"]]

    def walk(self, path: str, limit: int, **query: Any) -> list[Document]:
        rows: list[Document] = []
        while page := self.page(path, Offset=len(rows), Limit=limit, **query)["value"]:
            rows += page
        return rows


def mint(sandbox: SandboxServer, **form: str) -> requests.Response:
    id_, secret = sandbox.credentials["client_id"], sandbox.credentials["client_secret"]
    body = {"grant_type": "client_credentials", "client_id": id_, **form}
    return requests.post(f"{sandbox.url}/oauth2/token", body, auth=(id_, secret), timeout=10)


def stamps(sandbox: SandboxServer, resource: str = "matters") -> dict[str, int]:
    return {each["row"]["id"]: each["updated"] for each in sandbox.control.rows(resource)}


def path_of(resource: Resource, parent: str | None) -> str:
    return re.sub(r"{\w+}", str(parent), resource.path)


def busiest(kept: dict[str, list[Json]], name: str) -> str | None:
    """The parent that most rows hang under."""
    found: str | None = Counter(each["parent"] for each in kept[name]).most_common(1)[0][0]
    return found


def cents(amount: float) -> int:
    value = Decimal(str(amount)) * 100
    assert value == int(value)
    return int(value)


def everything(name: str) -> Json:
    """The parameters that keep a list from leaving rows out."""
    return {"matters": {"Type": "Matters,Leads"}, "events": ALL_TIME}.get(name, {})


@pytest.fixture(scope="session")
def running() -> Iterator[SandboxServer]:
    """A firm for what does not depend on the resource."""
    with SandboxServer(matters=120, seed=7) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: SandboxServer) -> Iterator[SandboxServer]:
    before = running.control.settings()
    running.control.reset_requests()
    yield running
    running.control.settings(**before)
    running.control.clear_faults()


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[Client]:
    client = Client(sandbox)
    with client.session:
        yield client


@pytest.fixture
def busy(sandbox: SandboxServer) -> str:
    """A matter that has a few fees."""
    parents: list[str] = [each["parent"] for each in sandbox.control.rows("fees")]
    return max(sorted(set(parents)), key=parents.count)


@pytest.fixture(scope="session")
def whole() -> Iterator[SandboxServer]:
    """A firm for what holds for each resource; only its settings are ever changed."""
    with SandboxServer(matters=80) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def kept(whole: SandboxServer) -> dict[str, list[Json]]:
    """Every row of the firm as it was at the start, by resource."""
    return {name: whole.control.rows(name) for name in NAMES}


@pytest.fixture(scope="session")
def rows(kept: dict[str, list[Json]]) -> dict[str, list[Json]]:
    return {name: [each["row"] for each in kept[name]] for name in NAMES}


@pytest.fixture
def whole_sandbox(whole: SandboxServer, kept: dict[str, list[Json]]) -> Iterator[SandboxServer]:
    """The whole firm; a module makes it its own by `sandbox = whole_sandbox`."""
    assert kept
    before = whole.control.settings()
    yield whole
    whole.control.settings(**before)


@pytest.fixture
def changing() -> Iterator[Client]:
    """A client of a firm that may be changed."""
    with SandboxServer(matters=15) as sandbox:
        client = Client(sandbox)
        with client.session:
            yield client
