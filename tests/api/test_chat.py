"""POST /chat, GET /models, and what a model server's list means for sessions."""

import pytest

from sessions.models import IdempotencyKey, Message, Session
from sessions.operations.tokens import create_token
from tests.api.asking import ANSWER, CHAT, ask, events
from tests.api.contract import BASE, assert_problem
from tests.factories import make_session, user_message
from tests.model_server import ModelServerStub
from tests.whole import assert_whole, transcript

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("connection_stays")]
KEY = {"Idempotency-Key": "one"}


class TestWhole:
    @pytest.mark.parametrize("kind", ["ollama", "openai"])
    def test_in_a_session(self, owner, session, url, settings, kind):
        with ModelServerStub(kind) as stub:
            settings.MODEL_SERVER = stub.setting
            stub.thinking = "Hm."
            answer = ask(owner, session, model="llama3:latest")
        assert answer.status_code == 201
        body = answer.json()
        assert (body["session_id"], body["message_count"], body["version"]) == (str(session.pk), 6, 2)
        assert (answer.headers["ETag"], answer.headers["Location"]) == ('"2"', url)
        user, assistant = body["user_message"], body["assistant_message"]
        assert (user["index"], user["content"], user["author"]) == (4, "What is HNSW?", "alice")
        shown = ("index", "content", "thinking", "model", "prompt_eval_count", "eval_count", "author")
        assert [assistant[name] for name in shown] == [5, ANSWER, "Hm.", "llama3:latest", 26, 5, None]
        assert owner.get(f"{url}/messages?after=3").json()["messages"] == [user, assistant]
        (question,) = stub.questions
        contents = [said["content"] for said in question["messages"]]
        assert contents == ["message 0", "message 1", "message 2", "message 3", "What is HNSW?"]
        assert_whole(session)

    def test_without_one_it_is_made(self, owner, model_server, workspace_root):
        body = ask(owner).json()
        session = Session.objects.get()
        assert (str(session.pk), session.name, session.model) == (body["session_id"], "What is HNSW?", "qwen3:14b")
        assert (workspace_root / body["session_id"] / "content").is_dir()
        assert transcript(session) == ["What is HNSW?", ANSWER]
        assert session.context_window_config["current_window"] == 8192
        ask(owner, name="Named", model="llama3:latest")
        assert Session.objects.get(name="Named").model == "llama3:latest"
        assert_whole(session)

    def test_who_answers(self, owner, alice, model_server):
        """The model that is named, the session's own, or the first that the server lists."""
        bare, has_one = make_session(alice), make_session(alice, model="llama3:latest")
        for session, named in ((bare, None), (has_one, None), (has_one, "qwen3:14b")):
            ask(owner, session, model=named)
        assert [question["model"] for question in model_server.questions] == ["qwen3:14b", "llama3:latest", "qwen3:14b"]
        model_server.models = ()
        assert_problem(ask(owner, bare), 400, "unknown_model")

    def test_bad_values(self, owner, model_server, session):
        for body, loc in (
            ({}, "message"),
            ({"message": ""}, "message"),
            ({"message": " \n"}, "message"),
            ({"message": "\x00"}, "message"),
            ({"message": "x", "model": "\x00"}, "model"),
            ({"message": "x", "name": " "}, "name"),
            ({"message": "x", "stream": "yes"}, "stream"),
        ):
            problem = assert_problem(owner.post(CHAT, body), 422)
            assert loc in [error["loc"] for error in problem["errors"]], body
        assert_problem(ask(owner, session, name="x"), 400, "impossible")
        assert_problem(ask(owner, expected_index=0), 400, "impossible")
        assert model_server.questions == []
        assert Message.objects.count() == 4

    def test_who_may(self, api, alice, stranger, reader, anybody, session, model_server):
        assert_problem(ask(anybody, session), 401)
        assert_problem(ask(stranger, session), 404)
        assert_problem(ask(reader, session), 403, "read_only_token")
        assert_problem(ask(reader), 403, "read_only_token")
        limited = api(create_token(actor=alice, name="one", session_id=session.pk)[1])
        assert_problem(ask(limited), 403, "not_allowed")
        assert model_server.questions == [], "nobody was asked for those who may not store the answer"
        assert ask(limited, session).status_code == 201


