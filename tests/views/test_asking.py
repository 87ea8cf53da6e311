"""The composer with a model server: a form that waits, or one whose answer streams into the page."""

import pytest
from django.urls import reverse

from sessions.models import Session
from sessions.operations.lifecycle import archive_session
from tests.factories import make_session
from tests.whole import assert_whole, transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("connection_stays")]
ANSWER = "An *approximate* index."


@pytest.fixture
def session(alice) -> Session:
    return make_session(alice, messages=4, model="qwen3:14b")


@pytest.fixture
def address(session) -> str:
    return reverse("session_ask", args=[session.pk])


def streamed(client, address, **values):
    """The answer to htmx: (the part that is shown as it comes, what takes the composer's place)."""
    response = client.post(address, {"content": "What is HNSW?", "shown": "3"} | values, headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["X-Accel-Buffering"]) == (200, "no")
    text, _, rest = b"".join(response.streaming_content).decode().partition("</pre>")
    return text, rest


def test_the_composer_asks(alice_client, session, address, model_server, settings):
    page = alice_client.get(session.get_absolute_url()).content.decode()
    assert f'action="{address}"' in page
    assert "Ask qwen3:14b." in page
    assert "js/chat.js" in page
    settings.MODEL_SERVER = ""
    page = alice_client.get(session.get_absolute_url()).content.decode()
    assert address not in page
    assert "js/chat.js" not in page


def test_without_a_script_it_waits(alice_client, session, address, model_server):
    response = alice_client.post(address, {"content": "What\r\nis HNSW?"})
    assert (response.status_code, response.headers["Location"]) == (303, f"{session.get_absolute_url()}?at=4#m-4")
    assert transcript(session)[4:] == ["What\nis HNSW?", ANSWER]
    assert_whole(session)


def test_without_a_script_what_was_typed_stays(alice_client, session, address, model_server):
    model_server.manner = 500
    page = alice_client.post(address, {"content": "What is HNSW?"})
    assert page.status_code == 502
    assert "The model server answered 500" in page.content.decode()
    assert ">What is HNSW?</textarea>" in page.content.decode()
    assert len(transcript(session)) == 4


def test_streamed(alice_client, session, address, model_server):
    text, rest = streamed(alice_client, address)
    assert text == f"<pre>{ANSWER}"
    assert "approximate" not in rest, "the page asks for what stays, rendered"
    assert ">What is HNSW?</textarea>" not in rest, "the composer is empty again"
    assert transcript(session)[4:] == ["What is HNSW?", ANSWER]
    assert_whole(session)


def test_hostile_answers_are_text(alice_client, session, address, model_server):
    model_server.pieces = ["</pre><form id=composer>", "<script>evil()</script>"]
    text, rest = streamed(alice_client, address)
    assert text == "<pre>&lt;/pre&gt;&lt;form id=composer&gt;&lt;script&gt;evil()&lt;/script&gt;"
    assert "<script" not in rest
    assert rest.count("<form id=") == 1


@pytest.mark.parametrize("manner", ["break off", 500, "redirect"])
def test_what_was_typed_stays(alice_client, session, address, model_server, manner):
    model_server.manner = manner
    _, rest = streamed(alice_client, address)
    assert 'role="alert">The model server' in rest
    assert ">What is HNSW?</textarea>" in rest
    assert len(transcript(session)) == 4


def test_archived_meanwhile(alice, alice_client, session, address, model_server):
    values = {"content": "What is HNSW?", "shown": "3"}
    response = alice_client.post(address, values, headers={"HX-Request": "true"})
    archive_session(actor=alice, session_id=session.pk)
    page = b"".join(response.streaming_content).decode()
    assert "This session is archived." in page
    assert "What is HNSW?" in page, "what was typed can be copied"
    assert len(transcript(session)) == 4


@pytest.mark.usefixtures("nothing_is_collected")
def test_stopped(alice_client, session, address, model_server, settings):
    settings.MODEL_SERVER_REQUESTS, model_server.manner = 1, "stall"
    values = {"content": "What is HNSW?", "shown": "3"}
    response = alice_client.post(address, values, headers={"HX-Request": "true"})
    parts = iter(response.streaming_content)
    while b"An " not in next(parts):
        pass
    response.close()
    assert model_server.hung_up.acquire(timeout=30)
    model_server.manner = "well"
    assert len(transcript(session)) == 4
    assert streamed(alice_client, address)[0] == f"<pre>{ANSWER}", "its slot is free again"


def test_refused_before_anybody_is_asked(alice_client, mallory_client, session, address, model_server):
    response = alice_client.post(address, {"content": " ", "shown": "3"}, headers={"HX-Request": "true"})
    assert (response.status_code, "Write something first." in response.content.decode()) == (422, True)
    assert mallory_client.post(address, {"content": "x"}).status_code == 404
    assert model_server.questions == []


def test_from_further_up_it_goes_to_the_turn(alice_client, session, address, model_server):
    values = {"content": "What is HNSW?", "shown": ""}
    response = alice_client.post(address, values, headers={"HX-Request": "true"})
    assert response.headers["HX-Redirect"] == f"{session.get_absolute_url()}?at=4#m-4"
