"""The public page of a share link: the transcript alone, for anybody who has the address."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from sessions.models import Session, ShareLink
from sessions.operations.files import put_file
from sessions.operations.lifecycle import trash_session
from sessions.operations.sharing import make_link, revoke_link
from tests.factories import make_session
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


@pytest.fixture
def session(alice) -> Session:
    """A session of 120 messages with a file."""
    made = make_session(alice, "Lichens <b>", messages=120, description="secretly")
    put_file(actor=alice, session_id=made.pk, path="content/notes.txt", blocks=[b"kelp"], size=4)
    return made


@pytest.fixture
def address(alice, session):
    """`address()` makes a link and returns where it leads."""

    def make(**options) -> str:
        return f"/shared/{make_link(actor=alice, session_id=session.pk, **options)[1]}/"

    return make


def test_the_transcript_alone(address, alice, session):
    reader, path = Client(), address()
    with assert_statements(at_most=3):
        answer = reader.get(path)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Lichens &lt;b&gt;" in page
    assert "message 119" in page
    for secret in ("secretly", str(session.pk), "notes.txt", "/sessions/", "csrf", "<form", "<textarea"):
        assert secret not in page, secret
    assert 'content="noindex, nofollow"' in page
    headers = {name: answer.headers[name] for name in ("X-Robots-Tag", "Cache-Control", "Referrer-Policy")}
    assert headers == {
        "X-Robots-Tag": "noindex, nofollow", "Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer",
    }  # fmt: skip
    assert reader.head(path).status_code == 200
    assert reader.post(path).status_code == 405
    before = Session.objects.get(pk=session.pk)
    assert before.last_accessed == session.last_accessed


def test_page_by_page_and_whole_texts(address):
    reader, path = Client(), address()
    first = reader.get(f"{path}?after=-1").content.decode()
    assert "message 0<" in first
    assert 'href="?after=49"' in first
    assert "message 50<" in reader.get(f"{path}?after=49").content.decode()
    assert "message 60<" in reader.get(f"{path}?before=100").content.decode()
    assert 'id="m-3"' in reader.get(f"{path}?at=3").content.decode()
    assert reader.get(f"{path}messages/5/text/").content == b"message 5"
    assert reader.get(f"{path}messages/500/text/").status_code == 404
    assert f"{path}messages/0/text/" in first


def test_what_leads_nowhere_looks_the_same(address, alice, alice_client, session):
    gone = {
        "unknown": "/shared/unknown/", "revoked": address(), "expired": address(), "no files": f"{address()}files/",
        "no raw": f"{address()}files/raw/?path=content/notes.txt",
    }  # fmt: skip
    links = list(ShareLink.objects.order_by("id"))
    revoke_link(actor=alice, session_id=session.pk, link_id=links[0].pk)
    ShareLink.objects.filter(pk=links[1].pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    answers = [Client().get(path) for path in (gone["unknown"], gone["revoked"], gone["expired"])]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["X-Robots-Tag"] == "noindex, nofollow"
    for path in gone.values():
        assert Client().get(path).status_code == alice_client.get(path).status_code == 404
    works = address()
    trash_session(actor=alice, session_id=session.pk)
    assert Client().get(works).content == answers[0].content


def test_files_if_it_says_so(address):
    reader, path = Client(), address(include_files=True)
    assert f"{path}files/" in reader.get(path).content.decode()
    assert "notes.txt" in reader.get(f"{path}files/").content.decode()
    answer = reader.get(f"{path}files/raw/?path=content/notes.txt")
    assert b"".join(answer.streaming_content) == b"kelp"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="notes.txt"'
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    for wrong in ("../../x", "/etc/passwd", "content/none", "", ".hidden", "a%00b"):
        assert reader.get(f"{path}files/raw/?path={wrong}").status_code == 404, wrong
    assert reader.get(f"{path}files/?path=content/notes.txt").status_code in (404, 409)
