"""Sharing a session: its members and what they may do, and links under which anybody reads it."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, require_write, session_for_owning, session_for_reading
from sessions.exceptions import Invalid, LinkNotFound, MemberNotFound
from sessions.models import MemberRole, Membership, Session, ShareLink, Verb
from sessions.models.share_link import new_link_secret
from sessions.models.token import token_digest
from sessions.operations import audit
from sessions.operations.changing import check_version, save_changes
from sessions.operations.values import checked_time

MAX_MEMBERS = 200
MAX_LINKS = 50


def share_session(
    *,
    actor: Actor | User,
    session_id: UUID | str,
    role: str,
    usernames: Sequence[str] = (),
    user_ids: Sequence[int] = (),
    expected_version: int | None = None,
) -> Session:
    """Let these people read the session, or write in it too; who is in it already gets the role. All or none.

    Raises SessionNotFound, RoleTooLow, StaleVersion; Invalid for an unknown role, for people that
    there aren't or who can't sign in, for the owner, and for more than MAX_MEMBERS.
    """
    actor = Actor.of(actor)
    if role not in MemberRole.values:
        raise Invalid("Unknown role.", errors=[("role", f"One of {', '.join(MemberRole.values)}.")])
    with transaction.atomic():
        session = _owned(actor, session_id, expected_version)
        people = _people(session, usernames, user_ids)
        present = {member.user_id: member for member in Membership.objects.filter(session=session)}
        if len(present.keys() | people.keys()) > MAX_MEMBERS:
            raise Invalid("Too many people.", errors=[("usernames", f"At most {MAX_MEMBERS} in one session.")])
        changed = [
            _admit(actor, session, user, present.get(user.pk), role)
            for user in sorted(people.values(), key=lambda user: user.get_username())
        ]
        if any(changed):
            _note_change(session)
            session.loaded_is_shared = True
    return session


def _admit(actor: Actor, session: Session, user: User, member: Membership | None, role: str) -> bool:
    """Make somebody a member in a role; return whether that is something new."""
    if member is None:
        Membership.objects.create(session=session, user=user, role=role)
        audit.record(actor, Verb.SHARED, session.pk, user_id=user.pk, username=user.get_username(), role=role)
    elif member.role != role:
        before, member.role = member.role, role
        member.save(update_fields=["role"])
        detail = {"user_id": user.pk, "username": user.get_username(), "role": role, "before": before}
        audit.record(actor, Verb.ROLE_CHANGED, session.pk, **detail)
    else:
        return False
    return True


def _people(session: Session, usernames: Sequence[str], user_ids: Sequence[int]) -> dict[int, User]:
    """The users of these names and ids. Raises Invalid, naming each that can't be a member."""
    active = get_user_model().objects.filter(is_active=True)
    by_name = {user.get_username(): user for user in active.filter(username__in=[name.strip() for name in usernames])}
    by_id = active.in_bulk(list(user_ids))
    places = [(f"usernames[{number}]", by_name.get(name.strip())) for number, name in enumerate(usernames)]
    places += [(f"user_ids[{number}]", by_id.get(user_id)) for number, user_id in enumerate(user_ids)]
    errors = [(place, "There is nobody of this name.") for place, user in places if user is None]
    found = {user.pk: user for _, user in places if user is not None}
    if session.owner_id in found:
        errors.append(("usernames", "The owner has the session already."))
    if not places:
        errors.append(("usernames", "Name at least one person."))
    if errors:
        raise Invalid("The session can't be shared with these people.", errors=errors)
    return found


def remove_member(
    *, actor: Actor | User, session_id: UUID | str, user_id: int, expected_version: int | None = None
) -> None:
    """Take somebody out of the session: its owner anybody, a member themselves. From the next request on.

    Raises SessionNotFound, MemberNotFound, RoleTooLow for a member who means another, StaleVersion, ReadOnlyToken.
    """
    actor = Actor.of(actor)
    require_write(actor)
    leaves = user_id == actor.user_id and not actor.acts_for_all
    with transaction.atomic():
        load = session_for_reading if leaves else session_for_owning
        session = load(actor, session_id, lock=True)
        check_version(session, expected_version)
        member = Membership.objects.select_related("user").filter(session=session, user_id=user_id).first()
        if member is None:
            raise MemberNotFound("The session has no such member.", session_id=str(session.pk), user_id=user_id)
        member.delete()
        _note_change(session)
        verb = Verb.LEFT if leaves else Verb.UNSHARED
        audit.record(actor, verb, session.pk, user_id=user_id, username=member.user.get_username(), role=member.role)


def make_link(
    *,
    actor: Actor | User,
    session_id: UUID | str,
    expires_at: datetime | None = None,
    include_files: bool = False,
) -> tuple[ShareLink, str]:
    """Make a link under which anybody reads the transcript; return it with its secret, which is kept nowhere.

    Raises SessionNotFound, RoleTooLow; Invalid for an expiry in the past and for more than MAX_LINKS.
    """
    actor = Actor.of(actor)
    if expires_at is not None and checked_time("expires_at", expires_at) <= timezone.now():
        raise Invalid("The expiry lies in the past.", errors=[("expires_at", "Choose a time to come.")])
    secret = new_link_secret()
    with transaction.atomic():
        session = _owned(actor, session_id)
        if ShareLink.objects.of(session.pk).count() >= MAX_LINKS:
            raise Invalid("Too many links.", errors=[("links", f"At most {MAX_LINKS}: revoke one first.")])
        link = ShareLink.objects.create(
            session=session, digest=token_digest(secret), include_files=include_files, expires_at=expires_at
        )
        audit.record(actor, Verb.LINK_CREATED, session.pk, link_id=link.pk, include_files=include_files)
    return link, secret


def revoke_link(
    *, actor: Actor | User, session_id: UUID | str, link_id: int, expected_version: int | None = None
) -> None:
    """Revoke a link; its address leads nowhere from the next request on.

    Raises SessionNotFound, RoleTooLow, LinkNotFound, StaleVersion.
    """
    actor = Actor.of(actor)
    with transaction.atomic():
        session = _owned(actor, session_id, expected_version)
        link = ShareLink.objects.of(session.pk).filter(pk=link_id).first()
        if link is None:
            raise LinkNotFound("The session has no such link.", session_id=str(session.pk), link_id=link_id)
        link.revoked_at = timezone.now()
        link.save(update_fields=["revoked_at"])
        audit.record(actor, Verb.LINK_REVOKED, session.pk, link_id=link.pk)


def linked_session(secret: str) -> tuple[Session, ShareLink]:
    """The session that a link's secret opens, for anybody. Raises LinkNotFound, alike whatever is wrong."""
    digest = token_digest(secret)
    link = ShareLink.objects.working().select_related("session", "session__owner").filter(digest=digest).first()
    if link is None or not hmac.compare_digest(link.digest, digest):
        raise LinkNotFound("This link doesn't exist, or it works no more.")
    return link.session, link


def _owned(actor: Actor, session_id: UUID | str, expected_version: int | None = None) -> Session:
    session = session_for_owning(actor, session_id, lock=True)
    check_version(session, expected_version)
    return session


def _note_change(session: Session) -> None:
    """Move the version, which what people are told about the session depends on, and not its time: nothing was done."""
    save_changes(session, {}, now=session.updated_at)
