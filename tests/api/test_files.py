"""/sessions/{id}/files: list, download, upload, remove."""

import io
import os
import tempfile
import zipfile
from urllib.parse import quote

import pytest
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client

from sessions import access
from sessions.exceptions import NotAllowed
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sharing import make_link, remove_member, revoke_link
from sessions.operations.tokens import create_token
from sessions.storage.directory import list_directory
from sessions.storage.ranges import BLOCK
from sessions.storage.workspaces import root, workspace_path
from tests.api.contract import assert_problem
from tests.clients import ApiClient
from tests.factories import share
from tests.statements import assert_statements
from tests.storage.test_files import HOSTILE

BINARY = "application/octet-stream"


def put(owner, url, path, data=b"hello", **extra):
    return owner.put(f"{url}/files/{quote(path)}", data, content_type=BINARY, **extra)


def body(response):
    return b"".join(response.streaming_content)


def test_there_and_back(owner, url, session):
    made = put(owner, url, "content/notes.txt")
    assert made.status_code == 201
    assert {key: made.json()[key] for key in ("name", "path", "type", "size")} == {
        "name": "notes.txt",
        "path": "content/notes.txt",
        "type": "file",
        "size": 5,
    }
    listed = owner.get(f"{url}/files?path=content").json()
    assert [entry["name"] for entry in listed["files"]] == ["notes.txt"]
    assert (listed["used"], listed["path"]) == (5, "content")
    assert [entry["type"] for entry in owner.get(f"{url}/files").json()["files"]] == ["directory"]
    found = owner.get(f"{url}/files/content/notes.txt")
    assert body(found) == b"hello"
    assert found.headers["Content-Disposition"] == 'attachment; filename="notes.txt"'
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert found.headers["Content-Length"] == "5"
    assert owner.get(url).json()["content_count"] == 1
    assert owner.delete(f"{url}/files/content/notes.txt").status_code == 204
    assert_problem(owner.get(f"{url}/files/content/notes.txt"), 404, "file_not_found")
    assert_problem(owner.delete(f"{url}/files/content"), 400, "impossible")


def test_a_directory_with_more_than_is_listed(owner, url, session, alice, alice_client, monkeypatch):
    """10,000 at most are: then the answer and the pages say that there are more, and else they don't."""
    _, secret = make_link(actor=alice, session_id=session.pk, include_files=True)
    pages = (f"/sessions/{session.pk}/files/", f"/sessions/{session.pk}/files/?tree=1", f"/shared/{secret}/files/")
    monkeypatch.setitem(list_directory.__kwdefaults__, "most", 2)
    for number in range(3):
        put(owner, url, f"content/{number}")
        listed = owner.get(f"{url}/files?path=content").json()
        assert (len(listed["files"]), listed["is_complete"]) == (min(number + 1, 2), number < 2)
        for page in pages:
            shown = alice_client.get(page, headers={"HX-Request": "true"} if "tree" in page else {}).text
            assert ("There are more than 2" in shown) == (number == 2), page


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=4-", 206, b"456789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=5-900", 206, b"56789"),
        ("bytes=5-4", 200, b"0123456789"),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
        ("bytes=10-", 416, b""),
    ],
)
def test_ranges(alice_token, owner, url, asked, status, part):
    put(owner, url, "content/digits", b"0123456789")
    answer = ApiClient(alice_token).get(f"{url}/files/content/digits", headers={"Range": asked})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["Content-Range"] == "bytes */10"
        return
    assert body(answer) == part
    assert answer.headers["Content-Length"] == str(len(part))
    assert answer.headers.get("Content-Range", "").startswith("bytes ") == (status == 206)


def test_unchanged(owner, url):
    put(owner, url, "content/a")
    tag = owner.get(f"{url}/files/content/a").headers["ETag"]
    assert owner.get(f"{url}/files/content/a", headers={"If-None-Match": tag}).status_code == 304
    assert owner.head(f"{url}/files/content/a").headers["Content-Length"] == "5"
    old = {"Range": "bytes=0-0", "If-Range": '"other"'}
    assert owner.get(f"{url}/files/content/a", headers=old).status_code == 200


