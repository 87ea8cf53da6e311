"""Who may do what: one call loads a session and authorises, or raises what a stranger would get."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import connection, models
from django.db.models.expressions import RawSQL

from sessions.exceptions import AmbiguousId, NotAllowed, ReadOnlyToken, RoleTooLow, SessionNotFound
from sessions.models.event_feed import was_purged_from
from sessions.models.membership import MemberRole, Membership, has_members, role_in
from sessions.models.rows import Row
from sessions.models.session import Session, SessionQuerySet, Status, short_id_range
from sessions.models.session_filter import tags_of_session
from sessions.models.session_row import find_session_rows
from sessions.models.token import ApiToken, Scope

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

LOOK_SECONDS = 4.0  # between two looks at whether somebody who gets a long answer may still have it

_Found = TypeVar("_Found")
_SESSION = Session._meta.db_table
_TAGS = tags_of_session(_SESSION)
_ROLE = role_in(f"{_SESSION}.id")
_OWNER = f"(SELECT u.username FROM {get_user_model()._meta.db_table} u WHERE u.id = {_SESSION}.owner_id)"  # noqa: S608  (names of tables)
_VERSION_BEFORE = f"(SELECT before.version FROM {_SESSION} before WHERE before.id = {_SESSION}.id)"  # noqa: S608  (names of tables)
_FULL_ID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.IGNORECASE)
_SHORT_ID = re.compile(r"[0-9a-f]{10}", re.IGNORECASE)


class SessionRole(StrEnum):
    """What somebody is to a session."""

    VIEWER = MemberRole.VIEWER.value
    EDITOR = MemberRole.EDITOR.value
    OWNER = "owner"

    @property
    def may_write(self) -> bool:
        """Whether messages, files, tags, the name and the progress may be changed."""
        return self is not SessionRole.VIEWER

    @property
    def may_own(self) -> bool:
        """Whether the session may be archived, deleted and shared."""
        return self is SessionRole.OWNER


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, perhaps through an API token."""

    user_id: int
    username: str
    is_administrator: bool = False
    token_id: int | None = None
    token_name: str = ""
    scope: str = Scope.WRITE
    only_session: UUID | None = None
    acts_for_all: bool = False

    @classmethod
    def for_administration(cls, user: "User | AnonymousUser") -> "Actor":
        """Return the actor of somebody at work in the Django admin: every session is theirs to act on.

        Events carry the administrator's own name. The admin alone calls this: on pages and in the
        API administrators see what they own. Raises NotAllowed for anybody who isn't staff.
        """
        if not (user.is_active and user.is_staff):
            raise NotAllowed("Only administrators act on other people's sessions.")
        return replace(cls.of(user), acts_for_all=True)

    @classmethod
    def of(cls, who: "Actor | User | AnonymousUser") -> "Actor":
        """Return the actor for a user; an actor stays as it is."""
        if isinstance(who, Actor):
            return who
        if who.pk is None:
            raise NotAllowed("Sign in first.")
        return cls(user_id=who.pk, username=who.get_username(), is_administrator=who.is_superuser)

    @property
    def may_write(self) -> bool:
        """Whether the credentials allow changes at all."""
        return self.scope == Scope.WRITE


@dataclass(frozen=True, slots=True)
class SessionRef:
    """A session's id as a caller wrote it: whole, or its first ten hex digits."""

    whole: UUID | None
    short: str = ""

    @classmethod
    def parse(cls, text: "UUID | str") -> Self:
        """Read an id. Raises SessionNotFound for anything that can't be one."""
        if isinstance(text, UUID):
            return cls(text)
        if _FULL_ID.fullmatch(text):
            return cls(UUID(text))
        if _SHORT_ID.fullmatch(text):
            return cls(None, text.lower())
        raise SessionNotFound(text)


def require_write(actor: Actor) -> None:
    """Raise ReadOnlyToken unless the credentials allow changes."""
    if not actor.may_write:
        raise ReadOnlyToken("This token can only read. Use a token with the scope `write`.")


