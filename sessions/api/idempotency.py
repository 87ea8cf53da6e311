"""`Idempotency-Key`: a POST sent twice is done once, and its answer is given again."""

import contextlib
import hashlib
import re
from collections.abc import Callable

from django.db import DatabaseError, transaction
from django.http import HttpResponse

from sessions.api.auth import ApiRequest
from sessions.api.errors import invalid
from sessions.operations import idempotency
from sessions.operations.idempotency import Answer

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_KEPT_HEADERS = ("Content-Type", "ETag", "Location")


def once(request: ApiRequest, work: Callable[[], HttpResponse]) -> HttpResponse:
    """Do the work once for each key of a caller; without a key, do it.

    The work and the keeping of its answer are one transaction. A refusal keeps nothing: the
    next try may succeed. Raises Invalid for a bad key or another request under it, Conflict
    while the first one is under way.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return work()
    if not _KEY.fullmatch(key):
        raise invalid(HEADER, "1 to 255 letters, digits or signs without spaces, such as a UUID.")
    held = idempotency.claim(user_id=request.auth.user_id, key=key, fingerprint=_fingerprint(request))
    if isinstance(held, Answer):
        return HttpResponse(held.body, status=held.status, headers=held.headers | {"Idempotency-Replayed": "true"})
    is_kept = False
    try:
        with transaction.atomic():
            response = work()
            headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
            idempotency.finish(held, Answer(response.status_code, headers, response.content))
        is_kept = True
    finally:
        if not is_kept:
            with contextlib.suppress(DatabaseError):  # what went wrong matters more; the claim runs out by itself
                idempotency.release(held)
    return response


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
    digest.update(b"\0" + request.body)
    return digest.hexdigest()
