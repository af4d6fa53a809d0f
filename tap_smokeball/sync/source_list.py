"""Reads the list of another stream, for a stream whose requests need its ids.

The other stream need not be selected. Requests are counted for the stream that needs the ids.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_smokeball.api.client import Endpoint
from tap_smokeball.records.record_builder import RowKey
from tap_smokeball.sync.list_reader import ListReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_smokeball.api.client import Response
    from tap_smokeball.api.pages import Page
    from tap_smokeball.config.settings import Settings
    from tap_smokeball.sync.base_stream import SmokeballStream

    Send = Callable[[Callable[[], Response[Page]]], Response[Page]]


def _no_params(_: Settings) -> dict[str, Any]:
    return {}


class SourceList(NamedTuple):
    """The list of a stream, as a source of ids.

    Attributes:
        stream: The stream that declares the list.
        id_path: The property with the id; a dot leads into a nested object.
        params: Returns the query parameters of the list, except those of the page.
    """

    stream: type[SmokeballStream]
    id_path: str = "id"
    params: Callable[[Settings], dict[str, Any]] = _no_params

    @property
    def name(self) -> str:
        """Name of the stream."""
        return str(vars(self.stream)["name"])

    def id_of(self, row: dict[str, Any]) -> str | None:
        """Return the id that a row names, if it names one."""
        value: Any = row
        for name in self.id_path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        is_id = isinstance(value, (str, int)) and not isinstance(value, bool)
        return str(value) if is_id and value != "" else None

    def read(
        self, reader: SmokeballStream, ids: dict[str, str], send: Send, subpath: str = ""
    ) -> ListReader:
        """Return the reader of the list.

        Args:
            reader: The stream that needs the ids.
            ids: Values for the placeholders of the list's path.
            send: Calls the function that sends a request.
            subpath: What follows the path of the list, for a list below it.
        """
        declared, session = self.stream, reader.session
        endpoint = Endpoint(declared.path + subpath, declared.scope, reader.name)
        params = self.params(session.settings)
        if declared.sort:
            params = {**params, "Sort": declared.sort}
        columns = {column.name: column for column in declared.columns}
        # The path has the other parts of the key: they are the same in all rows of the list.
        names = [n for n in vars(declared)["primary_keys"] if n not in {declared.parent_key, *ids}]

        def fetch(page_params: dict[str, Any]) -> Response[Page]:
            query = {**params, **page_params}
            parse = declared.response_format.parse
            return send(partial(session.client.get, endpoint, ids, query, parse))

        return ListReader(
            fetch,
            declared.response_format.paginator,
            RowKey([columns[name] for name in names]),
            page_size=session.settings.page_size,
            sample_rows=reader.sample_rows,
            on_rewind=partial(session.status.count_rewind, reader.name),
        )
