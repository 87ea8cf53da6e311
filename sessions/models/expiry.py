"""When a session with a time to live expires, as a number that an index keeps in order."""

from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler


class ExpirySecond(models.Func):
    """The first whole second (since 1970, UTC) at which `last_accessed` + `ttl_seconds` has passed.

    Rounded up, so that nothing expires early. Written without parameters and in functions that
    depend on no time zone, so that both databases take it into an index.
    """

    output_field = models.BigIntegerField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        """In PostgreSQL's words."""
        second = "CAST(floor(extract(epoch FROM (%(expressions)s"
        template = f"({second} AT TIME ZONE 'UTC'))) AS bigint) + ttl_seconds + 1)"
        return self.as_sql(compiler, connection, template=template, **context)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        """In SQLite's."""
        return self.as_sql(compiler, connection, template="(unixepoch(%(expressions)s) + ttl_seconds + 1)", **context)