OUTCOMES = [
    ("break off", 502, "model_server_failed"),
    ("end early", 502, "model_server_failed"),
    ("stall", 502, "model_server_failed"),
    ("mute", 502, "model_server_failed"),
    ("drip", 502, "model_server_failed"),
    ("gigabyte", 502, "model_server_failed"),
    ("redirect", 502, "model_server_failed"),
    ("nothing", 502, "model_server_failed"),
    ("error", 502, "model_server_failed"),
    (b"nonsense", 502, "model_server_failed"),
    (500, 502, "model_server_failed"),
    (404, 400, "unknown_model"),
]


NEVER_END = ("stall", "mute", "drip")  # what else goes wrong is answered when it comes, however late


@pytest.fixture
def given_up(settings, manner) -> None:
    """A model server has little time, if it would take for ever, and may send little."""
    settings.MODEL_SERVER_MAX_BYTES = 2**20
    if manner in NEVER_END:
        settings.MODEL_SERVER_WAIT_SECONDS, settings.MODEL_SERVER_TOTAL_SECONDS = 0.4, 1.2


class TestWhatGoesWrong:
    """Each leaves nothing, and the same request succeeds as soon as the server is well."""

    @pytest.mark.parametrize(("manner", "status", "code"), OUTCOMES)
    def test_whole(self, owner, session, model_server, given_up, settings, manner, status, code):
        model_server.manner = manner
        problem = assert_problem(ask(owner, session, model="qwen3:14b", headers=KEY), status, code)
        if code == "unknown_model":
            assert "qwen3:14b" in problem["detail"]
        self.assert_nothing_stored_and_the_retry_works(owner, session, model_server, settings)

    @pytest.mark.parametrize(("manner", "status", "code"), OUTCOMES)
    def test_streamed(self, owner, session, model_server, given_up, settings, manner, status, code):
        model_server.manner = manner
        *deltas, (name, problem) = events(ask(owner, session, stream=True, model="qwen3:14b", headers=KEY))
        assert (name, problem["status"], problem["code"]) == ("error", status, code)
        assert {name for name, _ in deltas} <= {"delta"}
        self.assert_nothing_stored_and_the_retry_works(owner, session, model_server, settings)

    def assert_nothing_stored_and_the_retry_works(self, owner, session, model_server, settings):
        assert len(transcript(session)) == 4
        assert not IdempotencyKey.objects.exists()
        model_server.manner = "well"
        settings.MODEL_SERVER_WAIT_SECONDS = settings.MODEL_SERVER_TOTAL_SECONDS = 120
        assert ask(owner, session, headers=KEY).status_code == 201
        assert transcript(session)[4:] == ["What is HNSW?", ANSWER]
        assert_whole(session)

    def test_nobody_there(self, owner, session, model_server):
        model_server.stop()
        assert_problem(ask(owner, session), 502, "model_server_unreachable")
        assert_problem(ask(owner), 502, "model_server_unreachable")
        ((name, problem),) = events(ask(owner, session, model="x", stream=True))
        assert (name, problem["status"], problem["code"]) == ("error", 502, "model_server_unreachable")
        assert Message.objects.count() == 4
        assert Session.objects.count() == 1

    def test_none_connected(self, owner, session):
        for stream in (False, True):
            assert_problem(ask(owner, session, stream=stream), 503, "model_server_not_configured")
        assert owner.get(f"{BASE}/models").json() == {"models": [], "server": None}

    def test_longer_than_a_message_may_be(self, owner, session, model_server, settings):
        settings.MAX_MESSAGE_BYTES = 20
        assert "longer than a message" in assert_problem(ask(owner, session), 502)["detail"]
        assert len(transcript(session)) == 4

    def test_as_many_as_may_wait_at_once(self, owner, session, model_server, settings):
        settings.MODEL_SERVER_REQUESTS = 1
        first = ask(owner, session, stream=True)
        assert_problem(ask(owner, session, headers=KEY), 503, "model_server_busy")
        assert not IdempotencyKey.objects.exists()
        first.close()
        assert ask(owner, session, headers=KEY).status_code == 201
        assert ask(owner, session).status_code == 201, "each gives its place back"


