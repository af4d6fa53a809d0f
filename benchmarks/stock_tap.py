"""Extract matters and fees with a tap made from the SDK's template, for comparison.

It follows the template and the guides of the SDK: `RESTStream`, a parent stream with child
contexts, an offset paginator, the default message writer and state. In two places it does what a
careful author would do. It reads matters in full each time, because a new fee does not change its
matter. And it adds the time of the run to fees as a replication key, because they have no
updated-at field, so that it can request only changed fees.
"""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import BearerTokenAuthenticator
from singer_sdk.helpers.jsonpath import extract_jsonpath
from singer_sdk.pagination import OffsetPaginator
from singer_sdk.streams import RESTStream

if sys.version_info >= (3, 12):
    from typing import override
else:
    from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Auth, Context, Record

PAGE_SIZE = 500
UNIX_EPOCH_TICKS = 621_355_968_000_000_000

LINK = th.ObjectType(th.Property("id", th.StringType), th.Property("href", th.StringType))


class Paginator(OffsetPaginator):
    """Increases the offset until the response has no next page."""

    @override
    def has_more(self, response: requests.Response) -> bool:
        return bool(response.json().get("next"))


class SmokeballStream(RESTStream[int]):
    """Requests and records of both streams."""

    records_jsonpath = "$.value[*]"
    primary_keys = ("id",)

    @property
    @override
    def url_base(self) -> str:
        url: str = self.config["api_url"]
        return url

    @property
    @override
    def authenticator(self) -> Auth:
        return BearerTokenAuthenticator(token=self.config["access_token"])

    @property
    @override
    def http_headers(self) -> dict[str, Any]:
        return {"x-api-key": self.config["api_key"]}

    @override
    def get_new_paginator(self) -> Paginator:
        return Paginator(start_value=0, page_size=PAGE_SIZE)

    @override
    def get_url_params(
        self,
        context: Context | None,
        next_page_token: int | None,
    ) -> dict[str, Any]:
        return {"Limit": PAGE_SIZE, "Offset": next_page_token or 0}

    @override
    def parse_response(self, response: requests.Response) -> Iterable[Record]:
        yield from extract_jsonpath(
            self.records_jsonpath,
            input=response.json(parse_float=Decimal),
        )


class MattersStream(SmokeballStream):
    """Matters and leads."""

    name = "matters"
    path = "/matters"
    schema = th.PropertiesList(
        th.Property("id", th.StringType),
        th.Property("href", th.StringType),
        th.Property("versionId", th.StringType),
        th.Property("number", th.StringType),
        th.Property("title", th.StringType),
        th.Property("matterType", LINK),
        th.Property("clients", th.ArrayType(LINK)),
        th.Property("otherSides", th.ArrayType(LINK)),
        th.Property("description", th.StringType),
        th.Property("status", th.StringType),
        th.Property("personResponsible", LINK),
        th.Property("personAssisting", LINK),
        th.Property("originatingStaff", LINK),
        th.Property("supervisor", LINK),
        th.Property("clientCode", th.StringType),
        th.Property("openedDate", th.DateTimeType),
        th.Property("closedDate", th.DateTimeType),
        th.Property("isLead", th.BooleanType),
        th.Property("leadOpenedDate", th.DateTimeType),
        th.Property("leadClosedDate", th.DateTimeType),
        th.Property("referralType", th.StringType),
        th.Property("branch", LINK),
    ).to_dict()

    @override
    def get_url_params(
        self,
        context: Context | None,
        next_page_token: int | None,
    ) -> dict[str, Any]:
        params = super().get_url_params(context, next_page_token)
        return params | {"Type": "Matters,Leads", "Sort": "asc(lastUpdated)"}

    @override
    def get_child_context(self, record: Record, context: Context | None) -> Context:
        return {"matter_id": record["id"]}


class FeesStream(SmokeballStream):
    """Fees of a matter."""

    name = "fees"
    path = "/matters/{matter_id}/fees"
    parent_stream_type = MattersStream
    replication_key = "extractedAt"
    schema = th.PropertiesList(
        th.Property("id", th.StringType),
        th.Property("href", th.StringType),
        th.Property("versionId", th.StringType),
        th.Property("matter_id", th.StringType),
        th.Property("matter", LINK),
        th.Property("staff", LINK),
        th.Property("createdByUserId", th.StringType),
        th.Property("createdDate", th.DateTimeType),
        th.Property("lastUpdatedByUserId", th.StringType),
        th.Property("invoiceId", th.StringType),
        th.Property("activityCode", th.StringType),
        th.Property("utbmsTaskCode", th.StringType),
        th.Property("subject", th.StringType),
        th.Property("description", th.StringType),
        th.Property("feeDate", th.DateType),
        th.Property("feeType", th.IntegerType),
        th.Property("finalized", th.BooleanType),
        th.Property("isInvoicedExternally", th.BooleanType),
        th.Property("isWrittenOff", th.BooleanType),
        th.Property("isBillable", th.BooleanType),
        th.Property("tax", th.NumberType),
        th.Property("taxInclusive", th.BooleanType),
        th.Property("taxExempt", th.BooleanType),
        th.Property("taxOutOfScope", th.BooleanType),
        th.Property("duration", th.IntegerType),
        th.Property("durationWorked", th.IntegerType),
        th.Property("rate", th.NumberType),
        th.Property("amount", th.NumberType),
        th.Property("amountExcTax", th.NumberType),
        th.Property("amountIncTax", th.NumberType),
        th.Property("billableAmountExcTax", th.NumberType),
        th.Property("billableTax", th.NumberType),
        th.Property("isDeleted", th.BooleanType),
        th.Property(
            "sourceItems",
            th.ArrayType(
                th.ObjectType(
                    th.Property("id", th.StringType),
                    th.Property("href", th.StringType),
                    th.Property("description", th.StringType),
                    th.Property("duration", th.IntegerType),
                    th.Property("isBillable", th.BooleanType),
                ),
            ),
        ),
        th.Property("createdFromActivityId", th.StringType),
        th.Property("extractedAt", th.DateTimeType),
    ).to_dict()

    @override
    def get_url_params(
        self,
        context: Context | None,
        next_page_token: int | None,
    ) -> dict[str, Any]:
        params = super().get_url_params(context, next_page_token)
        if since := self.get_starting_timestamp(context):
            params["UpdatedSince"] = UNIX_EPOCH_TICKS + int(since.timestamp()) * 10_000_000
        return params

    @override
    def post_process(self, row: Record, context: Context | None = None) -> Record:
        row["extractedAt"] = RUN_STARTED
        return row


RUN_STARTED = datetime.now(timezone.utc).isoformat()


class TapStock(Tap):
    """Tap with two streams."""

    name = "tap-stock"
    config_jsonschema = th.PropertiesList(
        th.Property("api_url", th.StringType, required=True),
        th.Property("api_key", th.StringType, required=True, secret=True),
        th.Property("access_token", th.StringType, required=True, secret=True),
    ).to_dict()

    @override
    def discover_streams(self) -> list[SmokeballStream]:
        return [MattersStream(self), FeesStream(self)]


if __name__ == "__main__":
    TapStock.cli()
