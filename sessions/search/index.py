"""The index as a whole: put in place with `migrate`, checked, made anew, kept in order."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from django.db.migrations import Migration

from sessions.models.message import Message
from sessions.models.session import Session
from sessions.search import postgres, sqlite


def vendor(using: str = DEFAULT_DB_ALIAS) -> ModuleType:
    """The module that speaks this database's SQL."""
    return postgres if connections[using].vendor == "postgresql" else sqlite


def make_way(using: str = DEFAULT_DB_ALIAS, plan: Sequence[tuple[Migration, bool]] = (), **kwargs: Any) -> None:
    """Take the triggers away before a migration of ours on SQLite (signal `pre_migrate`); `install` puts them back.

    SQLite can't rebuild a table that a view or another table's trigger names, and drops the
    table's own triggers without a word. On PostgreSQL nothing of ours stands in the way.
    """
    ours = any(migration.app_label == Session._meta.app_label for migration, _ in plan)
    if ours and connections[using].vendor == "sqlite":
        with connections[using].cursor() as cursor:
            sqlite.drop_triggers(cursor)


def install(using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Make sure that the index is there; called after every `migrate` (signal `post_migrate`).

    If a trigger or anything else is missing, changes may have passed it by: then all is made anew.
    """
    database, speaking = connections[using], vendor(using)
    tables = database.introspection.table_names()
    with transaction.atomic(using=using), database.cursor() as cursor:
        if Session._meta.db_table not in tables or Message._meta.db_table not in tables:
            for name in (speaking.MESSAGES, speaking.NAMES, speaking.NAME_IDS):
                cursor.execute(f"DROP TABLE IF EXISTS {name}")  # migrated back to before our tables
        elif not speaking.is_whole(cursor):
            speaking.build(cursor)


@contextmanager
def sessions_follow() -> Iterator[None]:
    """Write messages before their new sessions, in a transaction; inside this their sessions alone index them."""
    if connection.vendor == "postgresql":
        yield  # its trigger runs once a statement
        return
    with connection.cursor() as cursor, sqlite.sessions_follow(cursor):
        yield


def rebuild() -> None:
    """Make the index anew from what the tables hold; who writes meanwhile waits."""
    with transaction.atomic(), connection.cursor() as cursor:
        vendor().build(cursor)


def tidy() -> None:
    """What the worker does once a minute."""
    with connection.cursor() as cursor:
        vendor().tidy(cursor)


def faults() -> list[str]:
    """What is wrong with the index, in sentences; empty if nothing is."""
    with connection.cursor() as cursor:
        if not vendor().is_whole(cursor):
            return ["A table or trigger of the search's index is missing or of another release."]
        missing, stray = vendor().differences(cursor)
    said = [f"{missing:,} messages or names can't be found by searching."] if missing else []
    return said + ([f"{stray:,} entries belong to nothing that exists."] if stray else [])
