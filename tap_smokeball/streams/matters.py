"""Matters: what the firm works on, for whom, against whom, and who works on it."""

from __future__ import annotations

import sys
from typing import Any

from tap_smokeball import ticks
from tap_smokeball.client import Since
from tap_smokeball.fields import (
    flag,
    free,
    link,
    links,
    many,
    moment,
    nested,
    number,
    opt_in,
    text,
    updated_at,
    whole,
)
from tap_smokeball.parents import ParentStream
from tap_smokeball.records import Columns

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override


class MattersStream(ParentStream):
    """Matters and leads, in any status, with links to the people on them."""

    name = "matters"
    noun = "matters"
    path = "/matters"
    primary_keys = ("id",)
    replication_key = "versionId"
    scope = "matters/read"
    since = Since("LastUpdated", ticks.to_iso_seconds)
    stamp = "versionId"
    sort = "asc(lastUpdated)"
    on_request = ("items", "tags")
    columns = Columns(
        text("id", "Id of the matter"),
        text("href", "Address of the matter in the API"),
        text("externalSystemId", "Id of the matter in another system"),
        text("versionId", "When the matter last changed: .NET ticks, as text"),
        updated_at("versionId"),
        text("number", "Matter number; a lead has none before it is converted"),
        text("title", "Title, made of number, clients, type and other sides"),
        link("matterType", "Type of the matter"),
        links("clients", "Contacts in the role of client"),
        links("otherSides", "Contacts on the other side"),
        text("description", "What the matter is about"),
        text("status", "Open, Pending, Closed, Deleted or Cancelled"),
        link("personResponsible", "Staff member who is responsible"),
        link("personAssisting", "Staff member who assists"),
        links("personAssistingStaffs", "All staff members who assist"),
        link("originatingStaff", "Staff member who brought the matter in"),
        links("originatingStaffs", "All staff members who brought the matter in"),
        nested(
            "splitOriginatingStaffSettings",
            "How the origination is shared",
            flag("isEnabled", "Whether it is shared"),
            many(
                "splitMatterStaffs",
                "Who takes part",
                text("matterStaffId", "Id of the staff member"),
                whole("matterStaffRatio", "Share of the staff member"),
            ),
            text("splitMethod", "Unknown, SplitEvenly or UseRatio"),
            text("remainderStaffId", "Id of the staff member who gets what division leaves over"),
        ),
        link("supervisor", "Supervisor (UK)"),
        text("clientCode", "Code of the client in another system (AU, UK)"),
        moment("openedDate", "When the matter was opened"),
        moment("closedDate", "When the matter was closed"),
        moment("leadOpenedDate", "When the lead was opened"),
        moment("leadClosedDate", "When the lead was closed"),
        text("leadClosedReason", "Why the lead was closed"),
        flag("isLead", "Whether it is a lead, that is, not yet a matter"),
        link("branch", "Branch of the firm"),
        text("branchProviderId", "Id of the branch's provider"),
        text("referralType", "Name of the referral type"),
        link("referrer", "Contact who referred the matter"),
        text("referralAgreementFeeType", "What kind of fee was agreed on with the referrer"),
        number("referralAgreementFee", "Fee agreed on with the referrer"),
        text("referralAgreementFeeComment", "Remark on that fee"),
        opt_in(free("items", "Tree of roles and layouts, by kind; large, and sent only if asked")),
        many(
            "tags",
            "Tags of the matter",
            text("id", "Id of the tag"),
            text("href", "Address of the tag in the API"),
            text("type", "Kind of tag, as Staff or Custom"),
            text("name", "Name of the tag"),
            text("color", "Colour of the tag"),
            link("staff", "Staff member, for tags of that kind"),
        ),
    )

    @override
    def params(self, since: int | None) -> dict[str, Any]:
        settings = self._tap.settings
        # Without Type the API leaves the leads out.
        params = {**super().params(since), "Type": settings.matter_kinds}
        if settings.matter_statuses:
            params["Status"] = list(settings.matter_statuses)
        return params


STREAMS = (MattersStream,)
