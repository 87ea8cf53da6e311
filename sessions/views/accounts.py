"""The first run, signing in and out, and the page for too many attempts."""

from typing import Any

from axes.helpers import get_cool_off
from django.contrib.auth import get_user_model, login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from sessions.exceptions import NotAllowed
from sessions.forms import FirstAdministratorForm, SignInForm
from sessions.htmx import go_to, wants_fragment
from sessions.operations.accounts import create_first_administrator, is_first_run_token, note_sign_in, note_sign_out
from sessions.views.toasts import toast

_BACKEND = "django.contrib.auth.backends.ModelBackend"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """The first run's page, at an address that works once: make the first administrator and sign in."""
    if not is_first_run_token(token):
        return _used_up(request)
    form = FirstAdministratorForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        status = 422 if form.is_bound else 200
        return render(request, "accounts/welcome.html", {"form": form}, status=status)
    username, password = form.cleaned_data["username"], form.cleaned_data["password1"]
    try:
        administrator = create_first_administrator(token=token, username=username, password=password)
    except NotAllowed:
        return _used_up(request)
    login(request, administrator, backend=_BACKEND)
    toast(request, f"Welcome, {username}. You administer this server.")
    return go_to(request, reverse("session_list"))


def _used_up(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/used_up.html", status=404)


class SignIn(LoginView):
    """Sign in, then go where one wanted to go on this site."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True
    http_method_names = ("get", "head", "post", "options")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Never answer htmx with this page: it would be painted into a part of another."""
        if wants_fragment(request):
            return go_to(request, reverse("sign_in"))
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Say where to look while nobody can sign in yet."""
        return super().get_context_data(nobody_yet=not get_user_model().objects.exists(), **kwargs)

    def form_valid(self, form: AuthenticationForm) -> Any:
        """Sign in, and note it."""
        response = super().form_valid(form)
        note_sign_in(form.get_user())
        return response

    def form_invalid(self, form: BaseForm) -> Any:
        """Show the form again, with the name that was typed."""
        response = super().form_invalid(form)  # type: ignore[arg-type]  # it is our SignInForm
        response.status_code = 422
        return response


class SignOut(LogoutView):
    """Sign out, and note it."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Note who goes, while that is known."""
        if request.user.is_authenticated:
            note_sign_out(request.user)
        return super().post(request, *args, **kwargs)


sign_in = SignIn.as_view()
sign_out = SignOut.as_view()


def locked_out(request: HttpRequest, response: HttpResponse | None = None, credentials: object = None) -> HttpResponse:
    """429 after too many failed attempts for an account from an address (AXES_LOCKOUT_CALLABLE)."""
    cool_off = get_cool_off(request)
    seconds = int(cool_off.total_seconds()) if cool_off else 0
    context = {"minutes": -(-seconds // 60)}
    answer = render(request, "accounts/locked_out.html", context, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer
