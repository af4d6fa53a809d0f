"""What the API can return and no stream reads, with the reasons: a table of docs/streams.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class Unread(NamedTuple):
    """Endpoints that no stream reads for one reason.

    Attributes:
        content: What they return.
        reason: Why no stream reads them.
        paths: Their paths; ``*`` at the end stands for all that begin alike.
    """

    content: str
    reason: str
    paths: tuple[str, ...]


UNREAD = (
    Unread(
        "Single records",
        "the lists hold the same records, with the same columns",
        (
            "/activitycodes/{id}",
            "/bankaccounts/{id}",
            "/bankaccounts/{bankAccountId}/transactions/{id}",
            "/contacts/{id}",
            "/contacts/{contactId}/relations/{relatedContactId}",
            "/events/{eventId}",
            "/firmusers/{id}",
            "/groups/{id}",
            "/matters/{matterId}",
            "/matters/{matterId}/documents/files/{fileId}",
            "/matters/{matterId}/documents/folders/{folderId}/path",
            "/matters/{matterId}/expenses/{id}",
            "/matters/{matterId}/fees/{id}",
            "/matters/{matterId}/invoices/{invoiceId}",
            "/matters/{matterId}/layouts/{itemId}",
            "/matters/{matterId}/memos/{id}",
            "/matters/{matterId}/roles/{id}",
            "/matters/{matterId}/roles/{roleId}/relationships/{id}",
            "/referraltypes/{id}",
            "/staff/{id}",
            "/stagesets/{id}",
            "/stagesets/{stageSetId}/stages/{id}",
            "/tasks/{id}",
            "/tasks/{taskId}/documents/{id}",
            "/tasks/{taskId}/subtasks/{id}",
            "/webhooks/{id}",
        ),
    ),
    Unread(
        "Searches and batches, by `POST`",
        "`contacts` and `files` have the same records",
        ("/contacts/batch", "/search/files"),
    ),
    Unread(
        "Lists below one record",
        "`contacts`, `matters`, `matter_roles`, `matter_stages` and `matter_types` have their "
        "content, for fewer requests",
        (
            "/contacts/{id}/tags",
            "/matters/{matterId}/items",
            "/matters/{matterId}/items/{id}",
            "/matters/{matterId}/roles/{roleId}/relationships",
            "/matters/{matterId}/stages",
            "/matters/{matterId}/tags",
            "/mattertypes/categories",
        ),
    ),
    Unread(
        "Protected balances",
        "there is no list, and neither transactions nor balances name their IDs; the protected "
        "amounts are in `matter_balances` and `bank_accounts`",
        ("/bankaccounts/{id}/protected-balances/{protectionId}",),
    ),
    Unread(
        "Policies and notifications",
        "there is no list, and no stream names their IDs",
        ("/policies/{reference}", "/notifications/{id}"),
    ),
    Unread(
        "Addresses for uploads and previews",
        "`file_contents` stores the documents themselves",
        (
            "/matters/{matterId}/documents/files/{fileId}/upload",
            "/matters/{matterId}/documents/files/{fileId}/preview",
            "/matters/{matterId}/documents/files/{fileId}/preview/{documentVersionId}",
        ),
    ),
    Unread(
        "Mappings of search providers",
        "their form is each provider's own, and undocumented",
        ("/matters/{matterId}/integrated-search/mapping",),
    ),
    Unread(
        "Names of webhook events",
        "a constant list of the API; each stream above names its events",
        ("/webhooks/types",),
    ),
    Unread(
        "Plugins",
        "Smokeball does not offer them to partners, and they hold signing keys",
        ("/plugins*",),
    ),
    Unread(
        "The firm's own Smokeball subscription and its bills",
        "they are about the firm as Smokeball's customer, with its cards, not about its work",
        ("/subscriptions*",),
    ),
)


def section() -> Iterator[str]:
    """Yield the lines of the section."""
    yield "## What no stream reads"
    yield ""
    yield "Everything else that the API can return is in a stream."
    yield ""
    yield "| Content | Endpoints | Reason |"
    yield "|---|---|---|"
    for content, reason, paths in UNREAD:
        yield f"| {content} | {', '.join(f'`{path}`' for path in paths)} | {reason} |"
