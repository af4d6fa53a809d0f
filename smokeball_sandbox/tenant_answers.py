"""What only a live tenant can say of the API: one switch for each question, with each answer."""

from __future__ import annotations

from typing import Literal

import msgspec


class TenantAnswers(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """How the tenant behaves where the API is not documented; the first value is the default.

    Attributes:
        fractions: Whether a filter takes fractions of a second.
        deleted_rows: Whether lists hold rows that are marked as deleted: always, never, or only
            without an updated-since filter.
        dropped_matters: Whether the list of matters holds deleted and cancelled ones unless
            ``Status`` names them.
        sort: Whether ``Sort`` has an effect.
        order: Whether the order of a list holds, changes between two reads, each from its first
            page on, or moves from request to request.
        limit: What ``limit`` of an envelope says: the limit of the request, the number of rows, or
            nothing.
        rate_scope: What the rate limit counts by.
        matter_versions: Whether a change of a child record gives its matter a new version.
        event_times: The time zone of the times of an event.
        event_matters: Whether events of a list name their matter without ``MatterId``.
        occurrences: Whether an occurrence has an id of its own or that of its series.
        transactions: Format of the list of transactions: a page, or all rows without an envelope.
        links: Name of the relation in links.
        nulls: Whether properties without a value are left out or sent as null.
        items: Which roles the items of a matter hold.
        leads: Whether the account's tier has leads.
        amounts: The JSON type of amounts.
        written_off: Whether an invoice's ``writtenOff`` exceeds its entries.
        transfers: Whether a transfer out of an account has a negative amount.
        dates: The time of day in dates of invoices and transactions.
        non_billable: Whether non-billable entries are on invoices.
        payments: How a payment names its invoice.
        lead_dates: Whether a converted lead keeps its lead fields.
        paid_dates: Whether an invoice that is no longer paid keeps ``paidDate``.
        draft_totals: Whether the totals of a draft are net of its discount.
        credit: Whose credit an account of the type Credit holds.
        live_payloads: Whether the payloads hold what live ones were seen to hold: the contact
            ``MyFirm``, null representatives, templates, links that are relative or have no
            address.
    """

    fractions: Literal["refused", "accepted"] = "refused"
    deleted_rows: Literal["listed", "gone", "unfiltered"] = "listed"
    dropped_matters: Literal["listed", "gone"] = "listed"
    sort: Literal["obeyed", "ignored"] = "obeyed"
    order: Literal["stable", "changing", "moving"] = "stable"
    limit: Literal["request", "rows", "absent"] = "request"
    rate_scope: Literal["client", "endpoint"] = "client"
    matter_versions: Literal["own", "children"] = "own"
    event_times: Literal["local", "utc"] = "local"
    event_matters: Literal["named", "absent"] = "named"
    occurrences: Literal["own", "shared"] = "own"
    transactions: Literal["page", "value"] = "page"
    links: Literal["mixed", "rel", "relation"] = "mixed"
    nulls: Literal["omitted", "sent"] = "omitted"
    items: Literal["parties", "roles"] = "parties"
    leads: Literal["available", "refused"] = "available"
    amounts: Literal["number", "text"] = "number"
    written_off: Literal["within", "exceeding"] = "within"
    transfers: Literal["signed", "unsigned"] = "signed"
    dates: Literal["midnight", "local"] = "midnight"
    non_billable: Literal["invoiced", "never"] = "invoiced"
    payments: Literal["text", "link", "unnamed"] = "text"
    lead_dates: Literal["dropped", "kept"] = "dropped"
    paid_dates: Literal["cleared", "kept"] = "cleared"
    draft_totals: Literal["net", "gross"] = "net"
    credit: Literal["client", "firm"] = "client"
    live_payloads: Literal["seen", "absent"] = "seen"


DEFAULT_ANSWERS = TenantAnswers()