def test_limits(owner, url, settings):
    settings.MAX_UPLOAD_BYTES, settings.WORKSPACE_QUOTA_BYTES = 10, 15
    assert_problem(put(owner, url, "content/a", b"x" * 11), 413, "too_large")
    put(owner, url, "content/a", b"x" * 10)
    problem = assert_problem(put(owner, url, "content/b", b"x" * 10), 413, "quota_exceeded")
    assert problem["state"] == {"used": 10, "quota": 15}
    assert [entry["name"] for entry in owner.get(f"{url}/files?path=content").json()["files"]] == ["a"]


def test_no_larger_than_a_request_may_be(owner, url, settings):
    """Files aren't read into memory: the limit of other bodies isn't theirs."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert put(owner, url, "content/large", b"x" * 5000).status_code == 201
    assert len(body(owner.get(f"{url}/files/content/large"))) == 5000


# Half surrogates can't be sent: Django makes names of percent signs of what isn't UTF-8.
SENDABLE = [path for path in HOSTILE if path and path == path.encode(errors="ignore").decode()]


@pytest.mark.parametrize("path", ["", *SENDABLE])
def test_hostile_names_on_every_route(owner, url, session, path):
    before = sorted(workspace_path(session.pk).parent.rglob("*"))
    written = quote(path)
    for call in (
        lambda: owner.get(f"{url}/files/{written}"),
        lambda: put(owner, url, path),
        lambda: owner.delete(f"{url}/files/{written}"),
        lambda: owner.get(f"{url}/files?path={written}") if path else owner.get(f"{url}/files/"),
    ):
        assert 400 <= call().status_code < 500
    assert sorted(workspace_path(session.pk).parent.rglob("*")) == before


def test_archived_and_trashed(owner, url, session, alice):
    put(owner, url, "content/a")
    archive_session(actor=alice, session_id=session.pk)
    assert_problem(put(owner, url, "content/b"), 409, "session_archived")
    assert_problem(owner.delete(f"{url}/files/content/a"), 409, "session_archived")
    assert body(owner.get(f"{url}/files/content/a")) == b"hello"
    trash_session(actor=alice, session_id=session.pk)
    for answer in (owner.get(f"{url}/files"), owner.get(f"{url}/files/content/a"), put(owner, url, "content/b")):
        assert_problem(answer, 404, "session_not_found")


def test_statements(owner, url):
    owner.get(f"{url}/files")  # which notes the token's use, once a minute
    for call in (
        lambda: put(owner, url, "content/a"),
        lambda: owner.get(f"{url}/files"),
        lambda: owner.get(f"{url}/files/content/a"),
        lambda: owner.delete(f"{url}/files/content/a"),
    ):
        with assert_statements(at_most=4):
            assert call().status_code < 300


@pytest.mark.parametrize("path", ["files", "files/content/a"])
def test_strangers_see_nothing(owner, stranger, url, path):
    put(owner, url, "content/a")
    assert_problem(stranger.get(f"{url}/{path}"), 404, "session_not_found")
    assert_problem(put(stranger, url, "content/a", b"changed"), 404, "session_not_found")
    assert body(owner.get(f"{url}/files/content/a")) == b"hello"


def test_a_download_ends_when_its_reader_is_let_out(owner, api, bob_client, alice, bob, session, url, monkeypatch):
    monkeypatch.setattr(access, "LOOK_SECONDS", 0.0)
    put(owner, url, "content/large", bytes(3 * BLOCK))
    share(session, viewer=bob)
    reader = api(create_token(actor=bob, name="Reads")[1])
    link, secret = make_link(actor=alice, session_id=session.pk, include_files=True)
    pages = f"/sessions/{session.pk}"
    downloads = [
        reader.get(f"{url}/files/content/large"),
        reader.get(f"{url}/export"),
        bob_client.get(f"{pages}/files/raw/?path=content/large"),
        bob_client.get(f"{pages}/files/zip/"),
        bob_client.get(f"{pages}/export/"),
        Client().get(f"/shared/{secret}/files/raw/?path=content/large"),
    ]
    streams = [iter(download.streaming_content) for download in downloads]
    assert all(map(next, streams))
    remove_member(actor=alice, session_id=session.pk, user_id=bob.pk)
    revoke_link(actor=alice, session_id=session.pk, link_id=link.pk)
    for stream in streams:
        with pytest.raises(NotAllowed):
            list(stream)


def test_pages(alice_client, mallory_client, owner, session, url):
    """The same files in the browser: directory, previews, zip, upload and removal."""
    page = f"/sessions/{session.pk}/files/"
    uploads = [io.BytesIO(b"# Title\n<script>alert(1)</script>"), io.BytesIO(b"a,b\n1,<i>2</i>\n")]
    uploads[0].name, uploads[1].name = "notes.md", "table.csv"
    sent = alice_client.post(page, {"path": "content", "files": uploads})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"{page}?path=content")
    put(owner, url, "content/deep/evil.html", b"<script>alert(1)</script>")
    shown = alice_client.get(f"{page}?path=content").content.decode()
    for name in ("notes.md", "table.csv", "deep"):
        assert name in shown
    markdown = alice_client.get(f"{page}view/?path=content/notes.md").content.decode()
    assert "Title</h" in markdown
    assert "<script>alert" not in markdown
    assert "<td>&lt;i&gt;2&lt;/i&gt;</td>" in alice_client.get(f"{page}view/?path=content/table.csv").content.decode()
    assert "<script>alert" not in alice_client.get(f"{page}view/?path=content/deep/evil.html").content.decode()
    raw = alice_client.get(f"{page}raw/?inline=1&path=content/deep/evil.html")
    assert raw.headers["Content-Disposition"].startswith("attachment")
    with zipfile.ZipFile(io.BytesIO(body(alice_client.get(f"{page}zip/?path=content")))) as archive:
        assert sorted(archive.namelist()) == ["deep/evil.html", "notes.md", "table.csv"]
        assert archive.read("deep/evil.html") == b"<script>alert(1)</script>"
    assert "notes.md" in alice_client.get(f"/sessions/{session.pk}/").content.decode()
    for place in ("", "view/?path=content/notes.md", "raw/?path=content/notes.md", "zip/"):
        assert mallory_client.get(page + place).status_code == 404
    assert mallory_client.post(f"{page}remove/", {"path": "content/notes.md"}).status_code == 404
    assert alice_client.post(f"{page}remove/", {"path": "content/notes.md"}).status_code == 303
    assert alice_client.get(f"{page}view/?path=content/notes.md").status_code == 404
    assert alice_client.post(page, {"path": "content"}).status_code == 422


def test_forms_of_files_may_be_larger_than_others(alice, session, settings):
    """Up to the quota, and each file up to the largest upload; a form without its token leaves nothing."""
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.MAX_UPLOAD_BYTES = 1000, 2**20
    settings.WORKSPACE_QUOTA_BYTES = 3 * 2**20
    page = f"/sessions/{session.pk}/files/"
    browser = Client(enforce_csrf_checks=True)
    form = {"path": "content", "files": io.BytesIO(b"x" * 2**20)}
    form["files"].name = "large"
    assert browser.post(page, form).headers["Location"].startswith("/sign-in")
    browser.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    form["files"].seek(0)
    assert browser.post(page, form).status_code == 403
    assert list_directory(session.pk, ("content",)).entries == []
    browser.cookies["csrftoken"] = "x" * 32
    form["files"].seek(0)
    assert browser.post(page, form, headers={"X-CSRFToken": "x" * 32}).status_code == 303
    two = [io.BytesIO(b"y" * (2**20 - 1)), io.BytesIO(b"y" * (2**20 + 1))]
    two[0].name, two[1].name = "another", "too large"
    refused = browser.post(page, {"path": "content", "files": two}, headers={"X-CSRFToken": "x" * 32})
    assert (refused.status_code, "too large: A file has at most 1 MiB here." in refused.text) == (413, True)
    form["files"] = io.BytesIO(b"x" * (5 * 2**20))
    form["files"].name = "larger"
    assert browser.post(page, form, headers={"X-CSRFToken": "x" * 32}).status_code == 413
    assert [entry.name for entry in list_directory(session.pk, ("content",)).entries] == ["another", "large"]
    assert "2.0\xa0MB of 3.0\xa0MB used" in browser.get(page).text


def test_large_forms_are_received_beside_the_workspaces(alice_client, session, settings, monkeypatch, tmp_path):
    """Not where the system has its temporary files; and under no name, so that who is killed meanwhile leaves none."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "not there"))
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    receive, received = TemporaryFileUploadHandler.receive_data_chunk, []

    def look(handler, *args):
        received.append(os.fstat(handler.file.fileno()))
        return receive(handler, *args)

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", look)
    form = {"path": "content", "files": io.BytesIO(b"x" * 1000)}
    form["files"].name = "large"
    assert alice_client.post(f"/sessions/{session.pk}/files/", form).status_code == 303
    assert [(status.st_nlink, status.st_dev) for status in received] == [(0, root().stat().st_dev)]
    assert [entry.size for entry in list_directory(session.pk, ("content",)).entries] == [1000]


