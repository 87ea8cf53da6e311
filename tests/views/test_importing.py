"""Importing and exporting in the browser: forms, the report, taking back, downloads."""

import io
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from sessions.models import Import, Session
from tests.factories import make_session
from tests.formats.samples import MOCHI, as_json, as_zip, simple_chatgpt

pytestmark = pytest.mark.django_db


def send(client, *files: bytes, follow: bool = False, **fields):
    """Send the form with these files."""
    uploads = [SimpleUploadedFile(f"f{number}.json", data) for number, data in enumerate(files)]
    return client.post("/import/", {"file": uploads, **fields}, follow=follow)


def test_files_become_sessions_and_a_report(alice_client, alice):
    assert "Import" in alice_client.get("/import/").content.decode()
    odd = simple_chatgpt(2)
    odd["mapping"]["u"]["message"]["content"]["parts"].append({"content_type": "image_asset_pointer"})
    answer = send(alice_client, as_json([simple_chatgpt(1), odd, {"title": "<b>Broken"}]), as_json(MOCHI), follow=True)
    found = Import.objects.get()
    assert answer.redirect_chain == [(reverse("import_report", args=[found.pk]), 303)]
    text = answer.content.decode()
    assert "Chat 1" in text
    assert "&lt;b&gt;Broken" in text
    assert "image_asset_pointer" in text
    assert "f0.json, f1.json" in alice_client.get("/import/").content.decode()


def test_nothing_new_is_said(alice_client):
    send(alice_client, as_json(MOCHI))
    assert (
        "Nothing new: a session had been imported before."
        in send(alice_client, as_json(MOCHI), follow=True).content.decode()
    )


@pytest.mark.parametrize(
    ("files", "fields", "status", "said"),
    [
        ([b"nonsense"], {}, 422, "no format that is known"),
        ([], {}, 422, "required"),
        ([as_json(MOCHI)], {"format": "word"}, 422, "not one of the available choices"),
        ([as_json(MOCHI)], {"new_name": "x" * 256}, 422, "at most 255"),
        ([as_json([simple_chatgpt(1), simple_chatgpt(2)])], {"new_name": "x"}, 422, "keep their own names"),
        ([as_zip({"../x": b""})], {}, 422, "leads elsewhere"),
        ([as_zip({"x.json": bytes(10**7)})], {}, 413, "200 times its size"),
    ],
)
def test_what_is_refused_is_said_on_the_form(alice_client, files, fields, status, said):
    answer = send(alice_client, *files, **fields)
    assert answer.status_code == status
    assert said in answer.content.decode()
    assert not Session.objects.exists()


def test_htmx_gets_the_form_or_goes_on(alice_client):
    headers = {"HX-Request": "true"}
    refused = alice_client.post("/import/", {"file": SimpleUploadedFile("f", b"x")}, headers=headers)
    assert refused.status_code == 422
    assert "<html" not in refused.content.decode()
    done = alice_client.post("/import/", {"file": SimpleUploadedFile("f", as_json(MOCHI))}, headers=headers)
    assert done.headers["HX-Redirect"] == reverse("import_report", args=[Import.objects.get().pk])
    Import.objects.create(owner=Session.objects.get().owner, session_count=3, message_count=1_200)
    assert (
        "3 sessions, 1,200 messages so far" in alice_client.get("/import/progress/", headers=headers).content.decode()
    )
    assert alice_client.get("/import/progress/").status_code == 303


def test_taking_it_back(alice_client, mallory_client):
    send(alice_client, as_json(MOCHI))
    address = reverse("undo_import", args=[Import.objects.get().pk])
    assert mallory_client.post(address).status_code == 404
    assert mallory_client.get(reverse("import_report", args=[Import.objects.get().pk])).status_code == 404
    assert "a session deleted" in alice_client.post(address, follow=True).content.decode()
    assert not Session.objects.exists()
    assert "taken back" in alice_client.get("/import/").content.decode()
    assert alice_client.get(reverse("import_report", args=[Import.objects.get().pk])).status_code == 200


def test_who_may_not_is_sent_away_before_the_upload_is_read(alice, alice_client):
    assert send(Client()).status_code == 303
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    assert send(strict, as_json(MOCHI)).status_code == 403
    assert not Session.objects.exists()


def test_too_long_a_form_is_refused_by_its_length(alice_client, settings):
    settings.MAX_IMPORT_BYTES = -(2**20)
    assert send(alice_client, as_json(MOCHI)).status_code == 413
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert alice_client.post("/settings/", {"username": "x" * 100}).status_code == 413


def test_downloads(alice, alice_client, mallory_client):
    session = make_session(alice, messages=2)
    address = reverse("session_export", args=[session.pk])
    answer = alice_client.get(f"{address}?format=markdown")
    assert answer.headers["Content-Disposition"].endswith('.md"')
    assert b"message 1" in answer.getvalue()
    assert alice_client.get(f"{address}?format=word").status_code == 422
    assert mallory_client.get(address).status_code == 404
    assert alice_client.head(address).status_code == 200
    with zipfile.ZipFile(io.BytesIO(alice_client.get("/export/").getvalue())) as archive:
        assert len(archive.namelist()) == 1
    page = alice_client.get(f"/sessions/{session.pk}/").content.decode()
    assert f'href="{address}"' in page


def test_the_ticked_ones(alice, alice_client):
    first, _, third = (make_session(alice, f"Session {number}") for number in range(3))
    answer = alice_client.post("/sessions/actions/", {"bulk": "export", "id": [first.pk, third.pk]}, follow=True)
    assert answer.redirect_chain == [("/export/?chosen", 303)]
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        assert sorted(archive.namelist()) == [f"session-0-{first.short_id}.zip", f"session-2-{third.short_id}.zip"]
