"""Qdrant, if the operator names one: where it is, and collections in it. Knows no model of ours.

What of qdrant-client speaks HTTP takes 17 MiB and half a second; it is imported with the first call.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings

from sessions.exceptions import VectorStoreNotConfigured, VectorStoreUnreachable
from sessions.storage.exchange import read_key

if TYPE_CHECKING:
    from sessions.storage.qdrant.client import Collections

_OURS = re.compile(r"session_([0-9a-f]{32})")


@dataclass(frozen=True, slots=True)
class Address:
    """Where Qdrant is and what opens it."""

    url: str
    key: str

    @classmethod
    def parse(cls, url: str, key: str) -> "Address":
        """Read QDRANT_URL. Raises ValueError that says what to write."""
        parts = urlsplit(url.strip())  # its own ValueError for brackets and ports says enough
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("Write http://HOST:6333 or https://HOST:6333.")
        if "@" in parts.netloc or parts.query or parts.fragment or not url.isascii() or not url.isprintable():
            raise ValueError("Write the address alone: a key goes into RESEARCHMIND_QDRANT_KEY.")
        port = "" if parts.port else ":6333"
        return cls(f"{parts.scheme}://{parts.netloc}{port}{parts.path.rstrip('/')}", key)


def is_configured() -> bool:
    """Whether the settings name a Qdrant."""
    return bool(settings.QDRANT_URL)


def from_settings() -> Address | None:
    """The Qdrant that the settings name, or None. Raises ValueError for settings that make no sense."""
    if not is_configured():
        return None
    return Address.parse(settings.QDRANT_URL, read_key(settings.QDRANT_KEY, settings.QDRANT_KEY_FILE))


def connected(*, seconds: float | None = None) -> "Collections":
    """Qdrant's collections, for so many seconds together, RESEARCHMIND_QDRANT_SECONDS unless told.

    Raises VectorStoreNotConfigured, VectorStoreUnreachable if its key's file has gone.
    """
    try:
        address = from_settings()
    except ValueError as error:
        raise VectorStoreUnreachable(f"Qdrant's settings can't be used. {error}") from error
    if address is None:
        raise VectorStoreNotConfigured(
            "These vectors are in Qdrant, and none is connected. An operator sets QDRANT_URL."
        )
    from sessions.storage.qdrant.client import connect

    return connect(address, settings.QDRANT_SECONDS if seconds is None else seconds)


def name_of(session_id: UUID) -> str:
    """The name of a session's collection."""
    return f"session_{session_id.hex}"


def session_of(name: str) -> UUID | None:
    """The session whose collection has this name; None for one that isn't ours."""
    ours = _OURS.fullmatch(name)
    return UUID(ours[1]) if ours else None
