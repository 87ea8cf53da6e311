"""Rows without model instances, for the routes that are asked most (figures in docs/performance.md).

Django's compiler takes a third of the time of a one-row request and its converters half of a
list's. Here a statement is built once for each vendor, and values are converted in C.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import psycopg
from django.db import connection, models
from django.db.backends.utils import CursorWrapper

Row = dict[str, Any]
_LONG = 20
_LONG_NUMBER = re.compile(f"[0-9]{{{_LONG}}}")


def db_id(value: Any) -> str:
    """A UUID as both databases take it in a parameter."""
    return str(value.hex)


def id_text(value: str) -> str:
    """A UUID that a `RowReader` selected as text, with its dashes on both databases."""
    return value if "-" in value else _dashed(value)


def db_time(value: datetime | None) -> Any:
    """A time as the database in use takes it in a parameter."""
    return value if connection.vendor == "postgresql" else sqlite_time(value)


def sqlite_time(value: datetime | None) -> str | None:
    """A time as Django writes it into SQLite, in a fifth of the time."""
    return None if value is None else str(value.astimezone(UTC))[: -len("+00:00")]


def time_of(text: str) -> datetime:
    """A time that a statement selected as text: SQLite's are in UTC and don't say so."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def db_json(value: Any) -> str | None:
    """A JSON value as both databases take it in a parameter; None is NULL."""
    return None if value is None else orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()


def prepared_cursor() -> CursorWrapper:
    """A cursor whose statements are planned once for a connection: those that read or write a few rows by their keys.

    They cost more to plan than to run. A list's must not be: one plan does not fit owners of ten and of a million.
    SQLite's driver does so anyway. Of PostgreSQL's, Django's cursors send each statement as a text of its own.
    """
    if connection.vendor != "postgresql" or connection.queries_logged:  # psycopg keeps no text of a prepared one to log
        return connection.cursor()
    connection.ensure_connection()
    cursor: Any = psycopg.Cursor(connection.connection)
    return connection.make_cursor(cursor)


class RowReader:
    """Columns of one model as dictionaries: ids as text, times aware, JSON as ready bytes (`orjson.Fragment`)."""

    def __init__(self, model: type[models.Model], names: Sequence[str], alias: str) -> None:
        self._fields = [model._meta.get_field(name) for name in names]
        self.names = [field.attname for field in self._fields]  # type: ignore[union-attr]  # concrete fields alone
        self._alias = alias
        self._by_vendor: dict[str, _Columns] = {}

    def columns(self) -> str:
        """The select list for the vendor in use."""
        return self._here().select_list

    def read(self, values: Sequence[Any], *more: str) -> Row:
        """One result row as a dictionary: this reader's columns first, then as many others, named in `more`."""
        return self.read_all([values], *more)[0]

    def read_all(self, rows: Iterable[Sequence[Any]], *more: str) -> list[Row]:
        """All result rows, each as `read` does."""
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        if not columns:
            return []
        for place, convert in self._here().conversions:
            columns[place] = [None if value is None else convert(value) for value in columns[place]]
        names = (*self.names, *more)
        return [dict(zip(names, values, strict=False)) for values in zip(*columns, strict=True)]

    def _here(self) -> "_Columns":
        vendor = connection.vendor
        known = self._by_vendor.get(vendor)
        if known is None:
            known = self._by_vendor[vendor] = _columns(self._fields, self._alias, vendor)
        return known


class _Columns(NamedTuple):
    """What a reader selects on one vendor, and what has to be converted after it."""

    select_list: str
    conversions: list[tuple[int, Callable[[Any], Any]]]


def _columns(fields: Sequence[Any], alias: str, vendor: str) -> _Columns:
    converters = [(place, _converter(field, vendor)) for place, field in enumerate(fields)]
    return _Columns(
        ", ".join(_column(field, alias, vendor) for field in fields),
        [(place, convert) for place, convert in converters if convert is not None],
    )


def _column(field: Any, alias: str, vendor: str) -> str:
    column = f'{alias}."{field.column}"'
    if isinstance(field, models.DateTimeField) and vendor == "sqlite":
        return f"{column} || '+00:00'"
    if isinstance(_held(field), models.DateTimeField | models.UUIDField | models.JSONField):
        return f"CAST({column} AS text)"  # past the drivers' converters, which are Python
    return column


def _held(field: Any) -> Any:
    """The field that says what a column holds: a foreign key holds what it refers to."""
    return field.target_field if isinstance(field, models.ForeignKey) else field


def _converter(field: Any, vendor: str) -> Callable[[Any], Any] | None:
    field = _held(field)
    if isinstance(field, models.DateTimeField):
        return datetime.fromisoformat
    if isinstance(field, models.UUIDField):
        return None if vendor == "postgresql" else _dashed
    if isinstance(field, models.JSONField):
        return _json_of_postgresql if vendor == "postgresql" else orjson.Fragment
    if isinstance(field, models.BooleanField) and vendor == "sqlite":
        return bool
    return None


def _json_of_postgresql(text: str) -> orjson.Fragment:
    """jsonb writes 1e300 as a one with three hundred zeros: orjson reads it as the float that it was."""
    if len(text) >= _LONG and _LONG_NUMBER.search(text):
        return orjson.Fragment(orjson.dumps(orjson.loads(text)))
    return orjson.Fragment(text)


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
