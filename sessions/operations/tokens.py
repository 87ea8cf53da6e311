"""API tokens: made, shown once, used, revoked."""

import hmac
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from sessions.access import Actor, require_write, session_for_reading
from sessions.exceptions import Invalid, NotAllowed, NotFound, TokenRefused
from sessions.models import ApiToken, Scope, Verb
from sessions.models.token import TOKEN_MARK, new_token, token_digest
from sessions.models.token_row import TokenRow, read_token
from sessions.operations import audit
from sessions.operations.noting import worth_a_try
from sessions.operations.values import checked_text, checked_time

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_PREFIX_LENGTH = 8
_USE_STEP = timedelta(minutes=1)


def create_token(
    *,
    actor: "Actor | User",
    name: str,
    scope: str = Scope.WRITE,
    expires_at: datetime | None = None,
    session_id: UUID | str | None = None,
) -> tuple[ApiToken, str]:
    """Make a token for the actor; return it with its plain text, which is kept nowhere.

    Raises Invalid; NotAllowed for an actor that is a token itself; SessionNotFound.
    """
    actor = Actor.of(actor)
    require_write(actor)
    if actor.token_id is not None:
        raise NotAllowed("A token can't make tokens. Make it in the browser's settings.")
    if scope not in Scope.values:
        raise Invalid("Unknown scope.", errors=[("scope", f"One of {', '.join(Scope.values)}.")])
    if expires_at is not None and checked_time("expires_at", expires_at) <= timezone.now():
        raise Invalid("The expiry lies in the past.", errors=[("expires_at", "Choose a time to come.")])
    only = session_for_reading(actor, session_id) if session_id is not None else None
    plain = new_token()
    with transaction.atomic():
        token = ApiToken.objects.create(
            user_id=actor.user_id,
            name=checked_text("name", name.strip(), longest=100, blank=False),
            prefix=plain[:_PREFIX_LENGTH],
            digest=token_digest(plain),
            scope=scope,
            session=only,
            expires_at=expires_at,
        )
        audit.record(actor, Verb.TOKEN_CREATED, None, name=token.name, prefix=token.prefix, scope=token.scope)
    return token, plain


def revoke_token(*, actor: "Actor | User", token_id: int) -> ApiToken:
    """Revoke one of the actor's tokens, or anybody's in the admin; it is refused from the next request on.

    Raises NotFound.
    """
    actor = Actor.of(actor)
    require_write(actor)
    with transaction.atomic():
        token = ApiToken.objects.select_for_update(of=("self",)).filter(pk=token_id).first()
        if token is None or not (actor.acts_for_all or token.user_id == actor.user_id):
            raise NotFound("You have no such token.")
        if token.revoked_at is None:
            token.revoked_at = timezone.now()
            token.save(update_fields=["revoked_at"])
            audit.record(actor, Verb.TOKEN_REVOKED, None, name=token.name, prefix=token.prefix)
    return token


def actor_of_token(plain: str) -> Actor:
    """Return who a plain token speaks for, in one read of one index, and note its use.

    Raises TokenRefused if it is unknown, revoked or expired, or its user is disabled.
    """
    row = _usable(plain)
    if row is None:
        raise TokenRefused("This token is unknown, revoked or expired. Make a new one.")
    mark_token_used(row.token_id, row.last_used_at)
    return Actor(
        user_id=row.user_id,
        username=row.username,
        is_administrator=row.is_administrator,
        token_id=row.token_id,
        token_name=row.name,
        scope=row.scope,
        only_session=row.only_session,
    )


def _usable(plain: str) -> TokenRow | None:
    if not plain.startswith(TOKEN_MARK) or not plain.isascii():
        return None
    digest = token_digest(plain)
    row = read_token(digest)
    if row is None or not hmac.compare_digest(row.digest, digest) or not row.is_usable:
        return None
    return row


def mark_token_used(token_id: int, last_used_at: datetime | None) -> None:
    """Move last_used_at to now, at most once a minute, in one statement."""
    now = timezone.now()
    if last_used_at is not None and now - last_used_at < _USE_STEP:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=now - _USE_STEP)
    with worth_a_try("last_use_not_noted"):
        ApiToken.objects.filter(stale, pk=token_id).update(last_used_at=now)
