"""PostgreSQL's pool gets back what it hands out, also when the server doesn't answer."""

import psycopg
import pytest
from django.db import OperationalError, connection

from researchmind.postgresql.base import DatabaseWrapper, ImpatientConnection
from tests.reliability.server import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no pool"),
]


@pytest.fixture
def pooled():
    """A wrapper with a pool of its own: that of the tests is used by other threads too."""
    wrapper = DatabaseWrapper(dict(connection.settings_dict), "pooled")
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def test_a_server_that_does_not_answer_costs_the_pool_nothing(pooled, monkeypatch):
    def hang(self):
        self.close()
        raise psycopg.OperationalError("The database has not answered within 1.5 seconds.")

    with monkeypatch.context() as hanging:
        hanging.setattr(ImpatientConnection, "stop_compiling", hang)
        for _ in range(pooled.pool.max_size + 1):
            with pytest.raises(OperationalError, match="not answered"):
                pooled.ensure_connection()
            wait_until(lambda: pooled.pool.get_stats()["pool_available"] > 0, what="the pool replaces it")
    with pooled.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
