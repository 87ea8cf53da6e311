"""/sessions/{id}/points: one contract, whichever store keeps the points."""

import math
import random
from uuid import UUID

import numpy as np
import pytest

from sessions.models import Event, Session, VectorPoint
from sessions.operations.lifecycle import archive_session, purge_session, restore_session, trash_session
from tests.api.contract import assert_problem
from tests.clients import ApiClient
from tests.statements import assert_statements

A, B = "0e27e9b2-0f6b-4d1c-9a6e-3a1f6f0c0b01", "f6c1f5a0-94a5-4ef0-8a66-8f7e0a1d2c03"


@pytest.fixture(params=["database", "qdrant"])
def store(request, settings) -> str:
    """Where points are kept."""
    if request.param == "qdrant":
        request.getfixturevalue("qdrant")
        settings.QDRANT_SECONDS = 60
    return request.param


def put(owner, url, *points, **more):
    sent = [
        {"point_id": point_id, "vector": vector, **({"payload": payload[0]} if payload else {})}
        for point_id, vector, *payload in points
    ]
    return owner.post(f"{url}/points", {"points": sent, **more})


def ids(owner, url, **query):
    return [point["point_id"] for point in owner.get(f"{url}/points", query).json()["points"]]


def near(owner, url, vector, **more):
    answer = owner.post(f"{url}/points/search", {"vector": vector, **more})
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


