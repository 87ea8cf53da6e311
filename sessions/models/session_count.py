"""How many sessions an owner has, by status, pin and tag, without counting a million rows.

Triggers in the database write one small row for every change, in its transaction, whoever makes
it: an operation, the admin, `QuerySet.update()` or SQL by hand. A count is the sum of the rows;
the worker adds them up from time to time. Inserting takes no lock that two writers share.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction

from sessions.models.session import Session, SessionTag
from sessions.models.tag import Tag


class SessionCountQuerySet(models.QuerySet["SessionCount"]):
    """Sums over the changes."""

    def sessions(self, owner_id: int | None, statuses: Iterable[str], pinned: bool | None = None) -> int:
        """How many sessions the owner has with one of these statuses."""
        rows = self.filter(owner_id=owner_id, tag_id=None, status__in=list(statuses))
        if pinned is not None:
            rows = rows.filter(pinned=pinned)
        return rows.aggregate(total=models.Sum("amount"))["total"] or 0

    def by_tag(self, owner_id: int, tags: Sequence[str]) -> dict[str, int]:
        """How many sessions have each of these tags, the archived and trashed ones too, in one query."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT t.name, sum(c.amount) FROM {Tag._meta.db_table} t "
                f"JOIN {self.model._meta.db_table} c ON c.owner_id = t.owner_id AND c.tag_id = t.id "
                f"WHERE t.owner_id = %s AND t.name IN ({', '.join(['%s'] * len(tags))}) GROUP BY t.name",
                [owner_id, *tags],
            )
            return {name: int(total) for name, total in cursor.fetchall()}

    def by_group(self, owner_id: int | None) -> list[tuple[str | None, str, bool, int]]:
        """(tag or None, status, pinned, sessions) for all of an owner's sessions, in one query."""
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT t.name, c.status, c.pinned, sum(c.amount) FROM {self.model._meta.db_table} c "
                f"LEFT JOIN {Tag._meta.db_table} t ON t.id = c.tag_id "
                "WHERE c.owner_id = %s AND (c.tag_id IS NULL OR t.id IS NOT NULL) "
                "GROUP BY t.name, c.status, c.pinned HAVING sum(c.amount) > 0 ORDER BY t.name",
                [owner_id],
            )
            return [(tag, status, bool(pinned), int(total)) for tag, status, pinned, total in cursor.fetchall()]


class SessionCount(models.Model):
    """A change of a count. No foreign keys: rows are written while their owner is being deleted."""

    owner_id = models.IntegerField()
    tag_id = models.BigIntegerField(null=True)
    status = models.CharField(max_length=16)
    pinned = models.BooleanField()
    amount = models.IntegerField()

    objects = SessionCountQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["owner_id", "tag_id", "status", "pinned"], include=["amount"], name="session_count_by_owner"
            )
        ]

    def __str__(self) -> str:
        return f"{self.owner_id}/{self.tag_id}/{self.status}: {self.amount:+d}"


_COUNT = SessionCount._meta.db_table
_SESSION = Session._meta.db_table
_SESSION_TAG = SessionTag._meta.db_table
_INTO = f"INSERT INTO {_COUNT} (owner_id, tag_id, status, pinned, amount) "
_GROUP = "owner_id, tag_id, status, pinned"


def _tags_of(row: str, session_id: str, sign: str) -> str:
    return (
        f"{_INTO} SELECT {row}.owner_id, tag_id, {row}.status, {row}.pinned, {sign}1 "
        f"FROM {_SESSION_TAG} WHERE session_id = {session_id};"
    )


def _moved() -> str:
    return (
        f"{_INTO} VALUES (OLD.owner_id, NULL, OLD.status, OLD.pinned, -1), "
        f"(NEW.owner_id, NULL, NEW.status, NEW.pinned, 1); "
        + _tags_of("OLD", "NEW.id", "-")
        + _tags_of("NEW", "NEW.id", "")
    )


def _sqlite_triggers() -> list[str]:
    tag = f"{_INTO} SELECT owner_id, {{row}}.tag_id, status, pinned, {{sign}}1 FROM {_SESSION} WHERE id = {{row}}.session_id;"
    session = f"{_INTO} VALUES ({{row}}.owner_id, NULL, {{row}}.status, {{row}}.pinned, {{sign}}1);"
    changed = "OLD.owner_id <> NEW.owner_id OR OLD.status <> NEW.status OR OLD.pinned <> NEW.pinned"
    definitions = (
        ("session_in", f"AFTER INSERT ON {_SESSION}", session.format(row="NEW", sign="")),
        ("session_out", f"AFTER DELETE ON {_SESSION}", session.format(row="OLD", sign="-")),
        ("session_moved", f"AFTER UPDATE OF owner_id, status, pinned ON {_SESSION} WHEN {changed}", _moved()),
        ("tag_in", f"AFTER INSERT ON {_SESSION_TAG}", tag.format(row="NEW", sign="")),
        ("tag_out", f"AFTER DELETE ON {_SESSION_TAG}", tag.format(row="OLD", sign="-")),
    )
    statements = []
    for name, event, body in definitions:
        statements.append(f"DROP TRIGGER IF EXISTS research_count_{name}")
        statements.append(f"CREATE TRIGGER research_count_{name} {event} BEGIN {body} END")
    return statements


