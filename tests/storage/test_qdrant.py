"""What Qdrant may do to us, and what comes of it: an error in time, and nothing sent to anybody else."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from uuid import uuid4

import pytest

from sessions.exceptions import VectorStoreError, VectorStoreNotConfigured, VectorStoreUnreachable
from sessions.storage import qdrant as storage
from sessions.storage.qdrant import Address
from tests.qdrant_server import QdrantStub
from tests.reliability.server import wait_until

NAME = storage.name_of(uuid4())


@pytest.mark.parametrize(
    "manner",
    [
        "hang",
        "drip",
        "redirect",
        "break off",
        500,
        401,
        404,
        b"",
        b"{}",
        b"null",
        b'{"result": null}',
        b"\xff" * 999,
        b"[1]",
    ],
)
@pytest.mark.parametrize("call", ["count", "names"])
def test_bad_manners(qdrant, settings, manner, call):
    settings.QDRANT_SECONDS = 0.3
    with QdrantStub() as other:
        qdrant.manner, qdrant.elsewhere = manner, other.url
        with pytest.raises(VectorStoreError):
            getattr(storage.connected(), call)(*() if call == "names" else (NAME,))
        assert other.asked == []


def test_all_calls_together_have_the_time_of_one(qdrant, settings, monkeypatch):
    settings.QDRANT_SECONDS = 300
    connected = storage.connected()
    assert connected.count(NAME) == 0
    qdrant.manner = "hang"
    used_up = SimpleNamespace(monotonic=lambda: time.monotonic() + 301)
    monkeypatch.setattr("sessions.storage.qdrant.transport.time", used_up)
    for _ in range(3):
        with pytest.raises(VectorStoreError, match=r"0\.05 seconds"):
            connected.count(NAME)


def test_one_that_hangs_holds_one_thread(qdrant, settings):
    """After a failure one asks; the others hear at once that it is away, until it answers."""
    settings.QDRANT_SECONDS = 300
    qdrant.manner = "break off"
    with pytest.raises(VectorStoreError):
        storage.connected().count(NAME)
    qdrant.manner = "hang"
    with ThreadPoolExecutor(1) as beside:
        probe = beside.submit(lambda: storage.connected().count(NAME))
        wait_until(lambda: len(qdrant.asked) == 2, what="one asks")
        for _ in range(4):
            with pytest.raises(VectorStoreUnreachable, match="a moment ago"):
                storage.connected().count(NAME)
        assert len(qdrant.asked) == 2
        assert not probe.done()
        qdrant.over.set()
        with pytest.raises(VectorStoreError):
            probe.result(60)
    qdrant.manner = "well"
    assert storage.connected().count(NAME) == 0


def test_nobody_there(settings):
    with QdrantStub() as stub:
        settings.QDRANT_URL = stub.url
    with pytest.raises(VectorStoreUnreachable):
        storage.connected().count(NAME)
    settings.QDRANT_URL = ""
    with pytest.raises(VectorStoreNotConfigured):
        storage.connected()


def test_what_it_is_told(qdrant, settings, monkeypatch, tmp_path):
    """The key as a header; nothing of the environment's, no cookie, no proxy."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    settings.QDRANT_KEY_FILE = tmp_path / "key"
    settings.QDRANT_KEY_FILE.write_text("from-a-file\n")
    storage.connected().make(NAME, 2, "cosine")
    assert {headers["api-key"] for _, _, headers in qdrant.asked} == {"from-a-file"}
    known = {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
        "api-key",
        "content-type",
        "content-length",
    }
    assert {name for _, _, headers in qdrant.asked for name in headers} <= known
    settings.QDRANT_KEY_FILE.unlink()
    with pytest.raises(VectorStoreUnreachable, match="can't be read"):
        storage.connected()


def test_only_collections_of_sessions_are_ours():
    session_id = uuid4()
    assert storage.session_of(storage.name_of(session_id)) == session_id
    for name in ("session_1", "sessions", f"session_{session_id}", f"xsession_{session_id.hex}"):
        assert storage.session_of(name) is None


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://qdrant", "http://qdrant:6333"),
        ("https://host:443/", "https://host:443"),
        ("http://[::1]:6333/prefix/", "http://[::1]:6333/prefix"),
    ],
)
def test_addresses(url, read):
    assert Address.parse(url, "").url == read


@pytest.mark.parametrize(
    "url",
    [
        "qdrant:6333",
        "ftp://x",
        "http://",
        "http://u:p@h",
        "http://h?x=1",
        "http://h#x",
        "http://h:0",
        "http://h:x",
        "http://h\n",
    ],
)
def test_addresses_that_make_no_sense(url):
    with pytest.raises(ValueError, match=r"."):
        Address.parse(url, "")


def test_who_needs_no_vectors_imports_none_of_it():
    """A worker without QDRANT_URL keeps its memory: neither the client nor numpy is imported."""
    code = """
import os, sys, django
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()
import researchmind.urls, researchmind.wsgi, sessions.operations.housekeeping
print([name for name in ("numpy", "qdrant_client", "grpc", "httpx") if name in sys.modules])
"""
    assert said_by(code) == "[]"


def said_by(code: str) -> str:
    """What a Python of its own prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_who_needs_qdrant_imports_no_more_than_its_rest_client(qdrant):
    """The rest of qdrant-client is 50 MiB in each worker. It can still be imported whole afterwards."""
    code = f"""
import sys
from sessions.storage.qdrant import Address
from sessions.storage.qdrant.client import connect
from sessions.storage.qdrant.point import Point
there = connect(Address("{qdrant.url}", ""), 300)
there.make("some", 2, "dot")
there.put("some", [Point(1, b"\\0\\0\\x80?" * 2, {{"a": 1}})])
found, _ = there.page("some", start=None, limit=5, with_vectors=True)
print(len(found), len(there.nearest("some", [1, 1], 5)), there.count("some"), there.remove("some", [1]), there.names())
print([name for name in ("numpy", "grpc", "qdrant_client", "google.protobuf") if name in sys.modules])
from qdrant_client import QdrantClient, models
QdrantClient(":memory:").create_collection("x", vectors_config=models.VectorParams(size=1, distance="Dot"))
"""
    assert said_by(code).splitlines() == ["1 1 1 1 ['some']", "[]"]
