"""The one place that chooses a database vendor and its options."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote

import environ
from django.core.exceptions import ImproperlyConfigured

from researchmind.postgresql.base import ANSWER_SECONDS, ImpatientConnection
from researchmind.sqlite3.base import GIVE_UP_SECONDS

# Figures behind these in docs/decisions/0004-databases.md.
SQLITE_PRAGMAS = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA mmap_size=268435456; "
    "PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY;"
)


def database(url: str, *, sqlite_path: Path, synchronous: str, threads: int) -> dict[str, Any]:
    """Return Django's settings for `DATABASE_URL`, or for the embedded SQLite file without one.

    Raises ImproperlyConfigured for any other kind of database.
    """
    if not url:
        return _sqlite(sqlite_path, synchronous)
    config = _read(url)
    if config.get("ENGINE") == "django.db.backends.postgresql" and config["NAME"]:
        socket_directory = unquote(config.get("HOST") or "")
        return config | {"HOST": socket_directory} | _postgresql_options(config.get("OPTIONS", {}), threads)
    if config.get("ENGINE") == "django.db.backends.sqlite3" and config["NAME"] != ":memory:":
        return _sqlite(Path(config["NAME"]), synchronous)
    raise ImproperlyConfigured(
        "DATABASE_URL must be postgresql://user:password@host/name or sqlite:////absolute/file.sqlite3."
    )


def _read(url: str) -> dict[str, Any]:
    if not url.startswith(("postgresql://", "postgres://", "sqlite://")):
        return {}
    try:
        return dict(environ.Env.db_url_config(url))
    except ValueError:  # a port that is no number, and the like
        return {}


def _sqlite(path: Path, synchronous: str) -> dict[str, Any]:
    if synchronous not in ("FULL", "NORMAL"):
        raise ImproperlyConfigured("RESEARCHMIND_SQLITE_SYNCHRONOUS must be FULL or NORMAL.")
    return {
        "ENGINE": "researchmind.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": GIVE_UP_SECONDS,
            "init_command": SQLITE_PRAGMAS.format(synchronous=synchronous),
        },
    }


def _postgresql_options(options: dict[str, Any], threads: int) -> dict[str, Any]:
    return {
        "ENGINE": "researchmind.postgresql",
        "CONN_MAX_AGE": 0,  # the pool keeps the connections
        "OPTIONS": {
            "connect_timeout": 2,
            "tcp_user_timeout": 10_000,  # milliseconds until a machine that has vanished is given up
            "prepare_threshold": 1,  # for `sessions.models.rows.prepared_cursor`; Django's own cursors prepare nothing
            **options,
            "pool": {
                "connection_class": ImpatientConnection,
                "min_size": 2,
                "max_size": 4 + threads,
                "timeout": ANSWER_SECONDS,
                "reconnect_timeout": 2,  # given up soon: the next request tries anew, not a timer in minutes
            },
        },
    }
