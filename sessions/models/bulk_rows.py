"""Rows past the ORM: many by COPY or one prepared statement, whatever their number, or one object by one statement."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any

from django.db import connection, models

from sessions.models.rows import db_id, db_json, prepared_cursor, sqlite_time

_AT_ONCE = 2_000  # rows: Django's SQLite cursor keeps what it is given until the call returns


def insert_rows(model: type[models.Model], names: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
    """Insert rows whose values are in the order of the fields `names`; return how many there were.

    Ids are UUIDs or numbers, times are aware, JSON values are plain Python. Runs in the caller's
    transaction. Nothing is checked here: the caller's operation has done that.
    """
    fields = [model._meta.get_field(name) for name in names]
    columns = ", ".join(f'"{field.column}"' for field in fields if isinstance(field, models.Field))
    converted = _converted(rows, [_converter(field) for field in fields])
    table = model._meta.db_table
    if connection.vendor == "postgresql":
        return _copy(f"COPY {table} ({columns}) FROM STDIN", converted)
    places = ", ".join(["%s"] * len(fields))
    return _insert(f"INSERT INTO {table} ({columns}) VALUES ({places})", converted)


def insert_object(row: models.Model) -> None:
    """Insert a new object in one statement, in a third of the time of `save`. Sends no signals."""
    statement, converters = _insertion(type(row), connection.vendor)
    values = [getattr(row, name) for name in converters]
    for place, convert in enumerate(converters.values()):
        if convert is not None:
            values[place] = convert(values[place])
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
    row._state.adding, row._state.db = False, connection.alias


@lru_cache
def _insertion(model: type[models.Model], vendor: str) -> tuple[str, dict[str, Callable[[Any], Any] | None]]:
    """The statement that inserts one row of a model, and how each of its values is written on a vendor."""
    fields = model._meta.concrete_fields
    columns, places = ", ".join(f'"{field.column}"' for field in fields), ", ".join(["%s"] * len(fields))
    statement = f"INSERT INTO {model._meta.db_table} ({columns}) VALUES ({places})"
    return statement, {field.attname: _converter(field) for field in fields}


def _copy(statement: str, rows: Iterator[Sequence[Any]]) -> int:
    count = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
            count += 1
    return count


def _insert(statement: str, rows: Iterator[Sequence[Any]]) -> int:
    count = 0
    with connection.cursor() as cursor:
        while chunk := list(islice(rows, _AT_ONCE)):
            cursor.executemany(statement, chunk)
            count += len(chunk)
    return count


def _converted(
    rows: Iterable[Sequence[Any]], converters: Sequence[Callable[[Any], Any] | None]
) -> Iterator[Sequence[Any]]:
    changed = [(number, convert) for number, convert in enumerate(converters) if convert is not None]
    for row in rows:
        values = list(row)
        for number, convert in changed:
            values[number] = convert(values[number])
        yield values


def _id_or_null(value: Any) -> str | None:
    return None if value is None else db_id(value)


def _converter(field: Any) -> Callable[[Any], Any] | None:
    if isinstance(field, models.ForeignKey):
        return _converter(field.target_field)
    if isinstance(field, models.UUIDField):
        return _id_or_null if field.null else db_id
    if isinstance(field, models.JSONField):
        return db_json
    if isinstance(field, models.DateTimeField) and connection.vendor == "sqlite":
        return sqlite_time
    return None
