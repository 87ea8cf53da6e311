"""API tokens: made, shown once, revoked."""

from typing import Any

from django.http import HttpResponse
from django.urls import reverse

from sessions.exceptions import Conflict, NotFound, SessionError
from sessions.forms import TokenForm, add_refusal
from sessions.htmx import PageRequest, fragment, go_to, wants_fragment
from sessions.models import ApiToken
from sessions.operations.tokens import create_token, revoke_token
from sessions.views.errors import status_of
from sessions.views.page import page, render_page
from sessions.views.toasts import toast

_SPENT_SHOWN = 20  # revoked and expired ones; the newest of them


@page("GET", "POST")
def tokens(request: PageRequest) -> HttpResponse:
    """The tokens, and a form for another. A new one is in the answer to that form and nowhere else."""
    if request.method != "POST":
        return _tokens(request, TokenForm())
    form = TokenForm(request.POST)
    if not form.is_valid():
        return _tokens(request, form, status=422)
    try:
        token, plain = create_token(
            actor=request.user,
            name=form.cleaned_data["name"],
            scope=form.cleaned_data["scope"],
            expires_at=form.expires_at,
            session_id=form.cleaned_data["session_id"] or None,
        )
    except (NotFound, Conflict) as error:
        form.add_error("session_id", error.detail)
        return _tokens(request, form, status=422)
    except SessionError as error:
        add_refusal(form, error)
        return _tokens(request, form, status=status_of(error))
    return _tokens(request, TokenForm(), new=token, plain=plain)


@page("POST")
def revoke(request: PageRequest, token_id: int) -> HttpResponse:
    """Revoke one of one's own tokens; it is refused from the next request on."""
    token = revoke_token(actor=request.user, token_id=token_id)
    toast(request, f"Revoked “{token.name}”. It opens nothing any more.")
    if wants_fragment(request):
        return _tokens(request, TokenForm())
    return go_to(request, reverse("tokens"))


def _tokens(request: PageRequest, form: TokenForm, *, status: int = 200, **context: Any) -> HttpResponse:
    mine = list(ApiToken.objects.filter(user=request.user).select_related("session"))
    context |= {
        "form": form,
        "tab": "tokens",
        "usable": [token for token in mine if token.is_usable],
        "spent": [token for token in mine if not token.is_usable][:_SPENT_SHOWN],
    }
    if wants_fragment(request):
        return fragment(request, "settings/_tokens.html", context, status=status)
    return render_page(request, "settings/tokens.html", context, status=status, here="settings")
