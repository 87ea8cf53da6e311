"""Making a session."""

from django.http import HttpResponse
from django.urls import reverse

from sessions.exceptions import SessionError, UnknownModel
from sessions.forms import NewSessionForm, add_refusal
from sessions.htmx import PageRequest, go_to
from sessions.models import Session
from sessions.operations.model_names import check_model
from sessions.operations.sessions import create_session
from sessions.views.errors import status_of
from sessions.views.page import page, render_page

_FIELDS = {"messages": "system_prompt", "content": "system_prompt"}


@page("GET", "POST")
def new(request: PageRequest) -> HttpResponse:
    """The form; then the new session's page. What was typed stays when something is refused."""
    if request.method != "POST":
        return _form(
            request, NewSessionForm(initial={name: request.GET.get(name, "") for name in ("name", "tags")}), 200
        )
    form = NewSessionForm(request.POST)
    if not form.is_valid():
        return _form(request, form, 422)
    try:
        session = _create(request, form)
    except UnknownModel as error:
        form.add_error("model", error.detail)
        return _form(request, form, status_of(error))
    except SessionError as error:
        add_refusal(form, error, _FIELDS)
        return _form(request, form, status_of(error))
    return go_to(request, reverse("session_detail", args=[session.pk]))


def _create(request: PageRequest, form: NewSessionForm) -> Session:
    values = form.cleaned_data
    check_model(actor=request.user, name=values["model"])
    return create_session(
        actor=request.user,
        name=values["name"],
        description=values["description"],
        model=values["model"],
        tags=form.tag_names,
        system_prompt=values["system_prompt"] if values["system_prompt"].strip() else None,
    )


def _form(request: PageRequest, form: NewSessionForm, status: int) -> HttpResponse:
    return render_page(request, "sessions/new_session.html", {"form": form}, status=status, here="session_new")
