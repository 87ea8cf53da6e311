"""The server is killed while eight writers append: nothing acknowledged is lost."""

import random

import pytest

from tests.reliability.server import Server, wait_until
from tests.reliability.writers import Writers, assert_nothing_lost


def kill_again_and_again(server: Server, times: int) -> None:
    """SIGKILL to every process of the server at some moment of its work, and a look at what is left after each."""
    moments = random.Random(20)
    server.start()
    session_id = server.client().new_session()
    writers = Writers(server, session_id)
    for _ in range(times):
        enough = writers.count() + moments.randrange(1, 120)

        def kill(enough: int = enough) -> None:
            wait_until(lambda: writers.count() >= enough, what="the writers get on")
            server.kill()

        writers.run_until(kill)
        server.start()
        assert writers.refused == []
        assert_nothing_lost(server.client(), session_id, writers)
    assert writers.count() >= times


def test_killed_twice(own_server):
    kill_again_and_again(own_server, 2)


@pytest.mark.soak
def test_killed_two_hundred_times(own_server):
    kill_again_and_again(own_server, 200)