@pytest.mark.usefixtures("store")
class TestContract:
    def test_nothing_yet(self, owner, url):
        nothing = {"points": [], "size": None, "distance": None, "next": None, "count": 0}
        assert owner.get(f"{url}/points").json() == nothing
        assert near(owner, url, [1, 2, 3]) == []
        assert owner.delete(f"{url}/points", {"point_ids": [1, A]}).json() == {"removed_points": 0}

    def test_there_and_back(self, owner, url, session):
        made = put(owner, url, (7, [3, 4], {"path": "content/a", "n": [1, 2.5, None]}), (A, [0, -2]), (2, [1, 0]))
        assert made.json() == {"upserted_points": 3, "size": 2, "distance": "cosine"}
        listed = owner.get(f"{url}/points?vectors=true").json()
        assert (listed["count"], listed["size"], listed["distance"], listed["next"]) == (3, 2, "cosine", None)
        assert listed["points"] == [
            {"point_id": 2, "payload": {}, "vector": [1, 0]},
            {"point_id": 7, "payload": {"path": "content/a", "n": [1, 2.5, None]}, "vector": [0.6, 0.8]},
            {"point_id": A, "payload": {}, "vector": [0, -1]},
        ]
        assert {point["vector"] for point in owner.get(f"{url}/points").json()["points"]} == {None}
        assert [(point["point_id"], round(point["score"], 5)) for point in near(owner, url, [10, 0])] == [
            (2, 1.0),
            (7, 0.6),
            (A, 0.0),
        ]
        assert put(owner, url, (7, [-1, 0])).json()["upserted_points"] == 1
        (last,) = near(owner, url, [-5, 0], limit=1)
        assert (last["point_id"], last["payload"], round(last["score"], 5)) == (7, {}, 1.0)
        removed = owner.delete(f"{url}/points", {"point_ids": [2, A.upper(), 999, B]})
        assert removed.json() == {"removed_points": 2}
        assert ids(owner, url) == [7]
        told = list(
            Event.objects.filter(session_id=session.pk, verb__startswith="points").values_list("verb", "detail")
        )
        assert told == [("points_removed", {"points": 2}), ("points_put", {"points": 1}), ("points_put", {"points": 3})]

    def test_the_order_and_pages(self, owner, url):
        numbers = [0, 1, 9, 10, 2**31, 2**53 + 1, 2**63 - 1]
        uuids = sorted(str(UUID(int=random.Random(number).getrandbits(128))) for number in range(6))
        mixed = [*uuids, *numbers]
        random.Random(1).shuffle(mixed)
        put(owner, url, *[(point_id, [1.0, 1.0]) for point_id in mixed])
        assert ids(owner, url) == numbers + uuids
        seen, query = [], {"limit": 4}
        while query:
            page = owner.get(f"{url}/points", query).json()
            assert ("count" in page) == ("cursor" not in query)
            seen += [point["point_id"] for point in page["points"]]
            query = {"limit": 4, "cursor": page["next"]} if page["next"] else None
        assert seen == numbers + uuids
        assert_problem(owner.get(f"{url}/points?cursor=x"), 422, "invalid")

    @pytest.mark.parametrize("distance", ["cosine", "dot", "euclid"])
    def test_scores_are_those_of_the_definition(self, owner, url, distance):
        numbers = np.random.default_rng(5)
        vectors = numbers.normal(size=(300, 48)) * numbers.uniform(0.01, 100, size=(300, 1))
        asked = numbers.normal(size=48)
        put(owner, url, *[(row, vector.tolist()) for row, vector in enumerate(vectors)], distance=distance)
        length = np.linalg.norm(vectors, axis=1) * np.linalg.norm(asked)
        truth = {
            "cosine": vectors @ asked / length,
            "dot": vectors @ asked,
            "euclid": np.linalg.norm(vectors - asked, axis=1),
        }[distance]
        order = np.argsort(truth if distance == "euclid" else -truth)[:25]
        found = near(owner, url, asked.tolist(), limit=25)
        assert [point["point_id"] for point in found] == order.tolist()
        for point, row in zip(found, order, strict=True):
            assert point["score"] == pytest.approx(truth[row], rel=1e-5, abs=1e-5)

    def test_the_first_chooses_size_and_distance(self, owner, url):
        assert_problem(put(owner, url, (1, [1, 2]), (2, [1, 2, 3])), 422, "invalid")
        assert owner.get(f"{url}/points").json()["size"] is None
        assert put(owner, url, (1, [1, 2]), distance="dot").json()["distance"] == "dot"
        problem = assert_problem(put(owner, url, (2, [1, 2, 3])), 422, "vector_mismatch")
        assert problem["errors"] == [{"loc": "points[0].vector", "message": "This has 3."}]
        assert_problem(put(owner, url, (2, [1, 2]), distance="cosine"), 422, "vector_mismatch")
        assert_problem(owner.post(f"{url}/points/search", {"vector": [1]}), 422, "vector_mismatch")
        assert put(owner, url, (2, [0, 0])).status_code == 200, "zeros have a product"
        assert ids(owner, url) == [1, 2]
        assert [point["score"] for point in near(owner, url, [2, 3])] == [8.0, 0.0]

    def test_an_empty_collection_may_be_chosen_anew(self, owner, url):
        put(owner, url, (1, [1, 2]))
        owner.delete(f"{url}/points", {"point_ids": [1]})
        assert put(owner, url, (1, [1, 2, 3]), distance="euclid").status_code == 200
        assert owner.get(f"{url}/points").json()["size"] == 3
        assert near(owner, url, [1, 2, 3])[0]["score"] == pytest.approx(0)

    def test_quota(self, owner, url, settings):
        settings.MAX_POINTS = 3
        assert_problem(put(owner, url, *[(number, [1.0]) for number in range(4)]), 413, "too_many_points")
        put(owner, url, (1, [1.0]), (2, [1.0]))
        problem = assert_problem(put(owner, url, (2, [1.0]), (3, [1.0]), (4, [1.0])), 413, "too_many_points")
        assert problem["state"] == {"point_count": 2, "limit": 3}
        assert put(owner, url, (1, [2.0]), (3, [1.0]), (2, [2.0])).status_code == 200, (
            "those that are there need no room"
        )
        assert ids(owner, url) == [1, 2, 3]

    def test_once_for_a_key(self, owner, url, session):
        body = {"points": [{"point_id": 1, "vector": [1.0]}]}
        first = owner.post(f"{url}/points", body, headers={"Idempotency-Key": "k"})
        put(owner, url, (1, [-1.0]))
        again = owner.post(f"{url}/points", body, headers={"Idempotency-Key": "k"})
        assert (again.status_code, again.json()) == (200, first.json())
        assert near(owner, url, [1.0])[0]["score"] == -1, "it wasn't done again"

    def test_archived_trashed_restored_purged(self, owner, url, session, alice):
        put(owner, url, (1, [1.0]))
        archive_session(actor=alice, session_id=session.pk)
        assert_problem(put(owner, url, (2, [1.0])), 409, "session_archived")
        assert_problem(owner.delete(f"{url}/points", {"point_ids": [1]}), 409, "session_archived")
        assert ids(owner, url) == [1]
        trash_session(actor=alice, session_id=session.pk)
        for answer in (
            owner.get(f"{url}/points"),
            put(owner, url, (2, [1.0])),
            owner.delete(f"{url}/points", {"point_ids": [1]}),
            owner.post(f"{url}/points/search", {"vector": [1]}),
        ):
            assert_problem(answer, 404, "session_not_found")
        restore_session(actor=alice, session_id=session.pk)
        assert ids(owner, url) == [1], "the trash keeps them"
        purge_session(actor=alice, session_id=session.pk)
        assert not VectorPoint.objects.exists()
        assert_problem(put(owner, url, (2, [1.0])), 404, "session_not_found")

    def test_strangers_and_readers(self, owner, stranger, reader, url):
        put(owner, url, (1, [1.0]))
        calls = {
            lambda who: who.get(f"{url}/points"): 200,
            lambda who: who.post(f"{url}/points/search", {"vector": [1.0]}): 200,
            lambda who: put(who, url, (1, [2.0])): 403,
            lambda who: who.delete(f"{url}/points", {"point_ids": [1]}): 403,
        }
        for call, status in calls.items():
            assert_problem(call(stranger), 404, "session_not_found")
            assert call(reader).status_code == status
        assert ids(owner, url) == [1]

    def test_preconditions(self, owner, url, session):
        put(owner, url, (1, [1.0]))
        for version, status in ((session.version, 200), (session.version + 1, 412)):
            headers = {"If-Match": f'"{version}"'}
            assert (
                owner.post(f"{url}/points", {"points": [{"point_id": 2, "vector": [1]}]}, headers=headers).status_code
                == status
            )
            assert owner.delete(f"{url}/points", {"point_ids": [2]}, headers=headers).status_code == status

    def test_statements(self, alice_token, url, store):
        owner = ApiClient(alice_token)
        put(owner, url, (1, [1.0]))
        calls = (
            lambda: put(owner, url, *[(number, [1.0]) for number in range(100)]),
            lambda: owner.get(f"{url}/points?vectors=true"),
            lambda: owner.post(f"{url}/points/search", {"vector": [1.0]}),
            lambda: owner.delete(f"{url}/points", {"point_ids": [3, 4]}),
        )
        for call in calls:
            writes_outside = store == "qdrant" and call in (calls[0], calls[3])  # what is under way is noted twice
            with assert_statements(at_most=8 if writes_outside else 4):
                assert call().status_code == 200


