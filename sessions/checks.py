"""System checks: what can't work stops the start with one line that says what to set."""

import os
import sqlite3
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from sessions.storage import model_server, qdrant

_OLDEST_SQLITE = (3, 38)  # unixepoch; RETURNING came before


@register(Tags.database)
def sqlite_is_new_enough(**kwargs: Any) -> list[CheckMessage]:
    """SQLite must know RETURNING, which appending needs, and `unixepoch`, by which sessions expire."""
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") and sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        return [
            Error(
                f"SQLite {sqlite3.sqlite_version} is too old; 3.38 or newer is needed.",
                hint="Use a Python built with a newer SQLite, or set DATABASE_URL to a PostgreSQL server.",
                id="research.E001",
            )
        ]
    return []


@register()
def workspace_root_is_usable(**kwargs: Any) -> list[CheckMessage]:
    """The workspaces' directory must exist or be creatable, and be writable."""
    place = settings.WORKSPACE_ROOT
    while not place.exists() and place != place.parent:
        place = place.parent
    if place.is_dir() and os.access(place, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"The workspaces' directory {settings.WORKSPACE_ROOT} can't be written.",
            hint="Set RESEARCHMIND_WORKSPACE_ROOT or RESEARCHMIND_DATA_DIR to a directory that the server may write.",
            id="research.E002",
        )
    ]


@register()
def metrics_addresses_are_addresses(**kwargs: Any) -> list[CheckMessage]:
    """Who reads the metrics without a token is named by addresses and networks."""
    for text in settings.METRICS_ADDRESSES:
        try:
            ip_network(text, strict=False)
        except ValueError:
            return [
                Error(
                    f"RESEARCHMIND_METRICS_ADDRESSES: {text!r} is no address and no network.",
                    hint="Write 127.0.0.1, 10.0.0.0/8 or ::1, with commas between them.",
                    id="research.E011",
                )
            ]
    return []


@register()
def limits_are_sensible(**kwargs: Any) -> list[CheckMessage]:
    """A message must fit into a request, and servers need a worker and a thread."""
    if not 0 < settings.MAX_MESSAGE_BYTES <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return [
            Error(
                "RESEARCHMIND_MAX_MESSAGE_MB must be at least 1 and at most RESEARCHMIND_MAX_REQUEST_MB.",
                id="research.E003",
            )
        ]
    if settings.SERVER_WORKERS < 1 or settings.SERVER_THREADS < 1:
        return [
            Error("RESEARCHMIND_WORKERS can't be negative, RESEARCHMIND_THREADS must be 1 or more.", id="research.E004")
        ]
    if not 0 < settings.MAX_UPLOAD_BYTES <= settings.WORKSPACE_QUOTA_BYTES:
        return [
            Error(
                "RESEARCHMIND_MAX_UPLOAD_MB must be at least 1 and at most RESEARCHMIND_WORKSPACE_QUOTA_MB.",
                id="research.E008",
            )
        ]
    if settings.INDEX_SECONDS < 1:
        return [Error("RESEARCHMIND_INDEX_SECONDS must be at least 1.", id="research.E012")]
    if not settings.RUN_SILENT_AFTER:
        return [Error("RESEARCHMIND_RUN_SILENT_MINUTES must be at least 1.", id="research.E007")]
    return []


@register()
def model_server_is_usable(**kwargs: Any) -> list[CheckMessage]:
    """The model server's address, key and limits must make sense; whether it answers is asked later."""
    if not settings.MODEL_SERVER:
        return []
    limits = ("CONNECT_SECONDS", "WAIT_SECONDS", "TOTAL_SECONDS", "MAX_BYTES", "MAX_WINDOW", "REQUESTS")
    if min(getattr(settings, f"MODEL_SERVER_{name}") for name in limits) <= 0:
        return [Error("Each limit RESEARCHMIND_MODEL_SERVER_… must be 1 or more.", id="research.E006")]
    try:
        model_server.from_settings()
    except ValueError as error:
        return [Error(f"The settings RESEARCHMIND_MODEL_SERVER… can't be used. {error}", id="research.E005")]
    return []


@register()
def qdrant_is_usable(**kwargs: Any) -> list[CheckMessage]:
    """Qdrant's address, key and limits must make sense; whether it answers is asked later."""
    if settings.MAX_POINTS < 1 or settings.QDRANT_SECONDS < 1:
        return [
            Error("RESEARCHMIND_MAX_POINTS and RESEARCHMIND_QDRANT_SECONDS must be at least 1.", id="research.E009")
        ]
    try:
        qdrant.from_settings()
    except ValueError as error:
        return [Error(f"The settings QDRANT_URL and RESEARCHMIND_QDRANT_… can't be used. {error}", id="research.E010")]
    return []
