"""The one-time address of the first run: a secret in the data directory until an administrator exists."""

import hmac
import os
import secrets
from pathlib import Path

from django.conf import settings


def _path() -> Path:
    return Path(settings.DATA_DIR) / "first_run_token"


def issue() -> str:
    """Return the secret, made and kept (mode 0600) on the first call."""
    path = _path()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        token = secrets.token_urlsafe(32)
        file.write(token)
    return token


def matches(token: str) -> bool:
    """Whether this is the secret, compared in constant time; never once it has been used."""
    try:
        return hmac.compare_digest(_path().read_text().strip().encode(), token.encode())
    except FileNotFoundError:
        return False


def withdraw() -> None:
    """Forget the secret: an administrator exists."""
    _path().unlink(missing_ok=True)