def is_still_let_in(actor: Actor, session_id: UUID | None = None) -> bool:
    """Whether the credentials that a long request started with are still good, and still let it write the session."""
    if actor.token_id is None:
        is_good = get_user_model().objects.filter(pk=actor.user_id, is_active=True).exists()
    else:
        token = ApiToken.objects.filter(pk=actor.token_id, user__is_active=True).first()
        is_good = token is not None and token.is_usable
    return is_good and (session_id is None or _may_still_write(actor, session_id))


def may_still_read(actor: Actor, session_id: UUID) -> bool:
    """Whether the credentials that a long answer started with are still good, and the session still to be seen."""
    return is_still_let_in(actor) and visible_sessions(actor).filter(pk=session_id).exists()


def while_let_in(pieces: Iterator[bytes], is_let_in: Callable[[], bool]) -> Iterator[bytes]:
    """Pass pieces of a long answer on. Breaks off with NotAllowed within seconds after whoever asked is let out."""
    look = time.monotonic() + LOOK_SECONDS
    for piece in pieces:
        if time.monotonic() >= look:
            if not is_let_in():
                raise NotAllowed("Whoever asked isn't let in any more, so the answer was broken off.")
            look = time.monotonic() + LOOK_SECONDS
        yield piece


def _may_still_write(actor: Actor, session_id: UUID) -> bool:
    try:
        return session_for_writing(actor, session_id) is not None
    except (SessionNotFound, NotAllowed):
        return False


def visible_sessions(actor: Actor) -> SessionQuerySet:
    """All sessions that the actor may see: their own, trashed ones included, and those that others share with them.

    What its owner has thrown into the trash only the owner sees.
    """
    if actor.acts_for_all:
        return Session.objects.all()
    shared = models.Exists(Membership.objects.filter(session=models.OuterRef("pk"), user=actor.user_id))
    theirs = models.Q(owner=actor.user_id) | (~models.Q(status=Status.DELETED) & shared)
    visible = Session.objects.filter(theirs)
    return visible.filter(pk=actor.only_session) if actor.only_session else visible


def session_for_reading(
    actor: Actor, session_id: UUID | str, *, include_deleted: bool = False, lock: bool = False
) -> Session:
    """Return the session if the actor may read it.

    Raises SessionNotFound for an unknown id, for somebody else's and, unless asked
    for, for one in the trash; AmbiguousId when a short id fits two.
    """
    ref = SessionRef.parse(session_id)
    sessions = visible_sessions(actor).with_id(ref.whole, ref.short)
    if lock:
        sessions = sessions.select_for_update(of=("self",))
    if not include_deleted:
        sessions = sessions.exclude(status=Status.DELETED)
    sessions = sessions.annotate(**_loaded(actor))
    found = _locked(sessions) if lock else list(sessions.select_related("owner")[:2])
    session = _the_one(session_id, found, [str(session.pk) for session in found])
    session.reader_role = role_of(actor, session).value
    return session


def _locked(sessions: SessionQuerySet) -> list[Session]:
    """The sessions, at most two, with what is read together with them as it is under the lock.

    PostgreSQL gives a row that it had to wait for as it is then, and everything beside it (tags, members, the
    actor's role) as it was when the statement began. That the row's own version of then is another tells: once more.
    """
    if connection.vendor == "sqlite":  # the transaction began with the lock
        return list(sessions[:2])
    before: dict[str, Any] = {"version_before": RawSQL(_VERSION_BEFORE, [], models.BigIntegerField())}  # noqa: S611  (our SQL)
    sessions = sessions.annotate(**before)
    found = list(sessions[:2])
    return list(sessions[:2]) if any(session.version_before != session.version for session in found) else found


def _loaded(actor: Actor) -> dict[str, Any]:
    """What is read together with a session: its tags, its owner's name, whether it is shared, the actor's role."""
    return {
        "loaded_tags": RawSQL(_TAGS[connection.vendor], [], models.JSONField()),  # noqa: S611  (our SQL)
        "loaded_owner": RawSQL(_OWNER, [], models.CharField()),  # noqa: S611  (our SQL)
        "reader_role": RawSQL(_ROLE, [actor.user_id], models.CharField()),  # noqa: S611  (our SQL)
        "loaded_is_shared": RawSQL(has_members(f"{_SESSION}.id"), [], models.BooleanField()),  # noqa: S611  (our SQL)
    }


