"""Counting the statements that a piece of code sends to the database."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.test.utils import CaptureQueriesContext

_TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@contextmanager
def counted_statements() -> Iterator[list[str]]:
    """Collect the statements sent inside the block, without BEGIN, COMMIT and savepoints."""
    statements: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield statements
    statements += [
        query["sql"] for query in captured if not query["sql"].lstrip().upper().startswith(_TRANSACTION_CONTROL)
    ]


@contextmanager
def assert_statements(*, at_most: int | None = None, exactly: int | None = None) -> Iterator[list[str]]:
    """Fail, and show the statements, if the block sends more than `at_most`, or not `exactly` so many."""
    with counted_statements() as statements:
        yield statements
    too_many = at_most is not None and len(statements) > at_most
    if too_many or (exactly is not None and len(statements) != exactly):
        shown = "\n\n".join(statement[:400] for statement in statements)
        raise AssertionError(
            f"{len(statements)} statements, allowed {at_most if exactly is None else exactly}:\n\n{shown}"
        )
