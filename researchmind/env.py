"""Settings from the environment, read once and strictly: a misspelt variable stops the start."""

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

PREFIX = "RESEARCHMIND_"
# Not for the server, but likely to be set where it is started by hand.
_OF_CLIENTS = {"RESEARCHMIND_TOKEN", "RESEARCHMIND_TOKEN_FILE"}
BASE_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Setting:
    """One environment variable: how it is read, what it is without it, and what it is for."""

    name: str
    kind: str
    default: object
    help: str


SETTINGS = (
    Setting("DATA_DIR", "path", BASE_DIR / "data", "Where db.sqlite3, workspaces and the secret key live."),
    Setting("WORKSPACE_ROOT", "path", None, "The workspaces' directory; `workspaces` in the data directory if unset."),
    Setting("SECRET_KEY", "str", "", "Signs logins; generated into the data directory (mode 0600) if unset."),
    Setting("ALLOWED_HOSTS", "list", ["127.0.0.1", "localhost", "[::1]"], "Host names the server answers to."),
    Setting("CSRF_TRUSTED_ORIGINS", "list", [], "Origins such as https://research.example.org behind a proxy."),
    Setting("HTTPS", "bool", False, "The site is served over HTTPS: secure cookies, HSTS, redirect from HTTP."),
    Setting("TRUSTED_PROXY", "bool", False, "A proxy of yours sets X-Forwarded-For and X-Forwarded-Proto: believe it."),
    Setting("METRICS_ADDRESSES", "list", [], "Addresses and networks that read /metrics without a token."),
    Setting("DEBUG", "bool", False, "Django's debug pages. Never on a server that others reach."),
    Setting("LOG_LEVEL", "str", "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Setting("LOG_FORMAT", "str", "json", "`json`, one line an event, or `console` for people."),
    Setting(
        "SQLITE_SYNCHRONOUS", "str", "FULL", "FULL survives a power cut; NORMAL is faster and may lose the last ones."
    ),
    Setting("WORKERS", "int", 0, "Web worker processes; 0 chooses two for each processor core, eight at most."),
    Setting("THREADS", "int", 4, "Threads in each web worker."),
    Setting("MAX_REQUEST_MB", "int", 32, "Largest request body in MiB; beyond it the answer is 413."),
    Setting("MAX_MESSAGE_MB", "int", 16, "Largest content of one message in MiB of UTF-8; beyond it 413."),
    Setting(
        "MODEL_SERVER",
        "str",
        "",
        "Who answers: ollama:http://HOST:11434 or openai:https://HOST/v1.",
    ),
    Setting("MODEL_SERVER_KEY", "str", "", "The model server's key, sent to it alone as a bearer token."),
    Setting("MODEL_SERVER_KEY_FILE", "path", None, "A file that holds the key, in place of the variable."),
    Setting("MODEL_SERVER_CONNECT_SECONDS", "int", 5, "How long to try to reach the model server."),
    Setting("MODEL_SERVER_WAIT_SECONDS", "int", 120, "How long the model server may say nothing, loading a model too."),
    Setting("MODEL_SERVER_TOTAL_SECONDS", "int", 600, "How long a whole answer may take."),
    Setting("MODEL_SERVER_MAX_MB", "int", 32, "How much the model server may send for one answer, in MiB."),
    Setting("MODEL_SERVER_MAX_WINDOW", "int", 32768, "The largest context window, in tokens."),
    Setting("MODEL_SERVER_REQUESTS", "int", 0, "Answers that a web worker waits for at once; 0: half its threads."),
    Setting("MAX_UPLOAD_MB", "int", 2048, "Largest file of a workspace in MiB; beyond it 413."),
    Setting("WORKSPACE_QUOTA_MB", "int", 10240, "What the files of one session may have together, in MiB."),
    Setting("INDEX_COMMAND", "str", "mcp-vector-search", "What indexes workspaces: a name on PATH, or a path."),
    Setting("INDEX_SECONDS", "int", 1800, "How long indexing one workspace may take."),
    Setting("RUN_SILENT_MINUTES", "int", 5, "Minutes without a heartbeat after which a run that goes is silent."),
    Setting("MAX_IMPORT_MB", "int", 2048, "Largest file to import in MiB, packed and unpacked; beyond it 413."),
    Setting("QDRANT_KEY", "str", "", "Qdrant's key, sent to QDRANT_URL alone."),
    Setting("QDRANT_KEY_FILE", "path", None, "A file that holds the key, in place of the variable."),
    Setting("QDRANT_SECONDS", "int", 5, "How long everything that one request asks of Qdrant may take."),
    Setting("MAX_POINTS", "int", 100_000, "Points that the vector collection of a session may have; beyond it 413."),
)


def read(environment: Mapping[str, str] = os.environ) -> dict[str, object]:
    """Return every setting by its name without the prefix.

    Raises ImproperlyConfigured, in one line that says what to do, for an unknown
    `RESEARCHMIND_*` variable or a value that cannot be read.
    """
    known = {PREFIX + setting.name for setting in SETTINGS} | _OF_CLIENTS
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    if unknown:
        raise ImproperlyConfigured(
            f"Unknown setting {', '.join(unknown)}: remove it or correct its name; docs/settings.md lists them all."
        )
    return {setting.name: _value(environment.get(PREFIX + setting.name, ""), setting) for setting in SETTINGS}


def _value(text: str, setting: Setting) -> object:
    if not text:
        return setting.default
    try:
        return _READERS[setting.kind](text)
    except ValueError as error:
        raise ImproperlyConfigured(f"{PREFIX}{setting.name} must be {error}, not {text!r}.") from None


def _bool(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError("true or false")
    return _BOOLEANS[text.lower()]


def _int(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text.strip()):
        raise ValueError("a whole number, 0 or more")
    return int(text)


def _list(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


_BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_READERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "bool": _bool,
    "int": _int,
    "list": _list,
    "path": lambda text: Path(text).expanduser().resolve(),
}


def secret_key(data_dir: Path) -> str:
    """Return the key kept in `data_dir/secret_key`, made on first use and readable by its owner alone.

    Raises ImproperlyConfigured if the directory can't be made or written.
    """
    try:
        return _kept_secret_key(data_dir)
    except OSError as error:
        raise ImproperlyConfigured(
            f"{data_dir} can't be used ({error.strerror}). Set RESEARCHMIND_DATA_DIR to a directory that the server "
            "may write."
        ) from error


def _kept_secret_key(data_dir: Path) -> str:
    path = data_dir / "secret_key"
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        draft = data_dir / f".secret_key.{secrets.token_hex(8)}"
        draft.touch(mode=0o600)
        with draft.open("w") as file:
            file.write(secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())  # a power cut may leave no empty key behind
        try:
            os.link(draft, path)  # the first of two starting processes wins, and both read the same key
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
