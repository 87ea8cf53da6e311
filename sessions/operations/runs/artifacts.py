"""Artifacts: what a run has made."""

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sessions.access import Actor
from sessions.exceptions import Invalid
from sessions.models import Artifact, Verb
from sessions.operations import audit
from sessions.operations.runs.touching import touched_run
from sessions.operations.values import checked_json, checked_text
from sessions.storage.names import checked_path

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_KIND = re.compile(r"[a-z0-9][a-z0-9_.-]{0,99}")


def checked_kind(kind: str) -> str:
    """Return a kind in lower case. Raises Invalid for one that could not stand in an address."""
    if not _KIND.fullmatch(kind.lower()):
        raise Invalid(
            "This can't be a kind of artifact.",
            errors=[("kind", "1 to 100 letters a to z, digits, or signs _ . -, such as build_spec.")],
        )
    return kind.lower()


def set_artifact(
    *,
    actor: "Actor | User",
    session_id: UUID | str,
    kind: str,
    data: Any = None,
    path: str = "",
    expected_version: int | None = None,
) -> tuple[Artifact, int]:
    """Keep a new version of an artifact: JSON, or the path of a file in the workspace, there or yet to come.

    What is the same as the newest version makes no new one. Returns the version that is current
    then, and the run's version. Takes artifacts of a stopped run too. Raises SessionNotFound,
    SessionNotActive, StaleVersion, Invalid.
    """
    kind = checked_kind(kind)
    checked_json("data", data)
    if path:
        path = "/".join(checked_path(checked_text("path", path)))
    with touched_run(actor, session_id, expected_version=expected_version, step=False) as (actor, touched):
        newest = Artifact.objects.filter(session_id=touched.session_id, kind=kind).order_by("-version").first()
        if newest is not None and newest.path == path and _is_same(newest.data, data):
            return newest, touched.version
        artifact = Artifact.objects.create(
            session_id=touched.session_id,
            kind=kind,
            version=newest.version + 1 if newest else 1,
            data=data,
            path=path,
            created_at=touched.at,
        )
        audit.record(actor, Verb.ARTIFACT_SET, touched.session_id, kind=kind, version=artifact.version)
    return artifact, touched.version


def _is_same(one: Any, other: Any) -> bool:
    """Equal as JSON: 1 isn't true."""
    return one == other and repr(one) == repr(other)
