"""Whoever asked: whether they still listen, seen at the connection that the web server keeps for them."""

import select
import socket
from collections.abc import Mapping
from typing import Any


def is_gone(environ: Mapping[str, Any]) -> bool:
    """Whether a request's caller has hung up. False where the server (gunicorn) doesn't show its connection."""
    connection = environ.get("gunicorn.socket")
    if not isinstance(connection, socket.socket):
        return False
    waiting = select.poll()
    try:
        waiting.register(connection, select.POLLIN)
        return bool(waiting.poll(0)) and not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except (OSError, ValueError):  # closed or broken already
        return True
