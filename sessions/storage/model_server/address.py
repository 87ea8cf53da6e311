"""Where the model server is: RESEARCHMIND_MODEL_SERVER."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sessions.storage.model_server import ollama, openai

_PROTOCOLS = {ollama.NAME: ollama, openai.NAME: openai}


@dataclass(frozen=True, slots=True)
class Address:
    """The kind of a server and the address that its protocol's paths are appended to."""

    kind: str
    url: str

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `ollama:http://host:11434` or `openai:https://host/v1`. Raises ValueError that says what to write."""
        kind, _, url = text.strip().partition(":")
        parts = urlsplit(url)  # its own ValueError for brackets and ports says enough
        if kind not in _PROTOCOLS or parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0:
            raise ValueError("Write ollama:http://HOST:PORT or openai:https://HOST/v1.")
        if "@" in parts.netloc or parts.query or parts.fragment or not url.isascii() or not url.isprintable():
            raise ValueError("Write the address alone: a key goes into RESEARCHMIND_MODEL_SERVER_KEY.")
        path = parts.path.rstrip("/") or _PROTOCOLS[kind].DEFAULT_PATH
        return cls(kind, f"{parts.scheme}://{parts.netloc}{path}")
