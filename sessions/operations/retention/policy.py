"""The policy: read, tried out with other numbers, and set by administrators."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from sessions.access import Actor, require_write
from sessions.exceptions import Invalid, NotAllowed
from sessions.models import RetentionPolicy, Verb
from sessions.models.retention import POLICY_FIELDS
from sessions.operations import audit

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


def require_administrator(actor: "Actor | User | AnonymousUser", *, writes: bool = True) -> Actor:
    """Return who acts if that is an administrator. Raises NotAllowed, ReadOnlyToken.

    A token that is limited to one session speaks for that session alone.
    """
    actor = Actor.of(actor)
    if writes:
        require_write(actor)
    if not actor.is_administrator or actor.only_session is not None:
        raise NotAllowed("Only administrators see and change the retention policy.")
    return actor


def read_policy(*, actor: "Actor | User") -> RetentionPolicy:
    """Return the policy. Raises NotAllowed."""
    require_administrator(actor, writes=False)
    return RetentionPolicy.objects.current()


def with_changes(policy: RetentionPolicy, changes: dict[str, Any]) -> RetentionPolicy:
    """Return the policy with these fields of POLICY_FIELDS, unsaved. Raises Invalid for a number out of range."""
    changed = RetentionPolicy(**{name: getattr(policy, name) for name in POLICY_FIELDS} | changes)
    try:
        changed.clean_fields()
    except ValidationError as error:
        errors = [(name, " ".join(problems)) for name, problems in error.message_dict.items()]
        raise Invalid("The policy can't be like this.", errors=errors) from error
    return changed


def set_policy(*, actor: "Actor | User", **changes: Any) -> RetentionPolicy:
    """Change what is given of the policy; return it. Raises NotAllowed, ReadOnlyToken, Invalid."""
    actor = require_administrator(actor)
    with transaction.atomic():
        RetentionPolicy.objects.bulk_create([RetentionPolicy()], ignore_conflicts=True)
        stored = RetentionPolicy.objects.select_for_update().get()
        policy = with_changes(stored, changes)
        before = {name: getattr(stored, name) for name in POLICY_FIELDS}
        changed = {name: getattr(policy, name) for name in POLICY_FIELDS if getattr(policy, name) != before[name]}
        if changed:
            policy.updated_at = timezone.now()
            policy.save(force_update=True)
            audit.record(actor, Verb.RETENTION_SET, None, **changed)
    return policy if changed else stored