def session_row_for_reading(actor: Actor, session_id: UUID | str, *, include_deleted: bool = False) -> Row:
    """Return the session as a row of `find_session_rows`, for routes that are asked often. Raises as above."""
    ids = _range_of(session_id)
    found = find_session_rows(actor.user_id, ids, only_session=actor.only_session, include_deleted=include_deleted)
    return _the_one(session_id, found, [row["id"] for row in found])


def session_rows_for_reading(actor: Actor, session_ids: Sequence[UUID | str]) -> list[Row]:
    """Return the sessions with these ids, in their order, in one statement. Raises as above, for the first bad one."""
    ranges = [_range_of(session_id) for session_id in session_ids]
    rows = {
        UUID(str(row["id"])): row for row in find_session_rows(actor.user_id, *ranges, only_session=actor.only_session)
    }
    found = []
    for session_id, (first, last) in zip(session_ids, ranges, strict=True):
        fitting = [row for pk, row in rows.items() if first <= pk <= last]
        found.append(_the_one(session_id, fitting, [row["id"] for row in fitting]))
    return found


def _range_of(session_id: UUID | str) -> tuple[UUID, UUID]:
    """Between which ids an id that a caller wrote lies, both included. Raises SessionNotFound."""
    ref = SessionRef.parse(session_id)
    return (ref.whole, ref.whole) if ref.whole else short_id_range(ref.short)


def history_for_reading(actor: Actor, session_id: UUID | str) -> UUID:
    """The id of a session whose history the actor may read: in the trash too, and once it is gone its owner.

    Raises as `session_for_reading`.
    """
    try:
        return UUID(str(session_row_for_reading(actor, session_id, include_deleted=True)["id"]))
    except SessionNotFound:
        ref = SessionRef.parse(session_id)
        if ref.whole is None or actor.only_session not in (None, ref.whole):
            raise
        if not was_purged_from(actor.user_id, ref.whole):
            raise
        return ref.whole


def _the_one(session_id: UUID | str, found: list[_Found], ids: list[str]) -> _Found:
    if not found:
        raise SessionNotFound(session_id)
    if len(found) > 1:
        raise AmbiguousId("Two sessions start with this short id: use the whole id.", session_ids=ids)
    return found[0]


def session_for_writing(
    actor: Actor, session_id: UUID | str, *, include_deleted: bool = False, lock: bool = False
) -> Session:
    """Return the session if the actor may change its content: its owner or an editor.

    Raises as `session_for_reading`, ReadOnlyToken, and RoleTooLow for a viewer.
    """
    require_write(actor)
    session = session_for_reading(actor, session_id, include_deleted=include_deleted, lock=lock)
    role = role_of(actor, session)
    if not role.may_write:
        raise _too_low(session, role, "You may read this session, not change it. Its owner can make you an editor.")
    return session


def session_for_owning(
    actor: Actor, session_id: UUID | str, *, include_deleted: bool = False, lock: bool = False
) -> Session:
    """Return the session if it is the actor's own, to archive, delete or share it.

    Raises as `session_for_reading`, ReadOnlyToken, and RoleTooLow for its members.
    """
    require_write(actor)
    session = session_for_reading(actor, session_id, include_deleted=include_deleted, lock=lock)
    role = role_of(actor, session)
    if not role.may_own:
        raise _too_low(session, role, "Only the owner of this session may do that.")
    return session


def _too_low(session: Session, role: SessionRole, detail: str) -> RoleTooLow:
    return RoleTooLow(detail, session_id=str(session.pk), role=role.value)


def role_of(actor: Actor, session: Session) -> SessionRole:
    """What the actor is to a session that it has loaded, or made."""
    if actor.acts_for_all or session.owner_id == actor.user_id:
        return SessionRole.OWNER
    return SessionRole(session.reader_role or MemberRole.VIEWER)
