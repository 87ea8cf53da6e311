"""`POST /sessions/import` and taking an import back."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from sessions.models import Session
from sessions.storage import workspaces
from tests.api.contract import assert_problem
from tests.clients import JSON
from tests.factories import make_session
from tests.formats.samples import MOCHI, as_json, as_zip, simple_chatgpt

URL = "/api/v1/sessions/import"


def send(client, *files: bytes, path=URL, **fields):
    """Send a form with these files."""
    uploads = [SimpleUploadedFile(f"f{number}.json", data) for number, data in enumerate(files)]
    body, content_type = form({"file": uploads, **fields})
    return client.generic("POST", path, body, content_type)


def form(fields):
    """A form's body and content type."""
    return encode_multipart(BOUNDARY, fields), MULTIPART_CONTENT


def test_files_of_a_form(owner):
    answer = send(owner, as_json([simple_chatgpt(1), {"title": "Broken"}]), as_json(MOCHI))
    assert answer.status_code == 201
    report = answer.json()
    assert (report["created"], report["failed"], report["messages"]) == (2, 1, 6)
    assert report["files"] == [{"name": "f0.json", "format": "chatgpt"}, {"name": "f1.json", "format": "mochi"}]
    assert report["failures"][0]["place"] == "f0.json [1]"
    session = owner.get(f"/api/v1/sessions/{report['sessions'][0]['session_id']}").json()
    assert (session["name"], session["message_count"]) == ("Chat 1", 2)
    assert session["created_at"] == "2023-11-14T22:13:20.500000Z"
    again = send(owner, as_json([simple_chatgpt(1)]))
    assert (again.status_code, again.json()["skipped"], again.json()["import_id"]) == (200, 1, None)


def test_a_document_as_json_with_another_name(owner):
    answer = owner.post(f"{URL}?new_name=Greetings&format=mochi", MOCHI)
    assert answer.status_code == 201
    assert answer.json()["sessions"][0]["name"] == "Greetings"
    answer = send(owner, as_json([simple_chatgpt(7)]), new_name="By the form", format="chatgpt")
    assert answer.json()["sessions"][0]["name"] == "By the form"


@pytest.mark.parametrize(
    ("query", "body", "loc"),
    [
        ("?format=word", {}, "format"),
        ("?formt=chatgpt", {}, "formt"),
        ("?new_name=%20", {}, "new_name"),
        ("", {"hello": "world"}, "file"),
        ("", [], "file"),
    ],
)
def test_what_is_wrong_is_told(owner, query, body, loc):
    problem = assert_problem(owner.post(URL + query, body), 422)
    assert loc in [error["loc"] for error in problem["errors"]]


def test_forms_that_are_wrong(owner):
    assert_problem(owner.generic("POST", URL, *form({"other": "x"})), 422)
    assert_problem(owner.generic("POST", URL, *form({"upload": SimpleUploadedFile("a", b"{}")})), 422)
    assert_problem(send(owner, as_json(MOCHI), nam="x"), 422)
    assert_problem(send(owner, as_json(MOCHI), format="word"), 422)
    assert_problem(send(owner, as_json(MOCHI), path=URL + "?format=mochi", format="mochi"), 422)
    assert_problem(owner.generic("POST", URL, b"--x\r\nbroken", "multipart/form-data"), 400)
    assert_problem(owner.generic("POST", URL, b"data", "application/zip"), 415)
    assert not Session.objects.exists()


def test_an_archive_made_to_do_harm(owner, settings):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", bytes(10_000_000))
    assert_problem(send(owner, bomb.getvalue()), 413, "too_large")
    problem = assert_problem(send(owner, as_zip({"../x.json": as_json(MOCHI)})), 422, "unsafe_archive")
    assert problem["errors"][0]["loc"] == "../x.json"
    settings.MAX_IMPORT_BYTES = 100
    assert_problem(send(owner, as_zip({"a.json": as_json(MOCHI)})), 413)
    settings.MAX_IMPORT_BYTES = -(2**20)
    assert_problem(send(owner, as_json(MOCHI)), 413)
    assert not Session.objects.exists()
    assert not workspaces.root().exists() or not any(workspaces.root().iterdir())


@pytest.mark.django_db(transaction=True)
def test_sent_twice_with_one_key(owner):
    key = {"Idempotency-Key": "k"}
    data = form({"file": SimpleUploadedFile("a", as_json(MOCHI))})
    first = owner.generic("POST", URL, *data, headers=key)
    again = owner.generic("POST", URL, *data, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    other = form({"file": SimpleUploadedFile("a", as_json([simple_chatgpt()]))})
    other = owner.generic("POST", URL, *other, headers=key)
    assert_problem(other, 422, "idempotency_key_reused")


def test_taking_an_import_back(owner, stranger):
    import_id = send(owner, as_json([simple_chatgpt(1), simple_chatgpt(2)])).json()["import_id"]
    path = f"/api/v1/imports/{import_id}/undo"
    assert_problem(stranger.post(path), 404, "import_not_found")
    assert_problem(owner.post("/api/v1/imports/nonsense/undo"), 404)
    answer = owner.post(path)
    assert (answer.status_code, answer.json()["purged"], answer.json()["trashed"]) == (200, 2, 0)
    assert not Session.objects.exists()


def test_a_login_needs_its_csrf_token(alice, alice_client):
    alice_client.handler.enforce_csrf_checks = True
    assert alice_client.post(URL, as_json(MOCHI), JSON).status_code == 403
    assert not Session.objects.exists()


def test_an_export_is_imported_under_another_name(owner, alice):
    session = make_session(alice, messages=3)
    data = owner.get(f"/api/v1/sessions/{session.pk}/export?format=json").getvalue()
    assert owner.post(f"{URL}?new_name=Copy", data).json()["sessions"][0]["name"] == "Copy"
    assert owner.get("/api/v1/sessions").json()["count"] == 2
