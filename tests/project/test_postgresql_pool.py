"""PostgreSQL's pool gets back what it hands out, also when the server doesn't answer."""

import psycopg
import pytest
from django.db import OperationalError, connection, connections, transaction
from psycopg.pq import TransactionStatus

from researchmind.postgresql.base import DatabaseWrapper, ImpatientConnection
from tests.reliability.server import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no pool"),
]


@pytest.fixture
def pooled():
    """A wrapper with a pool of its own: that of the tests is used by other threads too."""
    connections["pooled"] = wrapper = DatabaseWrapper(dict(connection.settings_dict), "pooled")
    yield wrapper
    wrapper.close()
    wrapper.close_pool()
    del connections["pooled"]


def test_a_transaction_that_comes_first_may_wait_for_a_lock(pooled, monkeypatch):
    """As an answer of a model does that is stored after minutes: whether the server hangs is known before."""
    pooled.ensure_connection()
    assert pooled.connection.expects_an_answer
    with transaction.atomic(using="pooled"):
        assert not pooled.connection.expects_an_answer
        assert pooled.connection.pgconn.transaction_status == TransactionStatus.IDLE, "it has only been asked"
    pooled.close()

    def hang(self, *arguments):
        raise psycopg.OperationalError("The database has not answered within 1.5 seconds.")

    pooled.ensure_connection()
    monkeypatch.setattr(ImpatientConnection, "execute", hang)
    with pytest.raises(OperationalError, match="not answered"), transaction.atomic(using="pooled"):
        pass


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
