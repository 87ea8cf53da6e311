"""`GET /sessions/{id}/export` and `GET /sessions/export`."""

import io
import zipfile

import orjson
import pytest

from sessions import access
from sessions.operations.lifecycle import trash_session
from tests.api.contract import assert_problem
from tests.factories import make_session
from tests.statements import counted_statements


def content(answer) -> bytes:
    """All of a streamed answer."""
    assert answer.status_code == 200, answer
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize(
    ("form", "kind", "suffix"),
    [
        ("researchmind", "application/zip", "zip"),
        ("json", "application/json", "json"),
        ("mochi", "application/json", "json"),
        ("markdown", "text/markdown; charset=utf-8", "md"),
    ],
)
def test_one_session(owner, session, url, form, kind, suffix):
    answer = owner.get(f"{url}/export?format={form}")
    assert answer.headers["Content-Type"] == kind
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="mosses-of-the-north-{session.short_id}.{suffix}"'
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert content(answer)
    assert content(owner.head(f"{url}/export?format={form}")) == b""


def test_nothing_of_the_server_is_in_it(owner, session, url, alice):
    data = content(owner.get(f"{url}/export"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = orjson.loads(archive.read("session.json"))
        assert archive.namelist()[-1] == "manifest.json"
    assert not found.keys() & {"owner", "owner_id", "workspace_path", "version", "role"}


def test_chosen_ones_and_everything(owner, alice, session, mallory):
    other = make_session(alice, "Other")
    trashed = make_session(alice, "Trashed")
    trash_session(actor=alice, session_id=trashed.pk)
    make_session(mallory, "Not mine")
    chosen = content(owner.get(f"/api/v1/sessions/export?session_ids={session.pk},{other.short_id}&format=markdown"))
    everything = content(owner.get("/api/v1/sessions/export"))
    with zipfile.ZipFile(io.BytesIO(chosen)) as archive:
        assert sorted(archive.namelist()) == sorted(
            [f"mosses-of-the-north-{session.short_id}.md", f"other-{other.short_id}.md"]
        )
    with zipfile.ZipFile(io.BytesIO(everything)) as archive:
        assert len(archive.namelist()) == 3


def test_what_cannot_be_exported(owner, stranger, alice, session, url):
    assert_problem(stranger.get(f"{url}/export"), 404)
    assert_problem(stranger.get(f"/api/v1/sessions/export?session_ids={session.pk}"), 404)
    assert_problem(owner.get(f"{url}/export?format=chatgpt"), 422)
    assert_problem(owner.get("/api/v1/sessions/export?session_ids=nonsense"), 404)
    trash_session(actor=alice, session_id=session.pk)
    assert_problem(owner.get(f"{url}/export"), 404)


def test_statements_do_not_grow_with_files_or_messages(owner, alice, monkeypatch):
    monkeypatch.setattr(access, "LOOK_SECONDS", 600)  # it would look whether its reader is still let in
    short, long = make_session(alice, messages=1), make_session(alice, messages=400)
    counts = []
    owner.get("/api/v1/me")  # notes that the token was used
    for session in (short, long):
        with counted_statements() as statements:
            content(owner.get(f"/api/v1/sessions/{session.pk}/export"))
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 12
