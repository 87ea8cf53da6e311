"""People of a session, and public links to it."""

from typing import Annotated, Any

from django.http import HttpResponse
from django.urls import reverse
from ninja import Path

from sessions import access
from sessions.api.answers import answer, no_content
from sessions.api.auth import ApiRequest
from sessions.api.openapi import ApiRouter, documented
from sessions.api.preconditions import expected_version, not_modified
from sessions.api.schemas.common import Id
from sessions.api.schemas.people import CollaboratorListAnswer, LinkForm, LinkListAnswer, NewLinkAnswer, ShareForm
from sessions.models import MemberRole, Membership, ShareLink
from sessions.operations import sharing

router = ApiRouter(tags=["People"])


@router.get(
    "/sessions/{session_id}/collaborators",
    summary="List who has a session",
    **documented({200: CollaboratorListAnswer}, 404, 409, if_none_match=True, etag=True),
)
def list_collaborators(request: ApiRequest, session_id: str) -> HttpResponse:
    """Editors write messages, files, tags, the name and the progress; viewers read. The owner does all else."""
    row = access.session_row_for_reading(request.auth, session_id)
    unchanged = not_modified(request, row["version"])
    if unchanged is not None:
        return unchanged
    return _people(row["id"], row["owner_name"], row["owner_id"], row["version"])


def _people(session_id: object, owner: str, owner_id: int, version: int) -> HttpResponse:
    members = Membership.objects.of(session_id)
    people = [
        {"user_id": member.user_id, "username": member.user.get_username(), "role": member.role} for member in members
    ]
    data = {"collaborators": people, "owner": owner, "owner_id": owner_id, "total": len(people)}
    return answer(data, version=version)


@router.post(
    "/sessions/{session_id}/share",
    summary="Share a session with people",
    **documented({200: CollaboratorListAnswer}, 404, writes=True, if_match=True, etag=True),
)
def share_session(request: ApiRequest, session_id: str, form: ShareForm) -> HttpResponse:
    """Whoever has it already gets the permissions anew. All or none: 422 names those whom there aren't."""
    role = MemberRole.EDITOR if "write" in form.permissions else MemberRole.VIEWER
    session = sharing.share_session(
        actor=request.auth,
        session_id=session_id,
        role=role.value,
        usernames=form.usernames or (),
        user_ids=form.user_ids or (),
        expected_version=expected_version(request),
    )
    return _people(session.pk, session.loaded_owner or "", session.owner_id, session.version)


@router.delete(
    "/sessions/{session_id}/share/{user_id}",
    summary="Take a session from somebody, or leave it",
    **documented({204: None}, 404, 409, writes=True, if_match=True),
)
def unshare_session(request: ApiRequest, session_id: str, user_id: Annotated[Id, Path(...)]) -> HttpResponse:
    """The owner takes it from anybody; everybody else only from themselves. It counts from the next request on."""
    sharing.remove_member(
        actor=request.auth, session_id=session_id, user_id=user_id, expected_version=expected_version(request)
    )
    return no_content()


@router.get(
    "/sessions/{session_id}/links",
    summary="List the public links of a session",
    **documented({200: LinkListAnswer}, 404, 409),
)
def list_links(request: ApiRequest, session_id: str) -> HttpResponse:
    """Everybody who has the session sees that it is public; addresses are told once, when they are made."""
    row = access.session_row_for_reading(request.auth, session_id)
    found = [_link(link) for link in ShareLink.objects.of(row["id"])]
    return answer({"links": found, "total": len(found)})


@router.post(
    "/sessions/{session_id}/links",
    summary="Make a public link, under which anybody reads the transcript",
    **documented({201: NewLinkAnswer}, 404, writes=True),
)
def create_link(request: ApiRequest, session_id: str, form: LinkForm) -> HttpResponse:
    """`url` is told only now. The files of the workspace are public only with `include_files`."""
    link, secret = sharing.make_link(
        actor=request.auth, session_id=session_id, expires_at=form.expires_at, include_files=form.include_files
    )
    url = request.build_absolute_uri(reverse("shared_session", args=[secret]))
    return answer(_link(link) | {"url": url}, 201)


@router.delete(
    "/sessions/{session_id}/links/{link_id}",
    summary="Revoke a public link",
    **documented({204: None}, 404, 409, writes=True, if_match=True),
)
def revoke_link(request: ApiRequest, session_id: str, link_id: Annotated[Id, Path(...)]) -> HttpResponse:
    """Its address leads nowhere from the next request on."""
    sharing.revoke_link(
        actor=request.auth, session_id=session_id, link_id=link_id, expected_version=expected_version(request)
    )
    return no_content()


def _link(link: ShareLink) -> dict[str, Any]:
    return {
        "link_id": link.pk,
        "created_at": link.created_at,
        "expires_at": link.expires_at,
        "include_files": link.include_files,
        "is_expired": not link.is_usable,
    }
