"""How many sessions there are, from the kept counters: COUNT(*) over a million rows takes most of a second."""

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.functional import cached_property

from sessions.admin.bases import Pages
from sessions.models import SessionCount

MOST_COUNTED = 5_000
MOST_PAGES = 200  # the database counts its way to a page: the last of a million takes seconds


@dataclass(frozen=True, slots=True)
class Group:
    """Sessions of one owner that share status and pin."""

    owner_id: int
    status: str
    pinned: bool
    total: int


def kept_groups(request: HttpRequest) -> list[Group]:
    """All groups that hold sessions, read once a request."""
    groups: list[Group] | None = getattr(request, "_session_groups", None)
    if groups is None:
        rows = SessionCount.objects.filter(tag_id=None).values_list("owner_id", "status", "pinned")
        groups = [Group(*row) for row in rows.annotate(total=Sum("amount")).filter(total__gt=0)]
        request._session_groups = groups  # type: ignore[attr-defined]  # kept on the request that it belongs to
    return groups


class KeptPaginator(Pages):
    """A paginator that is told how many there are. It leads to the first MOST_PAGES; filters lead to the rest."""

    def __init__(self, *args: Any, kept_count: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept_count = kept_count

    @cached_property
    def count(self) -> int:
        """The number that was kept."""
        return self.kept_count

    @cached_property
    def num_pages(self) -> int:
        """How many pages can be asked for."""
        return min(super().num_pages, MOST_PAGES)


class ShortPaginator(Pages):
    """A paginator that counts no further than MOST_COUNTED, whatever the table holds."""

    @cached_property
    def count(self) -> int:
        """How many there are, MOST_COUNTED at most."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # the admin pages through nothing else
        return rows.order_by()[:MOST_COUNTED].count()
