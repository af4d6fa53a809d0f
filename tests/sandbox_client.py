"""A client of the sandbox, and fixtures that its tests share."""

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
    """A client with an access token."""

    def __init__(self, sandbox: SandboxServer, prefix: str = "") -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.url = sandbox.url + prefix
        self.sign_in()

    def sign_in(self, **form: str) -> None:
        token = request_token(self.sandbox, **form).json()["access_token"]
        self.session.headers.update(
            {"x-api-key": self.sandbox.credentials["api_key"], "Authorization": f"Bearer {token}"}
        )

    def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Any:
        return self.session.get(self.url + path, params=query, headers=headers, timeout=10)

    def page(self, path: str, **query: Any) -> Document:
        response = self.get(path, **query)
        assert response.status_code == 200, response.text
        page: Document = response.json()
        return page

    def ids(self, path: str, **query: Any) -> list[str]:
        return [row["id"] for row in self.page(path, **query)["value"]]

    def walk(self, path: str, limit: int, **query: Any) -> list[Document]:
        rows: list[Document] = []
        while page := self.page(path, Offset=len(rows), Limit=limit, **query)["value"]:
            rows += page
        return rows


def request_token(sandbox: SandboxServer, **form: str) -> requests.Response:
    id_, secret = sandbox.credentials["client_id"], sandbox.credentials["client_secret"]
    body = {"grant_type": "client_credentials", "client_id": id_, **form}
    return requests.post(f"{sandbox.url}/oauth2/token", body, auth=(id_, secret), timeout=10)


def update_times(sandbox: SandboxServer, resource: str = "matters") -> dict[str, int]:
    return {each["row"]["id"]: each["updated"] for each in sandbox.control.rows(resource)}


def path_of(resource: Resource, parent: str | None) -> str:
    return re.sub(r"{\w+}", str(parent), resource.path)


def largest_parent(entries: dict[str, list[Json]], name: str) -> str | None:
    """Return the parent with the most rows."""
    found: str | None = Counter(each["parent"] for each in entries[name]).most_common(1)[0][0]
    return found


def cents(amount: float) -> int:
    value = Decimal(str(amount)) * 100
    assert value == int(value)
    return int(value)


def everything(name: str) -> Json:
    """Return the parameters with which a list omits no rows."""
    return {"matters": {"Type": "Matters,Leads"}, "events": ALL_TIME}.get(name, {})


@pytest.fixture(scope="session")
def shared_server() -> Iterator[SandboxServer]:
    """Start the firm of tests that do not depend on the resource."""
    with SandboxServer(matters=120, seed=7) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_server: SandboxServer) -> Iterator[SandboxServer]:
    before = shared_server.control.settings()
    shared_server.control.reset_requests()
    yield shared_server
    shared_server.control.settings(**before)
    shared_server.control.clear_faults()


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[Client]:
    client = Client(sandbox)
    with client.session:
        yield client


@pytest.fixture
def busy_matter(sandbox: SandboxServer) -> str:
    """Return the matter with the most fees."""
    parents: list[str] = [each["parent"] for each in sandbox.control.rows("fees")]
    return max(sorted(set(parents)), key=parents.count)


@pytest.fixture(scope="session")
def full_server() -> Iterator[SandboxServer]:
    """Start the firm of tests for each resource; they change only its settings."""
    with SandboxServer(matters=80) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def entries(full_server: SandboxServer) -> dict[str, list[Json]]:
    """Return every initial row of the firm by resource, with parent and last update."""
    return {name: full_server.control.rows(name) for name in NAMES}


@pytest.fixture(scope="session")
def rows(entries: dict[str, list[Json]]) -> dict[str, list[Json]]:
    return {name: [each["row"] for each in entries[name]] for name in NAMES}


@pytest.fixture
def full_sandbox(
    full_server: SandboxServer, entries: dict[str, list[Json]]
) -> Iterator[SandboxServer]:
    """Return the firm of each resource; a module sets `sandbox = full_sandbox`."""
    assert entries
    before = full_server.control.settings()
    yield full_server
    full_server.control.settings(**before)


@pytest.fixture
def mutable_client() -> Iterator[Client]:
    """Return a client of a firm that the test may change."""
    with SandboxServer(matters=15) as sandbox:
        client = Client(sandbox)
        with client.session:
            yield client
