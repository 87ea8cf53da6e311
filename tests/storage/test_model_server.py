"""Both protocols under one contract: what a model server may do to us, and what comes of it."""

import contextlib
import socket
import threading
import time
from types import SimpleNamespace

import httpcore
import pytest

from sessions.exceptions import ModelServerError, ModelServerUnreachable, UnknownModel
from sessions.storage import exchange, model_server
from sessions.storage.exchange import LONGEST_LINE, read_key
from sessions.storage.model_server import Finish, Piece, Question, Said
from sessions.storage.model_server.address import Address
from tests.model_server import CERTIFICATE, ModelServerStub

QUESTION = Question("qwen3:14b", [Said("system", "Be brief."), Said("user", "What is HNSW?")], 8192)
PATHS = {"ollama": ("/api/tags", "/api/chat"), "openai": ("/v1/models", "/v1/chat/completions")}


@pytest.fixture(params=["ollama", "openai"])
def stub(request, settings):
    """A model server that answers well, and whose answers are small; a busy machine takes its time."""
    settings.MODEL_SERVER_CONNECT_SECONDS = 60
    settings.MODEL_SERVER_WAIT_SECONDS = 120
    settings.MODEL_SERVER_TOTAL_SECONDS = 300
    settings.MODEL_SERVER_MAX_BYTES = 2**20
    with ModelServerStub(request.param) as running:
        settings.MODEL_SERVER = running.setting
        yield running


def ask(question=QUESTION, look=lambda: None):
    return list(model_server.required().answer(question, look))


class TestContract:
    def test_a_good_answer(self, stub):
        stub.thinking = "Hm."
        *pieces, finish = ask()
        assert "".join(piece.content for piece in pieces) == "An *approximate* index."
        assert "".join(piece.thinking for piece in pieces) == "Hm."
        assert len([piece for piece in pieces if piece != Piece()]) == 5, "in pieces, as they were sent"
        assert finish == Finish(26, 5)

    def test_what_it_is_asked(self, stub):
        ask()
        ((path, headers, body),) = stub.asked
        assert path == PATHS[stub.kind][1]
        assert (body["model"], body["stream"]) == ("qwen3:14b", True)
        assert body["messages"] == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "What is HNSW?"},
        ]
        assert body.get("options") == ({"num_ctx": 8192} if stub.kind == "ollama" else None)
        known = {"Host", "Accept-Encoding", "Connection", "User-Agent", "Content-Type", "Content-Length"}
        assert set(headers) == known, "and nothing of a caller's"

    def test_the_key(self, stub, settings, tmp_path):
        settings.MODEL_SERVER_KEY_FILE = tmp_path / "key"
        settings.MODEL_SERVER_KEY_FILE.write_text("from-a-file\n")
        ask()
        model_server.required().models()
        assert [headers["Authorization"] for _, headers, _ in stub.asked] == ["Bearer from-a-file"] * 2
        settings.MODEL_SERVER_KEY_FILE.unlink()
        with pytest.raises(ModelServerError, match="can't be read"):
            model_server.required()

    def test_models(self, stub):
        server = model_server.required()
        assert [model.name for model in server.models()] == ["qwen3:14b", "llama3:latest"]
        assert server.models()[0].size == (9_276_198_565 if stub.kind == "ollama" else None)
        assert server.has_model("qwen3:14b")
        assert not server.has_model("qwen3")
        assert server.has_model("llama3") == (stub.kind == "ollama"), "`:latest` goes without saying there"
        assert {path for path, _, _ in stub.asked} == {PATHS[stub.kind][0]}

    def test_one_that_does_not_stream(self, stub):
        stub.manner = "at once"
        *pieces, finish = ask()
        assert "".join(piece.content for piece in pieces) == "An *approximate* index."
        assert finish == Finish(26, 5)

    def test_one_that_does_not_count(self, stub):
        stub.counts = None
        assert ask()[-1] == Finish(None, None)

    def test_an_unknown_model(self, stub):
        with pytest.raises(UnknownModel, match="no model “nope”"):
            ask(Question("nope", QUESTION.messages, 8192))

    @pytest.mark.parametrize(
        ("manner", "reason"),
        [
            (500, "answered 500: no luck"),
            (401, "refused the key"),
            ("error", "gave up: out of memory"),
            ("stall", "said nothing for 0.4 seconds"),
            ("mute", "said nothing for 0.4 seconds"),
            ("break off", "broke its answer off"),
            ("end early", "before it was whole"),
            ("drip", "longer than 1.2 seconds|a line without an end"),
            ("gigabyte", "more than 1 MiB"),
            (b"<html>hello</html>", "can't be understood"),
            (b"[]", "can't be understood"),
            (b'{"choices": 5, "message": "x", "done": true}', "can't be understood"),
            (b'{"choices": [{"message": {"content": 5}}], "message": {"content": 5}, "done": false}', "understood"),
            (b'{"choices": [{"message": {"content": "\\ud800"}}], "message": {"content": "\\ud800"}}', "understood"),
            (b"x" * 2**20, "more than 1 MiB"),
        ],
    )
    def test_a_bad_answer(self, stub, manner, reason, settings):
        stub.manner = manner
        if manner in ("stall", "mute"):
            settings.MODEL_SERVER_WAIT_SECONDS = 0.4
        if manner == "drip":
            settings.MODEL_SERVER_TOTAL_SECONDS = 1.2
        with pytest.raises(ModelServerError, match=reason):
            ask()

    def test_a_line_without_an_end(self, stub, settings):
        settings.MODEL_SERVER_MAX_BYTES = 2**24
        stub.pieces = ["x" * 2 * LONGEST_LINE]
        with pytest.raises(ModelServerError, match="a line without an end"):
            ask()

    def test_a_redirect_is_not_followed(self, stub, settings):
        settings.MODEL_SERVER_KEY = "secret"
        with ModelServerStub(stub.kind) as elsewhere:
            stub.manner, stub.elsewhere = "redirect", elsewhere.url
            with pytest.raises(ModelServerError, match="redirect"):
                ask()
            with pytest.raises(ModelServerError, match="redirect"):
                model_server.required().models()
            assert elsewhere.asked == [], "another host sees neither the key nor the transcript"

    def test_nobody_there(self, stub):
        stub.stop()
        with pytest.raises(ModelServerUnreachable):
            ask()
        with pytest.raises(ModelServerUnreachable):
            model_server.required().models()

    def test_a_list_that_is_none(self, stub):
        stub.manner = 500
        with pytest.raises(ModelServerError, match="answered 500: no luck today"):
            model_server.required().models()

    def test_whoever_waits_may_leave(self, stub):
        """Within a moment, although the server says nothing."""
        stub.manner = "mute"

        class Left(Exception):
            pass

        def look():
            if stub.waiting.acquire(blocking=False):
                raise Left

        with pytest.raises(Left):
            ask(look=look)
        assert stub.hung_up.acquire(timeout=60)

    def test_the_characters_that_no_database_keeps(self, stub):
        stub.pieces = ["a\x00b"]
        assert "".join(part.content for part in ask() if isinstance(part, Piece)) == "ab"

    def test_proxies_of_the_environment_are_not_asked(self, stub, monkeypatch):
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        assert ask()[-1] == Finish(26, 5)


