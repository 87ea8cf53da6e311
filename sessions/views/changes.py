"""The answer after something was done to sessions: the changed parts of the list, or the page it was done from."""

from collections.abc import Sequence

from django.http import HttpResponse, QueryDict
from django.urls import reverse
from django_htmx.http import HttpResponseClientRefresh

from sessions.htmx import PageRequest, fragment, go_to, next_address, wants_fragment
from sessions.views.listing import PAGE_SIZE, ListQuery
from sessions.views.rows import page_of
from sessions.views.shell import shell_context

MOST_REFRESHED = 500  # rows that a refreshed list shows at once; more come as one scrolls


def answer_changes(request: PageRequest, action: str, session_ids: Sequence[str]) -> HttpResponse:
    """Redirect to `next`; for htmx, take the sessions out of the list that shows them, or show it anew.

    A session's own page is left when the session goes to the trash.
    """
    address = next_address(request)
    query = ListQuery.at(address)
    if query is None and action in ("trash", "purge"):
        address, query = reverse("session_list"), None
        return go_to(request, address)
    if not wants_fragment(request):
        return go_to(request, address)
    if query is None:
        return HttpResponseClientRefresh()
    context = shell_context(request, here=query.view.name, tag=query.tag)
    context["action"] = action
    if query.view.loses(action):
        context["gone"] = session_ids
    else:
        context["list"] = page_of(query, request.user.pk, limit=rows_shown(request.POST))
    return fragment(request, "sessions/_list_changes.html", context)


def rows_shown(parameters: QueryDict) -> int:
    """How many rows the reader has loaded, so that a list shown anew is as long as it was."""
    shown = parameters.get("shown", "")
    return min(max(int(shown), PAGE_SIZE), MOST_REFRESHED) if shown.isdecimal() and len(shown) < 6 else PAGE_SIZE
