"""The first administrator, made once through the address that the first start prints."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.db import connection, transaction

from sessions.exceptions import NotAllowed
from sessions.storage import first_run


def first_run_token() -> str | None:
    """The one-time secret while there is no user; None afterwards."""
    if get_user_model().objects.exists():
        return None
    return first_run.issue()


def create_first_administrator(*, token: str, username: str, password: str) -> User:
    """Make the first administrator. Raises NotAllowed for a wrong token or when somebody exists already."""
    users = get_user_model()
    with transaction.atomic():
        if connection.vendor == "postgresql":  # SQLite's write lock is held already
            with connection.cursor() as cursor:
                cursor.execute(f"LOCK TABLE {users._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
        if users.objects.exists() or not first_run.matches(token):
            raise NotAllowed("This address has been used or is wrong. Sign in, or look at what the server printed.")
        administrator = users.objects.create_superuser(username=username, password=password)
    first_run.withdraw()
    return administrator
