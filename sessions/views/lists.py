"""The sessions page and its sisters: pinned, archived, trash. Each address gives a page, or the next rows of one."""

from django.http import HttpResponse
from django.urls import reverse

from sessions.htmx import PageRequest, fragment, wants_fragment
from sessions.models.open_page import list_state
from sessions.views.listing import ALL, ARCHIVE, PINNED_ONLY, SHARED, TRASH, ListQuery, View
from sessions.views.page import page, render_page
from sessions.views.rows import page_of

FOUND = "found"  # the id of what a filter changes


@page("GET")
def session_list(request: PageRequest) -> HttpResponse:
    """The active sessions."""
    return _list(request, ALL)


@page("GET")
def pinned(request: PageRequest) -> HttpResponse:
    """The pinned ones alone."""
    return _list(request, PINNED_ONLY)


@page("GET")
def archived(request: PageRequest) -> HttpResponse:
    """What was put away."""
    return _list(request, ARCHIVE)


@page("GET")
def trashed(request: PageRequest) -> HttpResponse:
    """What waits to be restored or deleted for ever."""
    return _list(request, TRASH)


@page("GET")
def shared(request: PageRequest) -> HttpResponse:
    """What others share with the reader."""
    return _list(request, SHARED)


def _list(request: PageRequest, view: View) -> HttpResponse:
    query = ListQuery.read(view, request.GET.dict())
    context = {"query": query, "view": view}
    is_filtering = request.htmx.target == FOUND  # the filter box takes its parts out of the whole page
    if wants_fragment(request) and not is_filtering:
        return fragment(request, "sessions/_rows.html", context | {"list": page_of(query, request.user.pk)})
    # Read before the rows: what changes in between is asked for again. With a tag, the first question tells it.
    context["state"] = "" if query.tag else list_state(request.user.pk)
    context |= {"list": page_of(query, request.user.pk), "live_address": reverse("list_live")}
    response = render_page(request, "sessions/session_list.html", context, here=view.name, tag=query.tag)
    if is_filtering:
        response.headers["HX-Replace-Url"] = query.address()
    return response
