"""The committed snapshot of the OpenAPI file. `python -m tests.api.refresh_openapi` writes it anew."""

import json
from pathlib import Path
from typing import Any

SNAPSHOT = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"


def as_text(document: dict[str, Any]) -> str:
    """The document as it is committed: one change, one line."""
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def served() -> dict[str, Any]:
    """The document as it is served."""
    from tests.clients import ApiClient

    document: dict[str, Any] = ApiClient().get("/api/v1/openapi.json").json()
    return document


def refresh() -> None:
    """Write the snapshot."""
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    SNAPSHOT.write_text(as_text(served()))


if __name__ == "__main__":
    refresh()
