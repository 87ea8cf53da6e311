"""SIGTERM: what is under way is finished, and everything ends."""

import os
import signal
import socket

from tests.reliability.server import wait_until
from tests.reliability.writers import Writers, assert_nothing_lost


def test_writers_are_answered_until_the_end(own_server):
    own_server.start()
    group = own_server.process.pid
    session_id = own_server.client().new_session()
    writers = Writers(own_server, session_id)
    codes = []

    def terminate():
        wait_until(lambda: writers.count() >= 50)
        codes.append(own_server.terminate())

    writers.run_until(terminate)
    assert codes == [0]
    wait_until(lambda: processes_of(group) == [], what="all have ended")
    assert writers.refused == []
    own_server.start()
    assert_nothing_lost(own_server.client(), session_id, writers)


def test_a_request_in_flight_is_finished(own_server):
    own_server.start()
    group = own_server.process.pid
    session_id = own_server.client().new_session()
    body = b'{"role": "user", "content": "slow"}'
    head = (
        f"POST /api/v1/sessions/{session_id}/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
        f"Authorization: Bearer {own_server.token}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with socket.create_connection(("127.0.0.1", own_server.port), timeout=120) as connection:
        connection.sendall(head)
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 "), "a worker waits for the body"
        own_server.process.terminate()
        wait_until(lambda: len(processes_of(group)) == 2, what="only the master and that worker are left")
        connection.sendall(body)
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 201 "), answer[:300]
    assert own_server.process.wait(120) == 0
    own_server.start()
    assert own_server.client().transcript(session_id) == [(0, "slow")]


def test_no_process_is_left_when_the_master_is_killed_alone(own_server):
    own_server.start()
    group = own_server.process.pid
    wait_until(lambda: len(processes_of(group)) >= 4, what="master, two web workers and the job worker")
    os.kill(group, signal.SIGKILL)
    own_server.process.wait()
    own_server.process = None
    wait_until(lambda: processes_of(group) == [], what="all have ended")


def processes_of(group: int) -> list[int]:
    """The running processes of a process group."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as file:
                    state, _, own = file.read().rpartition(")")[2].split()[:3]
            except OSError:
                continue
            if int(own) == group and state != "Z":
                found.append(int(entry))
    return found
