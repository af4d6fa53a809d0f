"""A state is continued by its own firm alone: two firms never share one set of tables."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tap_smokeball.errors import StateOfOtherFirmError
from tap_smokeball.tap import TapSmokeball
from tests.harness import (
    CollectingWriter,
    Output,
    config,
    run,
    run_plan,
    run_tap,
    small_catalog,
)
from tests.interleaving_runner import merge_states
from tests.memory_firm import MemoryFirm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Json

CLIENT = {"refresh_token": None}


@pytest.fixture(scope="module")
def firms() -> tuple[MemoryFirm, MemoryFirm]:
    """Return two firms: the app, its key and its secrets are the same."""
    first, second = MemoryFirm(matters=6), MemoryFirm(matters=5)
    second.control.reset(seed=99)
    return first, second


@pytest.fixture(autouse=True)
def restore(firms: tuple[MemoryFirm, MemoryFirm]) -> Iterator[None]:
    before = [firm.control.settings() for firm in firms]
    yield
    for firm, settings in zip(firms, before, strict=True):
        firm.control.settings(**settings)
        firm.control.clear_faults()
        firm.control.reset_requests()


def requests_of(firm: MemoryFirm) -> dict[str, int]:
    counts: dict[str, int] = firm.control.requests()["by_template"]
    return counts


def without_firm(scopes: list[str]) -> list[str]:
    return [scope for scope in scopes if scope != "firm/read"]


@pytest.mark.parametrize("login", [{}, CLIENT], ids=["refresh token", "client credentials"])
@pytest.mark.parametrize("has_scope", [True, False])
@pytest.mark.parametrize("opaque", [True, False])
def test_state_of_other_firm_is_refused(
    firms: tuple[MemoryFirm, MemoryFirm], login: Json, *, has_scope: bool, opaque: bool
) -> None:
    """Nothing is emitted, whatever says that it is another firm."""
    for firm in firms:
        settings: dict[str, Any] = firm.control.settings(opaque_tokens=opaque)
        if not has_scope:
            firm.control.settings(scopes=without_firm(settings["scopes"]))
    first, second = firms
    state = run(config(first, **login)).state
    messages: list[Json] = []
    with pytest.raises(StateOfOtherFirmError) as caught:
        run(config(second, **login), state, on_message=messages.append)
    assert messages == []
    assert "state" in caught.value.advice


def test_plan_refuses_state_of_other_firm(firms: tuple[MemoryFirm, MemoryFirm]) -> None:
    first, second = firms
    with pytest.raises(StateOfOtherFirmError):
        run_plan(config(second), run(config(first)).state)


def test_sync_all_refuses_state_of_other_firm(firms: tuple[MemoryFirm, MemoryFirm]) -> None:
    """Programs that run the tap by the SDK's own method get no record either, and no threads."""
    first, second = firms
    writer = CollectingWriter(Output())
    state = run(config(first)).state
    before = threading.enumerate()
    with pytest.raises(StateOfOtherFirmError):
        run_tap(TapSmokeball.sync_all, config(second), state, writer=writer)
    assert {message["type"] for message in writer.output.messages} <= {"STATE"}
    left = [each for each in threading.enumerate() if each not in before]
    for thread in left:
        thread.join(10)
    assert not any(map(threading.Thread.is_alive, left))


def test_own_state_costs_no_request(firms: tuple[MemoryFirm, MemoryFirm]) -> None:
    firm, _ = firms
    state = run(config(firm)).state
    assert run(config(firm), state).status == 0
    assert "GET /firm" not in requests_of(firm)


def test_other_user_of_firm_continues(firms: tuple[MemoryFirm, MemoryFirm]) -> None:
    """Who signs in may change, if the firm's record shows that it is the same firm."""
    firm, _ = firms
    everything = small_catalog("matters", "fees", "firm")
    state = run(config(firm), catalog=everything).state
    firm.control.settings(signed_in_staff=2)
    second = run(config(firm), state)
    assert second.status == 0
    assert not second.ids("fees")
    firm.control.reset_requests()
    assert run(config(firm), second.state).status == 0
    assert "GET /firm" not in requests_of(firm)


def test_other_user_without_evidence_is_refused(firms: tuple[MemoryFirm, MemoryFirm]) -> None:
    """Without the firm's record, the listed matters tell; without these, nothing does."""
    firm, _ = firms
    settings = firm.control.settings()
    firm.control.settings(scopes=without_firm(settings["scopes"]))
    state = run(config(firm)).state
    firm.control.settings(signed_in_staff=2)
    output = run(config(firm), state)
    assert output.status == 0
    assert not output.ids("fees")
    for stream in state["bookmarks"].values():
        stream.pop("parent_digest", None)
    with pytest.raises(StateOfOtherFirmError, match="another login") as caught:
        run(config(firm), state)
    assert "remove `firm` from the state" in caught.value.advice
    del state["firm"]
    output = run(config(firm), state)
    assert output.status == 0
    assert len(output.ids("fees")) == len(firm.control.rows("fees"))


def test_state_without_firm_is_adopted(firms: tuple[MemoryFirm, MemoryFirm]) -> None:
    """The state of an earlier version counts, and names the firm from then on."""
    firm, other = firms
    old = run(config(firm)).state
    stamped = run(config(firm), run(config(firm), old).state)
    assert not stamped.ids("fees")
    with pytest.raises(StateOfOtherFirmError):
        run(config(other), stamped.state)


def test_merged_bookmark_of_other_firm_is_ignored(firms: tuple[MemoryFirm, MemoryFirm]) -> None:
    """A full refresh of another firm that was cut leaves bookmarks of the first in the state."""
    first, second = firms
    selection = small_catalog("contacts", "matters", "fees")
    old = run(config(first), catalog=selection).state
    for template in ("GET /contacts", "GET /matters/{matterId}/fees"):
        second.control.fail(count=100, status=403, template=template)
    cut = run(config(second, max_retries=0), catalog=selection)
    assert cut.status == 1
    second.control.clear_faults()
    output = run(config(second), merge_states(old, cut.state), selection)
    assert output.status == 0
    for stream in ("contacts", "fees"):
        assert len(output.ids(stream)) == len(second.control.rows(stream))


def test_account_that_is_added_is_checked(firms: tuple[MemoryFirm, MemoryFirm]) -> None:
    """One app can cover several accounts: a new account_id says nothing of the firm."""
    firm, _ = firms
    state = run(config(firm, **CLIENT)).state
    with pytest.raises(StateOfOtherFirmError):
        run(config(firm, **CLIENT, account_id="other"), state)