def _postgresql_triggers() -> list[str]:
    session = f"{_INTO} SELECT owner_id, NULL, status, pinned, {{sign}}count(*) FROM changed GROUP BY owner_id, status, pinned;"
    tag = (
        f"{_INTO} SELECT s.owner_id, c.tag_id, s.status, s.pinned, {{sign}}count(*) FROM changed c "
        f"JOIN {_SESSION} s ON s.id = c.session_id GROUP BY s.owner_id, c.tag_id, s.status, s.pinned;"
    )
    new, old = (
        "REFERENCING NEW TABLE AS changed FOR EACH STATEMENT",
        "REFERENCING OLD TABLE AS changed FOR EACH STATEMENT",
    )
    changed = "FOR EACH ROW WHEN ((OLD.owner_id, OLD.status, OLD.pinned) IS DISTINCT FROM (NEW.owner_id, NEW.status, NEW.pinned))"
    definitions = (
        ("session_in", _SESSION, f"AFTER INSERT ON {_SESSION} {new}", session.format(sign="")),
        ("session_out", _SESSION, f"AFTER DELETE ON {_SESSION} {old}", session.format(sign="-")),
        ("session_moved", _SESSION, f"AFTER UPDATE OF owner_id, status, pinned ON {_SESSION} {changed}", _moved()),
        ("tag_in", _SESSION_TAG, f"AFTER INSERT ON {_SESSION_TAG} {new}", tag.format(sign="")),
        ("tag_out", _SESSION_TAG, f"AFTER DELETE ON {_SESSION_TAG} {old}", tag.format(sign="-")),
    )
    statements = []
    for name, table, event, body in definitions:
        function = f"research_count_{name}()"
        statements.append(
            f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
        )
        statements.append(f"DROP TRIGGER IF EXISTS research_count_{name} ON {table}")
        statements.append(f"CREATE TRIGGER research_count_{name} {event} EXECUTE FUNCTION {function}")
    return statements


def install(using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Put the triggers in place and count anew; called after every `migrate`.

    SQLite drops a table's triggers without a word when a migration rebuilds the table.
    """
    database = connections[using]
    if _COUNT not in database.introspection.table_names():
        return  # migrated back to before the table
    statements = _sqlite_triggers() if database.vendor == "sqlite" else _postgresql_triggers()
    with transaction.atomic(using=using), database.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        recount(using)


def recount(using: str = DEFAULT_DB_ALIAS) -> None:
    """Replace all counts by what the tables hold now."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(f"DELETE FROM {_COUNT}")
        cursor.execute(
            f"{_INTO} SELECT owner_id, NULL, status, pinned, count(*) FROM {_SESSION} GROUP BY owner_id, status, pinned"
        )
        cursor.execute(
            f"{_INTO} SELECT s.owner_id, t.tag_id, s.status, s.pinned, count(*) FROM {_SESSION_TAG} t "
            f"JOIN {_SESSION} s ON s.id = t.session_id GROUP BY s.owner_id, t.tag_id, s.status, s.pinned"
        )


def compact(using: str = DEFAULT_DB_ALIAS) -> None:
    """Add up the changes, so that a count stays a sum of a few rows. Safe while others write."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute(f"SELECT max(id) FROM {_COUNT}")
        (newest,) = cursor.fetchone()
        if newest is None:
            return
        if connections[using].vendor == "postgresql":
            # A row that another compaction has taken is not returned, so nothing is added up twice.
            cursor.execute(
                f"WITH gone AS (DELETE FROM {_COUNT} WHERE id <= %s RETURNING {_GROUP}, amount) "
                f"{_INTO} SELECT {_GROUP}, sum(amount) FROM gone GROUP BY {_GROUP} HAVING sum(amount) <> 0",
                [newest],
            )
            return
        cursor.execute(
            f"{_INTO} SELECT {_GROUP}, sum(amount) FROM {_COUNT} WHERE id <= %s GROUP BY {_GROUP} HAVING sum(amount) <> 0",
            [newest],
        )
        cursor.execute(f"DELETE FROM {_COUNT} WHERE id <= %s", [newest])
