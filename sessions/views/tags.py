"""All tags, for those who have more than the sidebar shows."""

from django.http import HttpResponse
from django.shortcuts import render

from sessions.htmx import PageRequest
from sessions.models import SessionCount
from sessions.views.page import page
from sessions.views.shell import Counts, sidebar, tag_entry


@page("GET")
def all_tags(request: PageRequest) -> HttpResponse:
    """Every tag of an active session, with how many have it."""
    counts = Counts.of(SessionCount.objects.by_group(request.user.pk))
    tags = [tag_entry(name, counts.tags[name]) for name in sorted(counts.tags)]
    return render(request, "sessions/tags.html", {"sidebar": sidebar(counts), "tags": tags, "here": "tags"})
