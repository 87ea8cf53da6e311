"""What the API says about itself and its caller."""

import contextlib
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from researchmind import __version__
from sessions.api.answers import answer
from sessions.api.auth import AUTHENTICATION, ApiRequest
from sessions.api.errors import RETRY_SECONDS, Problem
from sessions.api.openapi import ApiRouter, documented
from sessions.api.schemas.system import HealthAnswer, MeAnswer, VersionAnswer
from sessions.storage.health import examine

router = ApiRouter(tags=["System"])


@router.get("/me", summary="Who calls", **documented({200: MeAnswer}))
def me(request: ApiRequest) -> HttpResponse:
    """The user, and the token if one was sent."""
    actor = request.auth
    token: dict[str, Any] | None = None
    if actor.token_id is not None:
        token = {"name": actor.token_name, "scope": actor.scope, "session_id": actor.only_session}
    return answer(
        {
            "user_id": actor.user_id,
            "username": actor.username,
            "is_administrator": actor.is_administrator,
            "token": token,
        }
    )


@router.get("/version", auth=None, summary="Which version answers", **documented({200: VersionAnswer}))
def version(request: HttpRequest) -> HttpResponse:
    """For everybody."""
    return answer({"version": __version__, "api": "v1"})


@router.get("/health", auth=None, summary="Whether the service works", **documented({200: HealthAnswer}))
def health(request: HttpRequest) -> HttpResponse:
    """For everybody; those who are known also see what it stands on. 503 if something is missing."""
    found = examine()
    parts = {"database": found.database, "workspaces": found.workspaces} if _is_known(request) else {}
    if not found.is_ok:
        raise Problem(
            503,
            "unhealthy",
            "The service can't do its work now: the database or the workspaces can't be used.",
            state=parts,
            headers={"Retry-After": RETRY_SECONDS},
        )
    return answer({"status": "ok", **parts})


def _is_known(request: HttpRequest) -> bool:
    """Whether the caller has credentials that are good; an unusable database makes everybody a stranger."""
    with contextlib.suppress(Problem, DatabaseError):
        return any(authenticate(request) for authenticate in AUTHENTICATION)
    return False
