"""The database as files and back: SQLite's own copy of itself, or PostgreSQL's tables by COPY out of one snapshot.

Neither needs a program of the server's, and neither keeps anybody from writing.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import connection, transaction

SQLITE = "db.sqlite3"
TABLES = "tables"
_BLOCK = 2**20
_PAGES = 4_096  # copied at once
Session = tuple[UUID, str]


def dump(directory: Path, without: Sequence[str]) -> dict[str, Any]:
    """Copy the database as it is at one moment into a directory; return what is to be known for loading it.

    On PostgreSQL the tables, and columns (`table.column`), `without` are left out.
    """
    return _dump_sqlite(directory) if connection.vendor == "sqlite" else _dump_tables(directory, without)


def _dump_sqlite(directory: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(_sqlite_path())) as source, closing(sqlite3.connect(directory / SQLITE)) as target:
        source.execute("BEGIN")  # one moment, however long it takes
        source.execute("SELECT count(*) FROM django_migrations").fetchone()
        source.backup(target, pages=-1)
    return {}


def _sqlite_path() -> str:
    return str(connection.settings_dict["NAME"])


def _dump_tables(directory: Path, without: Sequence[str]) -> dict[str, Any]:
    (directory / TABLES).mkdir(mode=0o700)
    found = {}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        for table in sorted(set(names) - set(without)):
            described = connection.introspection.get_table_description(cursor, table)
            columns = [column.name for column in described if f"{table}.{column.name}" not in without]
            copying = f"COPY {_quoted([table])} ({_quoted(columns)}) TO STDOUT"
            with open(directory / TABLES / table, "xb") as file, cursor.copy(copying) as copy:
                for block in copy:
                    file.write(block)
            found[table] = columns
    return {"columns": found}


def is_empty() -> bool:
    """Whether there is nothing in the database yet, not even a table."""
    return not connection.introspection.table_names()


def load_sqlite(directory: Path) -> None:
    """Put SQLite's copy in the place of the empty database."""
    with closing(sqlite3.connect(directory / SQLITE)) as source, closing(sqlite3.connect(_sqlite_path())) as target:
        source.backup(target, pages=_PAGES)


def load_tables(directory: Path, columns: Mapping[str, Sequence[str]]) -> None:
    """Fill PostgreSQL's tables, made by the migrations of the copy and without triggers yet, in one transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        tables = sorted(columns)
        cursor.execute(f"TRUNCATE {_quoted(tables)} CASCADE")
        for table in tables:
            copying = f"COPY {_quoted([table])} ({_quoted(columns[table])}) FROM STDIN"
            with cursor.copy(copying) as copy:
                for block in _blocks(directory / TABLES / table):
                    copy.write(block)
        _set_sequences(cursor, tables)


def _set_sequences(cursor: Any, tables: Sequence[str]) -> None:
    """New rows go on after the loaded ones."""
    cursor.execute(
        "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name) "
        "FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ANY(%s) "
        "AND (is_identity = 'YES' OR column_default LIKE 'nextval%%')",
        [list(tables)],
    )
    for table, column, sequence in cursor.fetchall():
        newest = f"max({_quoted([column])})"
        values = f"%s::regclass, coalesce({newest}, 1), {newest} IS NOT NULL"
        cursor.execute(f"SELECT setval({values}) FROM {_quoted([table])}", [sequence])  # noqa: S608  (names alone)


def sessions_in(directory: Path, table: str, columns: Mapping[str, Sequence[str]]) -> Iterator[Session]:
    """(id, status) of every session in a copy, read row by row."""
    if not columns:
        with closing(sqlite3.connect(directory / SQLITE)) as copy:
            for pk, status in copy.execute(f"SELECT id, status FROM {table}"):  # noqa: S608  (a table's name)
                yield UUID(pk), status
        return
    places = columns[table].index("id"), columns[table].index("status")
    with open(directory / TABLES / table, encoding="utf-8", newline="\n") as file:
        for line in file:
            values = line.rstrip("\n").split("\t")
            yield UUID(values[places[0]]), values[places[1]]


def _blocks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(connection.ops.quote_name(name) for name in names)
