"""What is not known about the API: one field for each question, one value for each answer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How one tenant behaves. The defaults are the plainest answers.

    Attributes:
        is_filter_inclusive: Whether a filter finds a row that changed at its very time.
        is_filter_whole_seconds: Whether a filter compares whole seconds only.
        size: The total in a page: ``right``, ``absent``, ``text``, ``low``, ``high`` or ``zero``.
        limit: The limit in a page: ``request`` (what was asked for, or the largest page if that is
            less), ``absent``, or ``count`` (the number of rows of the page).
        has_next: Whether a page that is not the last one has a link to the next.
        largest_page: Most rows in a page, whatever was asked for; None for 500.
        deleted: Whether deleted rows are ``listed``, listed only without a filter (``unfiltered``),
            or ``gone``.
        order: Order of lists: ``created``, ``key``, ``oldest`` or ``newest`` change first.
        is_sort_obeyed: Whether ``Sort`` has an effect.
        empty_status: Status of an empty list of a parent, 200 or 204.
        hidden_status: Status of what a parent that cannot be seen has.
        fraction_digits: Fractional digits of ISO times.
        has_retry_after: Whether 429 and 503 say when to try again.
        lag_seconds: How long a write takes until reads show it.
        touches_parent: Whether a change of a row changes its parent, too.
        has_nulls: Whether properties without a value are null instead of absent.
        layout_list: Property with the list of layouts.
        honours_paging: Whether endpoints that declare no Offset and Limit obey them.
        folder_paging: What Offset and Limit of a listing of folders count: its ``entries``, the
            ``listings``, or nothing (``ignored``).
        has_own_id: Whether records whose own id is undocumented have one.
        link_name: Property of a link that names its relation.
        error_form: Body of errors: ``problem`` (RFC 7807) or ``gateway``.
    """

    is_filter_inclusive: bool = True
    is_filter_whole_seconds: bool = False
    size: str = "right"
    limit: str = "request"
    has_next: bool = True
    largest_page: int | None = None
    deleted: str = "listed"
    order: str = "created"
    is_sort_obeyed: bool = True
    empty_status: int = 200
    hidden_status: int = 404
    fraction_digits: int = 7
    has_retry_after: bool = True
    lag_seconds: int = 0
    touches_parent: bool = False
    has_nulls: bool = False
    layout_list: str = "value"
    honours_paging: bool = True
    folder_paging: str = "entries"
    has_own_id: bool = True
    link_name: str = "rel"
    error_form: str = "problem"

    @property
    def reveals_more_rows(self) -> bool:
        """Whether a page that is shorter than it should be says that it is not the last one."""
        return self.has_next or self.limit == "count" or self.size in {"right", "text", "high"}
