"""Emptying the database after a test with real transactions: Django's flush, but by DELETE and without its signals.

On PostgreSQL a TRUNCATE of thirty tables makes thirty sets of files, a tenth of a second each time; after it
`post_migrate` would make content types, permissions and triggers anew, which nothing took away.
"""

from functools import cache

from django.db import connections, transaction

from sessions.models import SessionCount

KEPT = {"django_migrations", "django_content_type", "auth_permission"}  # what migrating makes
COUNTS = SessionCount._meta.db_table  # triggers write there while the others are emptied: it comes last


def empty(alias: str) -> None:
    """Remove all rows that tests may have left."""
    statements = [f"DELETE FROM {table}" for table in _tables(alias)]
    if connections[alias].vendor == "postgresql":  # all in one exchange
        statements = [f"DO $$ BEGIN {'; '.join(statements)}; END $$"]
    with transaction.atomic(using=alias), connections[alias].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@cache
def _tables(alias: str) -> list[str]:
    there = connections[alias].introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(there) - KEPT, key=lambda table: table == COUNTS)
