"""`Idempotency-Key`: a POST sent twice is done once, and its answer is given again."""

import contextlib
import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import DatabaseError, transaction
from django.http import HttpResponse

from sessions.api.auth import ApiRequest
from sessions.api.errors import invalid
from sessions.operations import idempotency
from sessions.operations.idempotency import Answer, Claim

HEADER = "Idempotency-Key"
MULTIPART = "multipart/form-data"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")
_View = TypeVar("_View", bound=Callable[..., Any])


class Key:
    """The key of one request, if it has one: claim it, do the work and keep its answer, or give it back."""

    def __init__(self, request: ApiRequest) -> None:
        self._request = request
        self._held: Claim | None = None

    def claim(self) -> HttpResponse | None:
        """Claim the key. Returns the answer that it has already, else None: then the work is the caller's to do.

        Raises Invalid for a bad key or another request under it, Conflict while the first one is under way.
        """
        key = self._request.headers.get(HEADER)
        if key is None:
            return None
        if not _KEY.fullmatch(key):
            raise invalid(HEADER, "1 to 255 letters, digits or signs without spaces, such as a UUID.")
        held = idempotency.claim(user_id=self._request.auth.user_id, key=key, fingerprint=_fingerprint(self._request))
        if isinstance(held, Answer):
            return HttpResponse(held.body, status=held.status, headers=held.headers | {"Idempotency-Replayed": "true"})
        self._held = held
        return None

    def keep(self, work: Callable[[], HttpResponse], *, is_one_transaction: bool = True) -> HttpResponse:
        """Do the work and keep its answer, in one transaction; without a key, do the work.

        Work that is many transactions by itself, and does nothing twice when it is done again, is not put into one.
        """
        if self._held is None:
            return work()
        with transaction.atomic() if is_one_transaction else contextlib.nullcontext():
            response = work()
            headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
            idempotency.finish(self._held, Answer(response.status_code, headers, response.content))
        return response

    def renew(self) -> None:
        """Say that the work is still going on, before its claim runs out."""
        if self._held is not None:
            idempotency.renew(self._held)

    def give_back(self) -> None:
        """Let the next try do the work. An answer that is kept stays."""
        if self._held is not None:
            with contextlib.suppress(DatabaseError):  # what went wrong matters more; the claim runs out by itself
                idempotency.release(self._held)


def once(
    request: ApiRequest,
    work: Callable[[], HttpResponse],
    *,
    before: Callable[[], None] = lambda: None,
    is_one_transaction: bool = True,
) -> HttpResponse:
    """Do the work once for each key of a caller; without a key, do it. Raises as `Key.claim`.

    The work and the keeping of its answer are one transaction; `before` runs ahead of it, where
    nothing is locked. A refusal keeps nothing: the next try may succeed.
    """
    key = Key(request)
    replayed = key.claim()
    if replayed is not None:
        return replayed
    is_kept = False
    try:
        before()
        response = key.keep(work, is_one_transaction=is_one_transaction)
        is_kept = True
    finally:
        if not is_kept:
            key.give_back()
    return response


def sees_to_its_key(view: _View) -> _View:
    """Mark a POST that calls `once` or uses its Key by itself, because it waits for others first."""
    view.sees_to_its_key = True  # type: ignore[attr-defined]  # a mark on a function
    return view


def _fingerprint(request: ApiRequest) -> str:
    """What makes a request the same request, the limits of its token included."""
    actor = request.auth
    parts = (
        request.method,
        request.path_info,
        request.META.get("QUERY_STRING", ""),
        actor.scope,
        actor.only_session or "",
    )
    digest = hashlib.sha256("\0".join(map(str, parts)).encode(errors="surrogateescape"))
    if request.content_type == MULTIPART:
        _add_form(digest, request)
    else:
        digest.update(b"\0" + request.body)
    return digest.hexdigest()


def _add_form(digest: "hashlib._Hash", request: ApiRequest) -> None:
    """A form with files, whose boundaries differ each time it is sent."""
    for name, values in sorted(request.POST.lists()):
        digest.update(repr((name, values)).encode())
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            digest.update(repr((name, file.name, file.size)).encode())
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)
