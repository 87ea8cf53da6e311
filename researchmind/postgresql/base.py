"""PostgreSQL that is gone or hangs: known in time, and forgotten as soon as it is back.

A connection out of the pool may lead to a server that has been restarted since, or that hangs. The first
is seen by looking at the socket, which costs no round trip. The second can't be told from a long statement,
or from one that waits for somebody's lock; but what a request asks first is always small, its token or its login, so
that answer has to come soon. A transaction that comes first asks for nothing before it begins
(docs/decisions/0004-databases.md).
"""

import select
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

ANSWER_SECONDS = 1.5  # for the first statement after the pool has handed a connection out

_Value = TypeVar("_Value")


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that can tell whether its server has gone away, and gives up on one that hangs."""

    _answer_within: float | None = None
    _compiles = True

    def is_alive(self) -> bool:
        """Whether the server has said nothing unasked, such as farewell; asked of the socket alone."""
        waiting = select.poll()
        waiting.register(self.pgconn.socket, select.POLLIN)
        return not waiting.poll(0)

    def expect_an_answer(self) -> None:
        """The next statement has ANSWER_SECONDS."""
        self._answer_within = ANSWER_SECONDS

    @property
    def expects_an_answer(self) -> bool:
        """Whether nothing has been asked yet."""
        return self._answer_within is not None

    def stop_compiling(self) -> None:
        """Once for a connection: no statement here runs long enough to be worth 50 ms of JIT compilation."""
        if self._compiles:
            self.execute("SET SESSION jit = off")
            self.commit()
            self._compiles = False

    def wait(self, gen: PQGen[_Value], interval: float = 0.1, timeout: float | None = None) -> _Value:
        """Run one exchange with the server. Raises OperationalError, the connection closed, if it takes too long."""
        within = self._answer_within
        if within is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(self._noting_the_first(gen), interval, within)
        except psycopg.OperationalError as error:
            if self.pgconn.transaction_status != TransactionStatus.ACTIVE:
                raise
            self.close()  # an answer that comes now would be taken for the next one's
            raise psycopg.OperationalError(f"The database has not answered within {within} seconds.") from error

    def _noting_the_first(self, gen: PQGen[_Value]) -> PQGen[_Value]:
        """Pass an exchange through and note that it has begun; what only sets something here has none."""
        try:
            waits_for = next(gen)
            self._answer_within = None
            while True:
                waits_for = gen.send((yield waits_for))
        except StopIteration as done:
            value: _Value = done.value
            return value


class DatabaseWrapper(base.DatabaseWrapper):
    """Hands out live connections alone, and expects a first answer of them."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Take a connection out of the pool, past those that a restart of the server has left behind."""
        while True:
            connection = super().get_new_connection(conn_params)
            if not isinstance(connection, ImpatientConnection):
                return connection
            if connection.is_alive():
                self._prepare(connection)
                return connection
            connection.close()
            self.pool.putconn(connection)  # which replaces it

    def _set_autocommit(self, autocommit: bool) -> None:
        """Begin a transaction, whose first statement may wait for a lock, once the server has answered."""
        if not autocommit and isinstance(self.connection, ImpatientConnection) and self.connection.expects_an_answer:
            with self.wrap_database_errors:
                self.connection.execute("SELECT 1")
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # django-stubs leave it out

    def _prepare(self, connection: ImpatientConnection) -> None:
        """Make one out of the pool ready; the pool has it back where that fails, or would lack it for good."""
        try:
            connection.expect_an_answer()
            connection.stop_compiling()
            connection.expect_an_answer()
        except psycopg.Error:
            connection.close()
            self.pool.putconn(connection)
            raise
