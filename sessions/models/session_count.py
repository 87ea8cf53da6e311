"""How many sessions an owner has, by status, pin and tag, without counting a million rows.

Triggers in the database write one small row for every change, in its transaction, whoever makes
it: an operation, the admin, `QuerySet.update()` or SQL by hand. A count is the sum of the rows;
the worker adds them up from time to time. Inserting takes no lock that two writers share.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections, models, transaction
from django.db.backends.utils import CursorWrapper
from django.db.migrations import Migration

from sessions.models.membership import MEMBERSHIP
from sessions.models.session import Session, SessionTag
from sessions.models.tag import Tag

SHARED_WITH_ME = "shared with me"


class SessionCountQuerySet(models.QuerySet["SessionCount"]):
    """Sums over the changes."""

    def sessions(self, owner_id: int, statuses: Iterable[str], pinned: bool | None = None) -> int:
        """How many sessions the owner has with one of these statuses."""
        expression, values = self.sum_of(owner_id, statuses, pinned)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {expression}", values)
            return int(cursor.fetchone()[0])

    def sum_of(self, owner_id: int, statuses: Iterable[str], pinned: bool | None = None) -> tuple[str, list[Any]]:
        """What `sessions` asks for, as an SQL expression and its parameters."""
        wanted = [str(status) for status in statuses]
        if not wanted:
            return "0", []
        condition = f"owner_id = %s AND tag_id IS NULL AND status IN ({', '.join(['%s'] * len(wanted))})"
        values: list[Any] = [owner_id, *wanted]
        if pinned is not None:
            condition += " AND pinned = %s"
            values.append(pinned)
        return f"COALESCE((SELECT sum(amount) FROM {self.model._meta.db_table} WHERE {condition}), 0)", values

    def owners_above(self, most: int, statuses: Iterable[str]) -> list[tuple[int, int]]:
        """(owner, sessions) of everybody with more than so many sessions of these statuses, in one query."""
        wanted = [str(status) for status in statuses]
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT owner_id, sum(amount) FROM {self.model._meta.db_table} "
                f"WHERE tag_id IS NULL AND status IN ({', '.join(['%s'] * len(wanted))}) "
                "GROUP BY owner_id HAVING sum(amount) > %s ORDER BY owner_id",
                [*wanted, most],
            )
            return [(owner_id, int(total)) for owner_id, total in cursor.fetchall()]

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

    def by_group(self, owner_id: int) -> list[tuple[str | None, str, bool, int]]:
        """(tag or None, status, pinned, sessions) for all of an owner's sessions, in one query.

        Those that others share with them are one group more, of the status SHARED_WITH_ME.
        """
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT t.name, c.status, c.pinned, sum(c.amount) FROM {self.model._meta.db_table} c "
                f"LEFT JOIN {Tag._meta.db_table} t ON t.id = c.tag_id "
                "WHERE c.owner_id = %s AND (c.tag_id IS NULL OR t.id IS NOT NULL) "
                "GROUP BY t.name, c.status, c.pinned HAVING sum(c.amount) > 0 "
                f"UNION ALL SELECT NULL, '{SHARED_WITH_ME}', FALSE, count(*) FROM {MEMBERSHIP} m JOIN {_SESSION} s "
                "ON s.id = m.session_id WHERE m.user_id = %s AND s.status <> 'deleted' HAVING count(*) > 0 ORDER BY 1",
                [owner_id, owner_id],
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


_CHANGED = ("owner_id", "status", "pinned")  # the columns of a session that its counts depend on
_CHANGED_LIST = ", ".join(_CHANGED)
_TRIGGERS = {
    _SESSION: ("session_in", "session_out", "session_moved"),
    _SESSION_TAG: ("tag_in", "tag_out", "tag_moved"),
}


def _tags_of(row: str, sign: str) -> str:
    return (
        f"{_INTO} SELECT {row}.owner_id, tag_id, {row}.status, {row}.pinned, {sign}1 "
        f"FROM {_SESSION_TAG} WHERE session_id = NEW.id;"
    )


def _moved() -> str:
    return (
        f"{_INTO} VALUES (OLD.owner_id, NULL, OLD.status, OLD.pinned, -1), "
        "(NEW.owner_id, NULL, NEW.status, NEW.pinned, 1); " + _tags_of("OLD", "-") + _tags_of("NEW", "")
    )


def _sqlite_triggers() -> list[str]:
    tag = (
        f"{_INTO} SELECT owner_id, {{row}}.tag_id, status, pinned, {{sign}}1 "
        f"FROM {_SESSION} WHERE id = {{row}}.session_id;"
    )
    tag_in, tag_out = tag.format(row="NEW", sign=""), tag.format(row="OLD", sign="-")
    session = f"{_INTO} VALUES ({{row}}.owner_id, NULL, {{row}}.status, {{row}}.pinned, {{sign}}1);"
    changed = " OR ".join(f"OLD.{column} <> NEW.{column}" for column in _CHANGED)
    moved = f"AFTER UPDATE OF {', '.join(_CHANGED)} ON {_SESSION} WHEN {changed}"
    bodies = {
        f"session_in AFTER INSERT ON {_SESSION}": session.format(row="NEW", sign=""),
        f"session_out AFTER DELETE ON {_SESSION}": session.format(row="OLD", sign="-"),
        f"session_moved {moved}": _moved(),
        f"tag_in AFTER INSERT ON {_SESSION_TAG}": tag_in,
        f"tag_out AFTER DELETE ON {_SESSION_TAG}": tag_out,
        f"tag_moved AFTER UPDATE ON {_SESSION_TAG}": tag_out + tag_in,
    }
    return [f"CREATE TRIGGER research_count_{event} BEGIN {body} END" for event, body in bodies.items()]


def _postgresql_triggers() -> list[str]:
    session = f"{_INTO} SELECT owner_id, NULL, status, pinned, {{sign}}count(*) FROM {{rows}} GROUP BY {_CHANGED_LIST};"
    tag = (
        f"{_INTO} SELECT s.owner_id, c.tag_id, s.status, s.pinned, {{sign}}count(*) FROM {{rows}} c "
        f"JOIN {_SESSION} s ON s.id = c.session_id GROUP BY s.owner_id, c.tag_id, s.status, s.pinned;"
    )
    tag_in, tag_out = tag.format(rows="new_rows", sign=""), tag.format(rows="old_rows", sign="-")
    new, old = "NEW TABLE AS new_rows", "OLD TABLE AS old_rows"
    row_of = "(" + ", ".join(f"{{0}}.{column}" for column in _CHANGED) + ")"
    changed = f"FOR EACH ROW WHEN ({row_of.format('OLD')} IS DISTINCT FROM {row_of.format('NEW')})"
    bodies = {
        ("session_in", f"INSERT ON {_SESSION} {_of(new)}"): session.format(rows="new_rows", sign=""),
        ("session_out", f"DELETE ON {_SESSION} {_of(old)}"): session.format(rows="old_rows", sign="-"),
        ("session_moved", f"UPDATE OF {_CHANGED_LIST} ON {_SESSION} {changed}"): _moved(),
        ("tag_in", f"INSERT ON {_SESSION_TAG} {_of(new)}"): tag_in,
        ("tag_out", f"DELETE ON {_SESSION_TAG} {_of(old)}"): tag_out,
        ("tag_moved", f"UPDATE ON {_SESSION_TAG} {_of(f'{old} {new}')}"): tag_out + tag_in,
    }
    statements = []
    for (name, event), body in bodies.items():
        function = f"research_count_{name}()"
        statements.append(
            f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {body} RETURN NULL; END $$"
        )
        statements.append(f"CREATE TRIGGER research_count_{name} AFTER {event} EXECUTE FUNCTION {function}")
    return statements


def _of(rows: str) -> str:
    return f"REFERENCING {rows} FOR EACH STATEMENT"


def _drop_triggers(cursor: CursorWrapper, vendor: str) -> None:
    for table, names in _TRIGGERS.items():
        for name in names:
            on_table = f" ON {table}" if vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS research_count_{name}{on_table}")


def make_way(using: str = DEFAULT_DB_ALIAS, plan: Sequence[tuple[Migration, bool]] = (), **kwargs: Any) -> None:
    """Take the triggers away before a migration of ours; `install` puts them back after it (signal `pre_migrate`).

    SQLite can't rebuild a table that another table's trigger names, and PostgreSQL can't change
    the type of a column that a trigger watches.
    """
    if any(migration.app_label == Session._meta.app_label for migration, _ in plan) and _is_there(using):
        with connections[using].cursor() as cursor:
            _drop_triggers(cursor, connections[using].vendor)


def install(using: str = DEFAULT_DB_ALIAS, **kwargs: Any) -> None:
    """Put the triggers in place and count anew; called after every `migrate` (signal `post_migrate`).

    SQLite drops a table's triggers without a word when a migration rebuilds the table.
    """
    if not _is_there(using):
        return  # migrated back to before the table
    database = connections[using]
    statements = _sqlite_triggers() if database.vendor == "sqlite" else _postgresql_triggers()
    with transaction.atomic(using=using), database.cursor() as cursor:
        _drop_triggers(cursor, database.vendor)
        for statement in statements:
            cursor.execute(statement)
        recount(using)


def _is_there(using: str) -> bool:
    return _COUNT in connections[using].introspection.table_names()


def recount(using: str = DEFAULT_DB_ALIAS) -> None:
    """Replace all counts by what the tables hold now; writers wait meanwhile."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        if connections[using].vendor == "postgresql":  # SQLite's write lock is held already
            cursor.execute(f"LOCK TABLE {_SESSION}, {_SESSION_TAG} IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(f"DELETE FROM {_COUNT}")
        cursor.execute(
            f"{_INTO} SELECT owner_id, NULL, status, pinned, count(*) FROM {_SESSION} GROUP BY owner_id, status, pinned"
        )
        cursor.execute(
            f"{_INTO} SELECT s.owner_id, t.tag_id, s.status, s.pinned, count(*) FROM {_SESSION_TAG} t "
            f"JOIN {_SESSION} s ON s.id = t.session_id GROUP BY s.owner_id, t.tag_id, s.status, s.pinned"
        )


def wrong_groups() -> int:
    """How many of the kept numbers differ from what the tables hold, asked in one statement."""
    kept = f"SELECT {_GROUP}, sum(amount) AS amount FROM {_COUNT} GROUP BY {_GROUP} HAVING sum(amount) <> 0"
    counted = (
        f"SELECT owner_id, NULL AS tag_id, status, pinned, count(*) AS amount FROM {_SESSION} "
        "GROUP BY owner_id, status, pinned UNION ALL "
        f"SELECT s.owner_id, t.tag_id, s.status, s.pinned, count(*) FROM {_SESSION_TAG} t "
        f"JOIN {_SESSION} s ON s.id = t.session_id GROUP BY s.owner_id, t.tag_id, s.status, s.pinned"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT {_GROUP} FROM (SELECT {_GROUP}, amount, 1 AS side FROM ({kept}) k "
            f"UNION ALL SELECT {_GROUP}, amount, -1 FROM ({counted}) c) both_sides "
            f"GROUP BY {_GROUP} HAVING sum(amount * side) <> 0) wrong"
        )
        return int(cursor.fetchone()[0])


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
            f"{_INTO} SELECT {_GROUP}, sum(amount) FROM {_COUNT} WHERE id <= %s "
            f"GROUP BY {_GROUP} HAVING sum(amount) <> 0",
            [newest],
        )
        cursor.execute(f"DELETE FROM {_COUNT} WHERE id <= %s", [newest])