def test_what_came_while_nobody_could_look_counts(monkeypatch):
    """The process was held up between a look and the clock: nothing had come then, by now it has."""
    clock = SimpleNamespace(ahead=0.0)
    monkeypatch.setattr(exchange, "time", SimpleNamespace(monotonic=lambda: clock.ahead))

    class Stream(httpcore.NetworkStream):
        def read(self, max_bytes, timeout=None):
            if clock.ahead:
                return b"here"
            clock.ahead = 100
            raise httpcore.ReadTimeout

    watch = exchange._Watch(exchange.Limits(1, 5, 1000, 100), lambda: None, model_server._PARTNER)
    assert exchange._WatchedStream(Stream(), watch).read(10) == b"here"


def test_a_server_that_takes_a_little_now_and_then_is_left(settings):
    """A long transcript would be on its way for hours."""
    settings.MODEL_SERVER_WAIT_SECONDS, settings.MODEL_SERVER_TOTAL_SECONDS = 60, 1.0
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        settings.MODEL_SERVER = f"ollama:http://127.0.0.1:{server.getsockname()[1]}"

        is_over = threading.Event()

        def sip():
            taken, until = server.accept()[0], time.monotonic() + 60  # and then it has had enough
            with taken, contextlib.suppress(OSError):
                while time.monotonic() < until and taken.recv(4096) and not is_over.wait(0.02):
                    pass

        sipping = threading.Thread(target=sip)
        sipping.start()
        with pytest.raises(ModelServerError, match=r"took longer than 1 seconds|takes nothing"):
            ask(Question("m", [Said("user", "x" * (16 * 2**20))], 8192))
        is_over.set()
        sipping.join()


def test_certificates_are_checked(settings, monkeypatch):
    settings.MODEL_SERVER_KEY = "secret"
    with ModelServerStub("openai", certificate=CERTIFICATE) as stub:
        settings.MODEL_SERVER = stub.setting
        with pytest.raises(ModelServerUnreachable):
            ask()
        assert stub.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        assert ask()[-1] == Finish(26, 5)
        assert stub.asked[0][1]["Authorization"] == "Bearer secret"


@pytest.mark.parametrize(
    ("text", "kind", "url"),
    [
        ("ollama:http://127.0.0.1:11434", "ollama", "http://127.0.0.1:11434"),
        ("ollama:https://host/behind/", "ollama", "https://host/behind"),
        ("openai:http://[::1]:8000", "openai", "http://[::1]:8000/v1"),
        ("openai:https://host/api/v3/", "openai", "https://host/api/v3"),
    ],
)
def test_addresses(text, kind, url):
    assert Address.parse(text) == Address(kind, url)


@pytest.mark.parametrize(
    "text",
    [
        "http://host", "ollama", "ollama:", "ollama:host", "ollama:ftp://host", "other:http://host", "openai:http://",
        "openai:http://user:key@host", "openai:http://host/?key=x", "openai:http://host/#x", "openai:http://host:port",
        "openai:http://host:99999", "openai:http://ho\u00e4st", "openai:http://host/a b\x7f", "ollama:http://[::1",
    ],
)  # fmt: skip
def test_bad_addresses(text):
    with pytest.raises(ValueError):  # noqa: PT011  (urlsplit has words of its own)
        Address.parse(text)


def test_bad_keys(tmp_path):
    assert read_key(" secret\n", None) == "secret"
    for key in ("two lines\nX-Other: y", "\u00e4"):
        with pytest.raises(ValueError, match="one line"):
            read_key(key, None)
    with pytest.raises(ValueError, match="can't be read"):
        read_key("", tmp_path / "missing")
