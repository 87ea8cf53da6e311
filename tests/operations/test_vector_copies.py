"""Vectors go along: into forks, merges and parts, into archives and out of them; all of them or nothing."""

import hashlib
import io
import zipfile
from uuid import UUID, uuid5

import orjson
import pytest
from django.db import transaction

from sessions.exceptions import (
    Conflict,
    Invalid,
    PointNotFound,
    TooLarge,
    TooManyPoints,
    VectorMismatch,
    VectorStoreError,
)
from sessions.models import Session, VectorCollection, VectorPoint
from sessions.models.vector_collection import Place
from sessions.operations.housekeeping import keep_house
from sessions.operations.lifecycle import purge_session
from sessions.operations.restructure.forking import fork_session
from sessions.operations.restructure.merging import merge_sessions
from sessions.operations.restructure.splitting import Part, split_session
from sessions.operations.transfer.exporting import export_session, export_sessions
from sessions.operations.transfer.importing import SourceFile, import_sessions
from sessions.operations.vectors.points import collection_for_reading, put_points, read_points
from sessions.operations.vectors.values import NewPoint
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)
U = UUID("0e27e9b2-0f6b-4d1c-9a6e-3a1f6f0c0b01")


@pytest.fixture(params=["database", "qdrant"])
def store(request) -> str:
    """Where points are kept."""
    if request.param == "qdrant":
        request.getfixturevalue("qdrant")
    return request.param


@pytest.fixture
def session(alice, store) -> Session:
    """A session of two messages and three points."""
    session = make_session(alice, messages=2)
    put(alice, session, 1, 2, U)
    return session


def put(alice, session, *point_ids, size=3, **more):
    vectors = [NewPoint(found, [1.0, *[int(found) % 97 / 7] * (size - 1)], {"of": str(found)}) for found in point_ids]
    put_points(actor=alice, session_id=session.pk, points=vectors, **more)


def points(alice, session):
    """Every point with its vector and payload."""
    found = collection_for_reading(alice, session.pk)
    if found is None:
        return []
    page, following = read_points(found, limit=200, with_vectors=True)
    assert following is None
    return [(point.point_id, point.vector, point.payload) for point in page]


def ids(alice, session):
    return [point_id for point_id, _, _ in points(alice, session)]


def exported(alice, session, **options) -> bytes:
    return b"".join(export_session(actor=alice, session_id=session.pk, **options).chunks)


def imported(alice, data: bytes):
    return import_sessions(actor=alice, files=[SourceFile("f", io.BytesIO(data))])


def test_fork(alice, session, store):
    fork = fork_session(actor=alice, session_id=session.pk, at_index=0)
    assert points(alice, fork) == points(alice, session)
    assert collection_for_reading(alice, fork.pk).place == store
    assert points(alice, fork_session(actor=alice, session_id=session.pk, vectors=False)) == []
    assert ids(alice, fork_session(actor=alice, session_id=session.pk, at_index=0, content="x")) == [1, 2, str(U)]
    put(alice, fork, 9)
    assert ids(alice, session) == [1, 2, str(U)]
    purge_session(actor=alice, session_id=session.pk)
    assert ids(alice, fork) == [1, 2, 9, str(U)]


def test_merge(alice, session):
    other, empty = make_session(alice, messages=1), make_session(alice)
    put(alice, other, 2, 3)
    merged = merge_sessions(actor=alice, source_session_ids=[session.pk, empty.pk, other.pk])
    made_new = str(uuid5(other.pk, "2"))
    assert sorted(ids(alice, merged), key=str) == sorted([1, 2, 3, str(U), made_new], key=str)
    assert dict((found[0], found[1:]) for found in points(alice, merged))[made_new] == points(alice, other)[0][1:]


def test_merge_of_what_does_not_belong_together(alice, session):
    other = make_session(alice, messages=1)
    put(alice, other, 2, size=4)
    sources = {"actor": alice, "source_session_ids": [session.pk, other.pk]}
    with pytest.raises(VectorMismatch):
        merge_sessions(**sources)
    assert Session.objects.count() == 2
    assert points(alice, merge_sessions(**sources, vectors=False)) == []


def test_merge_within_the_quota(alice, session, settings):
    other = make_session(alice, messages=1)
    put(alice, other, 7)
    settings.MAX_POINTS = 3
    with pytest.raises(TooManyPoints):
        merge_sessions(actor=alice, source_session_ids=[session.pk, other.pk])


def test_split(alice, session):
    before = points(alice, session)
    parts = [Part("One", point_ids=[1, U]), Part("Two", message_ranges=[(0, 0)], point_ids=[U])]
    made = split_session(actor=alice, session_id=session.pk, parts=parts)
    assert (made.assigned_points, made.removed_points) == (3, 2)
    assert points(alice, made.sessions[0]) == [before[0], before[2]]
    assert points(alice, made.sessions[1]) == [before[2]]
    assert points(alice, session) == [before[1]]
    kept = split_session(actor=alice, session_id=session.pk, parts=[Part("All", point_ids=[2])], remove_points=False)
    assert (kept.assigned_points, kept.removed_points) == (1, 0)
    assert points(alice, session) == [before[1]]
    with pytest.raises(PointNotFound):
        split_session(actor=alice, session_id=session.pk, parts=[Part("None", point_ids=[2, 77])])
    assert Session.objects.count() == 4


