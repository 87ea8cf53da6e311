"""Noting that something was used: worth a try, and no reason to fail a read."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import DatabaseError

logger = structlog.get_logger(__name__)


@contextmanager
def worth_a_try(event: str) -> Iterator[None]:
    """Log what the database refuses inside, and go on: a full disk or a standby can still be read."""
    try:
        yield
    except DatabaseError as error:
        logger.warning(event, error=str(error))
