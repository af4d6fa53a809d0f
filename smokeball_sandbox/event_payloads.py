"""The payloads of webhook events: whole resources, in another form than the API's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from smokeball_sandbox.value_helpers import guid

if TYPE_CHECKING:
    from smokeball_sandbox.resources import Change, Data
    from smokeball_sandbox.store import Store

_COMPARED_ROWS = 50
_DROPPED = {"href", "self", "method"}


def event_payload(store: Store, change: Change) -> Data:
    """Return the payload of a change's events.

    As seen live, properties without a value are null, where the API leaves them out, and a link
    has no `href`. The layout of a matter has a relative one.
    """
    row, resource = change.row, change.resource
    if resource.name == "matter_roles":
        return _roles(store, change)
    if resource.name == "files":
        cursor = guid(store.firm.rng("cursor", row.id, row.updated))
        return {"matterId": row.parent, "cursor": cursor}
    # Rows of the same list show which properties this one may have.
    known = dict.fromkeys(
        name
        for each in store.rows(resource, row.parent)[:_COMPARED_ROWS]
        for name in store.record(resource, each)
    )
    record = store.record(resource, row)
    payload: Data = _without_addresses({**known, **record})
    payload.pop("rel", None)
    if resource.name == "matter_layouts":
        payload["href"] = f"matters/{row.parent}/layouts/{row.id}"
    return payload


def _roles(store: Store, change: Change) -> Data:
    """Return all roles of a matter, as its list of roles does."""
    resource, matter_id = change.resource, change.row.parent
    rows = store.rows(resource, matter_id)
    roles = [_without_addresses(store.record(resource, row)) for row in rows]
    version = guid(store.firm.rng("version of roles", matter_id, change.row.updated))
    return {"id": None, "versionId": version, "matterId": matter_id, "roles": roles}


def _without_addresses(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_addresses(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {name: each for name, each in value.items() if name not in _DROPPED}
    if "relation" in kept:
        kept["rel"] = kept.pop("relation")
    return {name: _without_addresses(each) for name, each in kept.items()}