class TestModels:
    def test_the_list(self, owner, model_server):
        assert owner.get(f"{BASE}/models").json() == {
            "models": [{"name": "qwen3:14b", "size": 9276198565}, {"name": "llama3:latest", "size": 9276198565}],
            "server": "ollama",
        }
        model_server.manner = 500
        assert_problem(owner.get(f"{BASE}/models"), 502, "model_server_failed")
        model_server.stop()
        assert_problem(owner.get(f"{BASE}/models"), 502, "model_server_unreachable")

    def test_a_session_takes_its_models_alone(self, owner, session, url, model_server):
        sessions = f"{BASE}/sessions"
        assert owner.post(sessions, {"model": "llama3"}).status_code == 201
        assert owner.patch(url, {"model": "qwen3:14b"}).status_code == 200
        assert owner.patch(url, {"model": None}).status_code == 200
        calls = (
            lambda model: owner.post(sessions, {"name": "x", "model": model}, headers=KEY),
            lambda model: owner.patch(url, {"name": "x", "model": model}),
            lambda model: owner.put(url, {"model": model}),
            lambda model: owner.post(f"{BASE}/turns", {"user": "a", "assistant": "b", "model": model}),
        )
        for call in calls:
            problem = assert_problem(call("gpt-9"), 400, "unknown_model")
            assert "“gpt-9”" in problem["detail"]
            assert "qwen3:14b, llama3:latest" in problem["detail"]
        model_server.stop()
        for call in calls:
            assert_problem(call("qwen3:14b"), 502, "model_server_unreachable")
        assert Session.objects.count() == 2
        session.refresh_from_db()
        assert (session.name, session.model) == ("Mosses of the north", "")
        assert not IdempotencyKey.objects.exists()
        assert owner.post(sessions, {"name": "x"}).status_code == 201, "without a model nobody is asked"
        turn = {"user": "a", "assistant": "b", "model": "gpt-9", "session_id": str(session.pk)}
        assert owner.post(f"{BASE}/turns", turn).status_code == 201, "who answered a finished turn is a fact"

    def test_without_a_server_any_name_is_taken(self, owner):
        assert owner.post(f"{BASE}/sessions", {"model": "gpt-9"}).status_code == 201


class TestWindow:
    def config(self, session):
        session.refresh_from_db()
        return session.context_window_config

    def test_the_prompt_always_and_then_what_fits(self, owner, alice, model_server, settings):
        settings.MODEL_SERVER_MAX_WINDOW = 2048
        long = [user_message(f"{number} " + "x" * 600) for number in range(60)]
        session = make_session(alice, system_prompt="Be brief.", messages=long)
        ask(owner, session)
        (question,) = model_server.questions
        contents = [said["content"] for said in question["messages"]]
        assert (contents[0], contents[-1]) == ("Be brief.", "What is HNSW?")
        assert contents[1:-1] == [message.content for message in long[-4:]]
        assert question["options"]["num_ctx"] == 2048

    def test_it_grows_with_the_transcript_and_with_use(self, owner, alice, model_server):
        session = make_session(alice, messages=[user_message("x" * 30_000)])
        ask(owner, session)
        config = self.config(session)
        assert (config["current_window"], config["last_adjustment"]) == (16384, "history")
        assert model_server.questions[0]["options"]["num_ctx"] == 16384
        model_server.counts = (12_000, 900)
        version = ask(owner, session).json()["version"]
        config = self.config(session)
        assert (config["current_window"], config["last_adjustment"]) == (32768, "usage")
        history = config["adjustment_history"]
        assert [(entry["from"], entry["to"], entry["reason"]) for entry in history] == [
            (None, 16384, "history"),
            (16384, 32768, "usage"),
        ]
        assert history[1]["tokens"] == 12_900
        assert session.version == version, "one change, one version"

    def test_one_that_somebody_set_stays(self, owner, alice, model_server):
        mine = {"dynamic_enabled": False, "current_window": 4096, "note": "x"}
        session = make_session(alice, messages=[user_message("x" * 30_000)], context_window_config=mine)
        model_server.counts = (4000, 90)
        ask(owner, session)
        assert self.config(session) == mine
        assert model_server.questions[0]["options"]["num_ctx"] == 4096
        assert len(model_server.questions[0]["messages"]) == 1, "what doesn't fit isn't sent"
