"""Accounts: the first administrator, made once through the address that the first start prints; one's own profile."""

from collections.abc import Callable, Iterable

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction

from sessions.access import Actor
from sessions.exceptions import Invalid, NotAllowed
from sessions.models import Session, Verb
from sessions.operations import audit
from sessions.operations.lifecycle import purge_session
from sessions.storage import first_run


def first_run_token() -> str | None:
    """The one-time secret while there is no user; None afterwards."""
    if get_user_model().objects.exists():
        return None
    return first_run.issue()


def is_first_run_token(token: str) -> bool:
    """Whether the one-time address with this secret still makes the first administrator."""
    return first_run.matches(token) and not get_user_model().objects.exists()


def create_first_administrator(*, token: str, username: str, password: str) -> User:
    """Make the first administrator. Raises NotAllowed for a wrong token or when somebody exists already."""
    users = get_user_model()
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite's write lock is held already
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {users._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
        if users.objects.exists() or not first_run.matches(token):
            raise NotAllowed("This address has been used or is wrong. Sign in, or look at what the server printed.")
        transaction.on_commit(first_run.withdraw)
        administrator = users.objects.create_superuser(username=username, password=password)
        audit.record(Actor.of(administrator), Verb.ACCOUNT_CREATED, None, username=username)
        return administrator


def update_profile(*, user: User, username: str, first_name: str, last_name: str, email: str) -> User:
    """Change what a user is called. Raises Invalid if somebody else has the username."""
    values = {"username": username, "first_name": first_name, "last_name": last_name, "email": email}
    for field, value in values.items():
        setattr(user, field, value)
    try:
        with transaction.atomic():
            user.save(update_fields=list(values))
            audit.record(Actor.of(user), Verb.PROFILE_CHANGED, None, username=username)
    except IntegrityError as error:
        user.refresh_from_db()
        taken = "Somebody else has this username."
        raise Invalid(taken, errors=[("username", taken)]) from error
    return user


def change_password(*, user: User, password: str) -> User:
    """Give a user another password; every login but the one that asks for it ends."""
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        audit.record(Actor.of(user), Verb.PASSWORD_CHANGED, None)
    return user


def save_account(*, actor: Actor, account: User, changed: Iterable[str], save: Callable[[], None]) -> None:
    """Save an account that an administrator has made or changed, with its event.

    `changed` names the fields, and `save` writes them. Whoever may do this the admin has asked.
    """
    is_new = account.pk is None
    with transaction.atomic():
        save()
        if is_new:
            audit.record_of_account(actor, Verb.ACCOUNT_CREATED, account, **_rights(account))
        elif fields := sorted(changed):
            rights = {field: value for field, value in _rights(account).items() if field in fields}
            audit.record_of_account(actor, Verb.ACCOUNT_CHANGED, account, fields=fields, **rights)


def note_password_set(*, actor: Actor, account: User) -> None:
    """Write down, in the caller's transaction, that somebody else has set an account's password."""
    audit.record_of_account(actor, Verb.PASSWORD_CHANGED, account)


def delete_account(*, actor: Actor, account: User) -> None:
    """Purge an account's sessions, each with its event, and delete it. The event is in the actor's own feed."""
    for session_id in list(Session.objects.filter(owner=account).values_list("pk", flat=True)):
        purge_session(actor=actor, session_id=session_id)
    with transaction.atomic():
        audit.record(actor, Verb.ACCOUNT_DELETED, None, username=account.get_username())
        account.delete()


def _rights(account: User) -> dict[str, bool]:
    """Whether somebody is let in, and as what."""
    return {"is_active": account.is_active, "is_staff": account.is_staff, "is_superuser": account.is_superuser}


def note_sign_in(user: User) -> None:
    """Write down that somebody has signed in."""
    audit.record(Actor.of(user), Verb.SIGNED_IN, None)


def note_sign_out(user: User) -> None:
    """Write down that somebody has signed out."""
    audit.record(Actor.of(user), Verb.SIGNED_OUT, None)