INF = "1e400"
BAD_VECTORS = [
    "[]",
    "[1e16]",
    "[-1e16, 1]",
    "[0, 0]",
    '["1"]',
    "[true]",
    "[null]",
    "[[1]]",
    "1",
    "null",
    "[NaN]",
    f"[{INF}]",
    "[-Infinity]",
]


@pytest.mark.parametrize("vector", [*BAD_VECTORS, str([1.0] * 16_385)])
def test_vectors_that_cant_be_kept(owner, url, vector):
    for path, body in (
        ("points", f'{{"points": [{{"point_id": 1, "vector": {vector}}}]}}'),
        ("points/search", f'{{"vector": {vector}}}'),
    ):
        if path == "points/search":
            put(owner, url, (1, [1.0, 1.0]))
        answer = owner.post(f"{url}/{path}", body.encode(), content_type="application/json")
        assert_problem(answer, 422)
        assert ids(owner, url) == ([1] if path == "points/search" else [])


@pytest.mark.parametrize(
    "point_id", ["-1", "1.5", str(2**63), '"1"', '"x"', f'"{A[:-1]}"', f'"{A}0"', "true", "null", "[]", f'"{{{A[:34]}"']
)
def test_ids_that_qdrant_would_not_take(owner, url, point_id):
    body = f'{{"points": [{{"point_id": {point_id}, "vector": [1]}}]}}'
    assert_problem(owner.post(f"{url}/points", body.encode(), content_type="application/json"), 422)
    body = f'{{"point_ids": [{point_id}]}}'
    assert_problem(owner.delete(f"{url}/points", body.encode(), content_type="application/json"), 422)


def test_payloads(owner, url):
    nested = {"a": "\u2028😀", "b": [1e300, 2**63 - 1, -1.5, True, None, {"": []}]}
    put(owner, url, (1, [1.0], nested))
    assert owner.get(f"{url}/points").json()["points"][0]["payload"] == nested
    assert_problem(put(owner, url, (1, [1.0], {"a": "\0"})), 422, "invalid")
    assert_problem(put(owner, url, (1, [1.0], {"a": "x" * 65_536})), 413, "too_large")
    assert owner.get(f"{url}/points").json()["points"][0]["payload"] == nested


def test_amounts(owner, url):
    assert_problem(put(owner, url), 422)
    assert_problem(put(owner, url, *[(number, [1]) for number in range(1001)]), 422)
    assert_problem(owner.delete(f"{url}/points", {"point_ids": []}), 422)
    assert put(owner, url, (1, [1.0]), (1, [-1.0]), (A, [1]), (A.upper(), [1])).json()["upserted_points"] == 2
    assert near(owner, url, [1.0])[-1]["score"] == -1, "of two with one id the last counts"


def test_more_than_one_batch(owner, url, monkeypatch):
    """The nearest of many batches are the nearest of all; equal ones are in the order of their ids."""
    monkeypatch.setattr("sessions.operations.vectors.nearest._BATCH_BYTES", 64)
    points = [(number, [math.cos(number % 50), math.sin(number % 50)]) for number in range(200)]
    put(owner, url, *points)
    found = near(owner, url, [math.cos(7), math.sin(7)], limit=6)
    assert [point["point_id"] for point in found[:4]] == [7, 57, 107, 157]
    scores = sorted((math.cos(number % 50 - 7) for number, _ in points), reverse=True)
    assert [point["score"] for point in found] == pytest.approx(scores[:6], abs=1e-5)


def test_deleting_in_any_way_leaves_no_vector(owner, url, session, alice):
    put(owner, url, (1, [1.0]))
    Session.objects.filter(pk=session.pk).delete()
    assert not VectorPoint.objects.exists()