def test_split_of_what_changes_meanwhile(alice, session, monkeypatch):
    """A point that is written after it was copied isn't removed with what was written."""
    from sessions.operations.restructure import splitting

    take = splitting.take_points

    def written_meanwhile(*args):
        VectorCollection.objects.filter(pk=session.pk).update(revision=99)
        return take(*args)

    monkeypatch.setattr(splitting, "take_points", written_meanwhile)
    with pytest.raises(Conflict):
        split_session(actor=alice, session_id=session.pk, parts=[Part("One", point_ids=[1])])
    assert (Session.objects.count(), ids(alice, session)) == (1, [1, 2, str(U)])


def test_a_rolled_back_copy_leaves_nothing(alice, session, qdrant):
    before = qdrant.names
    with transaction.atomic():
        fork_session(actor=alice, session_id=session.pk)
        transaction.set_rollback(True)
    keep_house()
    assert Session.objects.count() == VectorCollection.objects.count() == 1
    assert qdrant.names - before <= {f"session_{session.pk.hex}"}


def test_archive(alice, session, store):
    before = points(alice, session)
    data = exported(alice, session)
    assert zipfile.ZipFile(io.BytesIO(data)).read("vectors.jsonl").count(b"\n") == 4
    assert "vectors.jsonl" not in zipfile.ZipFile(io.BytesIO(exported(alice, session, vectors=False))).namelist()
    everything = b"".join(export_sessions(actor=alice).chunks)
    purge_session(actor=alice, session_id=session.pk)
    for packed in (data, everything):
        back = Session.objects.get(pk=imported(alice, packed).sessions[0].session_id)
        assert points(alice, back) == before
        assert collection_for_reading(alice, back.pk).place == store
        again = zipfile.ZipFile(io.BytesIO(exported(alice, back)))
        assert again.read("vectors.jsonl") == zipfile.ZipFile(io.BytesIO(data)).read("vectors.jsonl")
        purge_session(actor=alice, session_id=back.pk)


def test_an_archive_needs_qdrant_and_an_import_does_not(alice, qdrant):
    session = make_session(alice)
    put(alice, session, 1, 2, U)
    data = exported(alice, session)
    purge_session(actor=alice, session_id=session.pk)
    qdrant.manner = 500
    back = Session.objects.get(pk=imported(alice, data).sessions[0].session_id)
    assert ids(alice, back) == [1, 2, str(U)], "from the database"
    qdrant.manner = "well"
    keep_house()
    assert collection_for_reading(alice, back.pk).place == Place.QDRANT
    qdrant.manner = 500
    with pytest.raises(VectorStoreError):
        exported(alice, back)
    assert "vectors.jsonl" not in zipfile.ZipFile(io.BytesIO(exported(alice, back, vectors=False))).namelist()


LINES = {
    b'{"size": 2}\n': "Line 1",
    b'{"size": 2, "distance": "far"}\n': "no kind",
    b'{"size": 99999, "distance": "dot"}\n': "no kind",
    b'{"size": 2, "distance": "dot"}\n{"point_id": 1, "vector": [1], "payload": {}}\n': "Line 2",
    b'{"size": 2, "distance": "dot"}\n{"point_id": 1, "vector": [1, "x"], "payload": {}}\n': "Line 2",
    b'{"size": 2, "distance": "dot"}\n{"point_id": 1, "vector": [1, 1e300], "payload": {}}\n': "can't be kept",
    b'{"size": 2, "distance": "dot"}\n{"point_id": -1, "vector": [1, 2], "payload": {}}\n': "Line 2",
    b'{"size": 2, "distance": "dot"}\n{"point_id": "x", "vector": [1, 2], "payload": {}}\n': "Line 2",
    b'{"size": 2, "distance": "cosine"}\n{"point_id": 1, "vector": [0, 0], "payload": {}}\n': "direction",
    b'{"size": 1, "distance": "dot"}\n'
    + b"".join(b'{"point_id": %d, "vector": [1], "payload": {}}\n' % n for n in range(4)): "at most 3",
}


@pytest.mark.parametrize("lines", LINES)
def test_archives_that_were_tampered_with(alice, settings, lines):
    """Nothing of such a session is stored."""
    settings.MAX_POINTS = 3
    made = make_session(alice, messages=1)
    put(alice, made, 1)
    source = zipfile.ZipFile(io.BytesIO(exported(alice, made)))
    purge_session(actor=alice, session_id=made.pk)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            data = lines if name == "vectors.jsonl" else source.read(name)
            if name == "manifest.json":
                manifest = orjson.loads(data)
                manifest["entries"]["vectors.jsonl"] = {"size": len(lines), "sha256": hashlib.sha256(lines).hexdigest()}
                data = orjson.dumps(manifest)
            target.writestr(name, data)
    with pytest.raises((Invalid, TooLarge)) as refused:
        imported(alice, out.getvalue())
    assert LINES[lines] in str(refused.value) + str(getattr(refused.value, "errors", ""))
    assert not Session.objects.exists()
    assert not VectorPoint.objects.exists()
