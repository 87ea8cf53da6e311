"""One's own settings: profile, appearance, password."""

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import reverse

from sessions.exceptions import Invalid
from sessions.forms import NewPasswordForm, ProfileForm, add_refusal
from sessions.htmx import PageRequest, go_to, next_address
from sessions.operations.accounts import change_password, update_profile
from sessions.views.page import page, render_page
from sessions.views.toasts import toast

_YEAR = 365 * 24 * 3600
_THEMES = ("light", "dark")


@page("GET", "POST")
def profile(request: PageRequest) -> HttpResponse:
    """What one is called, and the theme."""
    user = User.objects.get(pk=request.user.pk)  # the sidebar goes on showing the name as it is stored
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=user)
    if form.is_bound and form.is_valid():
        try:
            update_profile(user=user, **form.cleaned_data)
        except Invalid as error:
            add_refusal(form, error)
        else:
            toast(request, "Saved")
            return go_to(request, reverse("settings"))
    context = {"form": form, "tab": "settings", "chosen": _theme(request.COOKIES.get("theme"))}
    return render_page(request, "settings/profile.html", context, status=422 if form.errors else 200, here="settings")


@page("GET", "POST")
def password(request: PageRequest) -> HttpResponse:
    """Another password; other browsers are signed out."""
    form = NewPasswordForm(request.user, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        change_password(user=request.user, password=form.cleaned_data["new_password1"])
        update_session_auth_hash(request, request.user)
        toast(request, "Password changed. Other browsers are signed out.")
        return go_to(request, reverse("change_password"))
    context = {"form": form, "tab": "change_password"}
    return render_page(request, "settings/password.html", context, status=422 if form.errors else 200, here="settings")


@page("POST")
def theme(request: PageRequest) -> HttpResponse:
    """Light, dark, or as the system says; kept in this browser."""
    response = go_to(request, next_address(request, "settings"))
    chosen = _theme(request.POST.get("theme"))
    response.set_cookie("theme", chosen, max_age=_YEAR, samesite="Lax", secure=request.is_secure())
    return response


def _theme(name: str | None) -> str:
    return name if name in _THEMES else "system"
