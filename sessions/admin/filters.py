"""The changelist's filters. Their choices come from kept counters, never from a look at every session."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR
from django.contrib.auth import get_user_model
from django.db.models import F, QuerySet
from django.http import HttpRequest

from sessions.admin.counts import MOST_COUNTED, Group, kept_groups
from sessions.models import Session, Status

_OWNERS_SHOWN = 20
_NEWEST = 500
_Choices = list[tuple[str, str]]


KEYS: dict[str, Callable[[Group], str]] = {
    "status": lambda group: group.status,
    "pinned": lambda group: "yes" if group.pinned else "no",
    "owner": lambda group: str(group.owner_id),
}
_NO_FILTERS = {ORDER_VAR, PAGE_VAR, ALL_VAR, ERROR_FLAG}


def _asked(request: HttpRequest) -> dict[str, str]:
    asked = {name: request.GET.get(name, "") for name in request.GET if name not in _NO_FILTERS}
    return {name: value for name, value in asked.items() if value}


def _groups(request: HttpRequest) -> list[Group]:
    """The groups that the counted filters let through."""
    asked = {name: value for name, value in _asked(request).items() if name in KEYS}
    groups = kept_groups(request)
    return [group for group in groups if all(KEYS[name](group) == value for name, value in asked.items())]


def kept_count(request: HttpRequest) -> int | None:
    """How many sessions the list shows, if the kept counters know; None if somebody has to look."""
    if _asked(request).keys() - KEYS.keys():
        return None
    return sum(group.total for group in _groups(request))


def within_reach(request: HttpRequest, found: QuerySet[Session]) -> QuerySet[Session]:
    """The same sessions in the same order, asked for in the way that costs least among a million.

    Many are read along the index of the order until the page is full. Few are found first, in the
    order of the table or by their owners' index, and sorted then: along the order the database
    would look at every session to find them.
    """
    groups = _groups(request)
    few = found
    if sum(group.total for group in groups) < MOST_COUNTED:
        few = found.filter(
            owner_id__in={group.owner_id for group in groups},
            status__in={group.status for group in groups},
            pinned__in={group.pinned for group in groups},
        )
    elif kept_count(request) is not None:
        return found
    ids = list(few.order_by().values_list("pk", flat=True)[:MOST_COUNTED])
    if len(ids) == MOST_COUNTED:
        return found
    return Session.objects.filter(pk__in=ids).select_related("owner").order_by(*found.query.order_by)


class _CountedFilter(admin.SimpleListFilter):
    """A filter over what the kept counters know. Its choices say how many sessions they let through."""

    parameter_name: str

    def labels(self, totals: Counter[str], chosen: str) -> dict[str, str]:
        """The choices in their order: value and label."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> _Choices:
        """The choices with their numbers of sessions."""
        totals: Counter[str] = Counter()
        for group in kept_groups(request):
            totals[KEYS[self.parameter_name](group)] += group.total
        labels = self.labels(totals, request.GET.get(self.parameter_name, ""))
        return [(value, f"{label} ({totals[value]:,})") for value, label in labels.items()]


class StatusFilter(_CountedFilter):
    """Active, archived, in the trash."""

    title = "status"
    parameter_name = "status"

    def labels(self, totals: Counter[str], chosen: str) -> dict[str, str]:
        """Every status."""
        return {status.value: str(status.label) for status in Status}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Sessions of this status."""
        return queryset.filter(status=self.value()) if self.value() else queryset


class PinnedFilter(_CountedFilter):
    """Pinned or not."""

    title = "pinned"
    parameter_name = "pinned"

    def labels(self, totals: Counter[str], chosen: str) -> dict[str, str]:
        """Both."""
        return {"yes": "Pinned", "no": "Not pinned"}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Sessions with this pin."""
        pinned = {"yes": True, "no": False}.get(self.value() or "")
        if pinned is None:
            return queryset.none() if self.value() else queryset
        return queryset.filter(pinned=pinned)


class OwnerFilter(_CountedFilter):
    """Those who own most; the users' list links to everybody else's."""

    title = "owner"
    parameter_name = "owner"

    def labels(self, totals: Counter[str], chosen: str) -> dict[str, str]:
        """The owners with most sessions, and the one that is chosen, by name."""
        shown = [value for value, _ in totals.most_common(_OWNERS_SHOWN)]
        users = get_user_model().objects.filter(pk__in=[*shown, *([chosen] if chosen.isdecimal() else [])])
        return {str(pk): name for pk, name in users.order_by("username").values_list("pk", "username")}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """This owner's sessions."""
        value = self.value() or ""
        if not value.isdecimal():
            return queryset.none() if value else queryset
        # Not by the owner's index, which would have all of them sorted; `within_reach` uses it for few.
        return queryset.alias(any_owner=F("owner_id") + 0).filter(any_owner=int(value))


class ModelFilter(admin.SimpleListFilter):
    """The models of the sessions that changed last, and the one that is chosen."""

    title = "model"
    parameter_name = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> _Choices:
        """Models in alphabetical order."""
        newest = Session.objects.order_by("-updated_at", "-pk").values_list("model", flat=True)[:_NEWEST]
        models = {model for model in newest if model} | {request.GET.get(self.parameter_name, "")} - {""}
        return [(model, model) for model in sorted(models)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Session]) -> QuerySet[Session]:
        """Sessions with this model."""
        return queryset.filter(model=self.value()) if self.value() else queryset


class CreatedFilter(admin.DateFieldListFilter):
    """When it was made. No session changed before it was made, and the change is what the list is ordered by."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Sessions made then; the bound on `updated_at` lets the database start in the right place."""
        chosen = super().queryset(request, queryset)
        first = self.used_parameters.get(self.lookup_kwarg_since)
        if chosen is None or not first:
            return queryset
        return chosen.filter(updated_at__gte=first[0] if isinstance(first, list) else first)


FILTERS: tuple[Any, ...] = (
    StatusFilter,
    PinnedFilter,
    OwnerFilter,
    ModelFilter,
    ("updated_at", admin.DateFieldListFilter),
    ("created_at", CreatedFilter),
)
