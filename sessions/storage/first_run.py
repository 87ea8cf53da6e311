"""The one-time address of the first run: a secret in the data directory until an administrator exists."""

import contextlib
import hmac
import os
import secrets
from pathlib import Path
from uuid import uuid4

from django.conf import settings


def _path() -> Path:
    return Path(settings.DATA_DIR) / "first_run_token"


def issue() -> str:
    """Return the secret, made and kept (mode 0600) on the first call."""
    path = _path()
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # whole or not at all, and of two starting processes the first wins
    finally:
        draft.unlink()
    return path.read_text()


def matches(token: str) -> bool:
    """Whether this is the secret, compared in constant time; never once it has been used."""
    try:
        kept = _path().read_text()
    except FileNotFoundError:
        return False
    return bool(kept) and hmac.compare_digest(kept.encode(), token.encode(errors="replace"))


def withdraw() -> None:
    """Forget the secret: an administrator exists."""
    _path().unlink(missing_ok=True)
