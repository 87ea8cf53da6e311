"""The Django admin: for operators, who act on everybody's sessions through the same operations as everybody else.

One noun a file: sessions, the people in them, the records around them that nobody edits, and the users whose they are.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from sessions.admin import people, records, retention, sessions, users

__all__ = ["people", "records", "retention", "sessions", "users"]


def sign_in(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """One page for everybody to sign in; whoever is signed in and no administrator is told so."""
    if request.user.is_authenticated:
        raise PermissionDenied
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


admin.site.login = sign_in  # type: ignore[method-assign]  # Django's documentation offers this place
admin.site.site_header = "ResearchMind administration"
admin.site.site_title = "ResearchMind administration"
admin.site.index_title = "Administration"