def test_no_room_to_receive_a_form(alice_client, session, settings, monkeypatch):
    """The disk of temporary files is full: 507 and a sentence."""

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", full)
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 10
    form = {"path": "content", "files": io.BytesIO(b"x" * 1000)}
    form["files"].name = "large"
    answer = alice_client.post(f"/sessions/{session.pk}/files/", form)
    assert (answer.status_code, "the disk is full" in answer.text) == (507, True)
    assert list_directory(session.pk, ("content",)).entries == []


@pytest.fixture
def shared(alice, session):
    """The files of the session, as somebody sees them who has a link."""
    _, secret = make_link(actor=alice, session_id=session.pk, include_files=True)
    return f"/shared/{secret}/files/"


@pytest.mark.parametrize("path", [path for path in HOSTILE if path])
def test_hostile_names_on_every_page(alice_client, session, shared, path):
    page = f"/sessions/{session.pk}/files/"
    before = sorted(workspace_path(session.pk).parent.rglob("*"))
    written = quote(path.encode(errors="surrogatepass"))
    for place in ("?path=", "?tree=1&path=", "view/?path=", "raw/?path=", "zip/?path="):
        assert 400 <= alice_client.get(page + place + written).status_code < 500, place
    for place in ("?path=", "raw/?path="):
        assert 400 <= Client().get(shared + place + written).status_code < 500, place
    sendable = path.encode(errors="replace").decode()
    assert 400 <= alice_client.post(f"{page}remove/", {"path": sendable}).status_code < 500
    if path in SENDABLE:
        upload = io.BytesIO(b"hello")
        upload.name = "plain"
        assert 400 <= alice_client.post(page, {"path": path, "files": upload}).status_code < 500
    assert sorted(workspace_path(session.pk).parent.rglob("*")) == before


@pytest.mark.parametrize("path", [path for path in SENDABLE if not {"\r", "\n", "\0"} & set(path)])
def test_hostile_names_of_uploads(alice_client, session, path):
    """A browser sends a name alone; whatever else is sent, only its last part counts, in this directory, or nothing."""
    before = set(workspace_path(session.pk).parent.rglob("*"))
    name = path.replace("\\", "\\\\").replace('"', '\\"')
    body = (
        '--b\r\nContent-Disposition: form-data; name="path"\r\n\r\ncontent\r\n'
        f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\nhello\r\n--b--\r\n'
    ).encode()
    page = f"/sessions/{session.pk}/files/"
    answer = alice_client.post(page, body, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 303 or 400 <= answer.status_code < 500
    made = set(workspace_path(session.pk).parent.rglob("*")) - before
    assert {entry.parent for entry in made} <= {workspace_path(session.pk) / "content"}
    assert all(not entry.name.startswith(".") for entry in made)
