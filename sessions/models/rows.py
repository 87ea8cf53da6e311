"""Rows without model instances, for the routes that are asked most (figures in docs/performance.md).

Django's compiler takes a third of the time of a one-row request and its converters half of a
list's. Here a statement is built once for each vendor, and values are converted in C.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.db import connection, models

Row = dict[str, Any]


def db_id(value: Any) -> str:
    """A UUID as both databases take it in a parameter."""
    return str(value.hex)


def db_time(value: datetime | None) -> Any:
    """A time as the database in use takes it in a parameter."""
    if value is None or connection.vendor == "postgresql":
        return value
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(" ")  # as Django writes it, in a third of the time


def db_json(value: Any) -> str | None:
    """A JSON value as both databases take it in a parameter; None is NULL."""
    return None if value is None else orjson.dumps(value, option=orjson.OPT_UTC_Z).decode()


class RowReader:
    """Columns of one model as dictionaries: ids as text, times aware, JSON as ready bytes (`orjson.Fragment`)."""

    def __init__(self, model: type[models.Model], names: Sequence[str], alias: str) -> None:
        self._fields = [model._meta.get_field(name) for name in names]
        self.names = [field.attname for field in self._fields]  # type: ignore[union-attr]  # concrete fields alone
        self._alias = alias

    def columns(self) -> str:
        """The select list for the vendor in use."""
        return ", ".join(self._column(field) for field in self._fields)

    def _column(self, field: Any) -> str:
        column = f'{self._alias}."{field.column}"'
        if isinstance(field, models.DateTimeField | models.UUIDField | models.JSONField):
            return f"CAST({column} AS text)"  # past the drivers' converters, which are Python
        return column

    def read(self, values: Sequence[Any]) -> Row:
        """One result row, which starts with this reader's columns, as a dictionary."""
        return {
            name: convert(value) if convert is not None and value is not None else value
            for name, convert, value in zip(self.names, self._converters(), values, strict=False)
        }

    def _converters(self) -> list[Callable[[Any], Any] | None]:
        known: dict[str, list[Callable[[Any], Any] | None]] = self.__dict__.setdefault("_by_vendor", {})
        if connection.vendor not in known:
            known[connection.vendor] = [_converter(field, connection.vendor) for field in self._fields]
        return known[connection.vendor]


def _converter(field: Any, vendor: str) -> Callable[[Any], Any] | None:
    if isinstance(field, models.DateTimeField):
        return datetime.fromisoformat if vendor == "postgresql" else _time_of_sqlite
    if isinstance(field, models.UUIDField):
        return None if vendor == "postgresql" else _dashed
    if isinstance(field, models.JSONField):
        return orjson.Fragment
    if isinstance(field, models.BooleanField) and vendor == "sqlite":
        return bool
    return None


def _time_of_sqlite(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
