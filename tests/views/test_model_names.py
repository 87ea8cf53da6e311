"""With a model server connected, the pages take the names of its models alone."""

import pytest
from django.urls import reverse

from sessions.models import Session
from tests.factories import make_session
from tests.model_server import ModelServerStub


@pytest.fixture
def stub(settings):
    with ModelServerStub() as running:
        settings.MODEL_SERVER = running.setting
        yield running


def test_a_new_session(alice_client, stub):
    page = alice_client.post(reverse("session_new"), {"name": "Mosses", "model": "gpt-9"})
    assert page.status_code == 400
    assert page.context["form"].errors["model"] == [
        "The model server has no model “gpt-9”. It has: qwen3:14b, llama3:latest."
    ]
    assert not Session.objects.exists()
    stub.stop()
    page = alice_client.post(reverse("session_new"), {"name": "Mosses", "model": "llama3"})
    assert page.status_code == 502
    assert "can&#x27;t be reached" in page.content.decode()
    assert not Session.objects.exists()


def test_details(alice_client, alice, stub):
    session = make_session(alice, model="gone")
    address = reverse("session_details", args=[session.pk])
    page = alice_client.post(address, {"model": "gpt-9", "description": "typed"})
    assert page.status_code == 422
    assert "no model “gpt-9”" in page.content.decode()
    stub.stop()
    alice_client.post(address, {"model": "gone", "description": "better"})
    session.refresh_from_db()
    assert (session.model, session.description) == ("gone", "better"), "who leaves the model alone needs no server"
