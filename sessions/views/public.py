"""The public pages of a share link: the transcript alone, for anybody who has the address, and files if it says so."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import render

from sessions.exceptions import FileNotFound, LinkNotFound, MessageNotFound, SessionError
from sessions.models import Message, Session, ShareLink
from sessions.operations.sharing import linked_session
from sessions.storage import files
from sessions.storage.directory import list_directory
from sessions.storage.names import checked_path
from sessions.views.errors import problem
from sessions.views.session_files import as_attachment
from sessions.views.session_messages import whole_text
from sessions.views.session_page import window_of

_METHODS = ("GET", "HEAD")
_HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"}


def public(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view for anybody who has the secret of a link that works; for everybody else there is nothing.

    Unknown, expired and revoked look the same. Search engines and caches keep none of it.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, secret: str, **kwargs: Any) -> HttpResponseBase:
        if request.method not in _METHODS:
            return HttpResponseNotAllowed(_METHODS)
        try:
            session, link = linked_session(secret)
            response = view(request, secret, session, link, **kwargs)
        except SessionError as error:
            response = problem(request, error)
        for name, value in _HEADERS.items():
            response.headers[name] = value
        return response

    return wrapped


@public
def detail(request: HttpRequest, secret: str, session: Session, link: ShareLink) -> HttpResponse:
    """The newest part of the transcript; `?before=`, `?after=` and `?at=` an index page through it."""
    window = window_of(request, session, link=secret)
    context = {"session": session, "link": link, "secret": secret, "transcript": window}
    return render(request, "sessions/public.html", context)


@public
def text(request: HttpRequest, secret: str, session: Session, link: ShareLink, index: int) -> HttpResponse:
    """A message's whole text, as it is."""
    found = Message.objects.of(session.pk).filter(index=index).first()
    if found is None:
        raise MessageNotFound("The transcript has no such message.", index=index)
    return whole_text(found, request.GET.get("part", ""))


@public
def browse(request: HttpRequest, secret: str, session: Session, link: ShareLink) -> HttpResponse:
    """A directory of the workspace (`?path=`), where the link includes files."""
    names = _names(request, link, default="content")
    directory = list_directory(session.pk, names)
    context = {
        "session": session,
        "secret": secret,
        "entries": directory.entries,
        "cut_at": directory.cut_at,
        "steps": [("/".join(names[: number + 1]), name) for number, name in enumerate(names)],
    }
    return render(request, "sessions/public_files.html", context)


@public
def raw(request: HttpRequest, secret: str, session: Session, link: ShareLink) -> HttpResponseBase:
    """A file (`?path=`) to download, where the link includes files."""
    names = _names(request, link)
    if not names:
        raise FileNotFound("There is no such file.")
    return as_attachment(request, files.open_file(session.pk, names), partial(_shows_files, link))


def _shows_files(link: ShareLink) -> bool:
    """Whether the link works now."""
    return ShareLink.objects.working().filter(pk=link.pk, include_files=True).exists()


def _names(request: HttpRequest, link: ShareLink, default: str = "") -> tuple[str, ...]:
    if not link.include_files:
        raise LinkNotFound("This link shows no files.")
    path = request.GET.get("path", default)
    try:
        return tuple(checked_path(path)) if path else ()
    except SessionError as error:
        raise FileNotFound("There is no such file.") from error
