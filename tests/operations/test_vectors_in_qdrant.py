"""Vectors in Qdrant: they go with their sessions, whatever Qdrant does, and nothing is lost on the way there."""

import threading
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from sessions.exceptions import Conflict, SessionNotFound, VectorMismatch, VectorStoreError
from sessions.models import Session, VectorCollection, VectorPoint, VectorRemoval
from sessions.models.vector_collection import Place, key_of
from sessions.operations.doctor.examination import Found, examine
from sessions.operations.housekeeping import keep_house
from sessions.operations.lifecycle import empty_trash, purge_session, restore_session, trash_session
from sessions.operations.restructure.forking import fork_session
from sessions.operations.restructure.splitting import Part, split_session
from sessions.operations.vectors import points, removals
from sessions.operations.vectors.moving import move_collection
from sessions.operations.vectors.points import collection_for_reading, put_points, read_points, remove_points
from sessions.operations.vectors.values import NewPoint
from sessions.storage.qdrant import connected, name_of
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(settings, monkeypatch):
    settings.QDRANT_SECONDS = 120
    monkeypatch.setattr(removals, "_PATIENCE_SECONDS", 120)
    monkeypatch.setattr(removals, "_not_before", 0.0)


@pytest.fixture
def session(alice) -> Session:
    return make_session(alice)


def put(alice, session, *numbers, size=2, **more):
    vectors = [NewPoint(number, [1.0, *[float(number)] * (size - 1)], {"n": number}) for number in numbers]
    return put_points(actor=alice, session_id=session.pk, points=vectors, **more)


def ids(alice, session):
    found, _ = read_points(collection_for_reading(alice, session.pk), limit=200)
    return [point.point_id for point in found]


DELETIONS = {
    "purge": lambda alice, session: purge_session(actor=alice, session_id=session.pk),
    "empty trash": lambda alice, session: (trash_session(actor=alice, session_id=session.pk), empty_trash(actor=alice)),
    "one object": lambda alice, session: session.delete(),
    "a query": lambda alice, session: Session.objects.filter(pk=session.pk).delete(),
    "the user": lambda alice, session: alice.delete(),
}


class TestGoing:
    @pytest.mark.parametrize("how", DELETIONS)
    def test_the_collection_goes_whichever_way_the_session_goes(self, alice, session, qdrant, how):
        put(alice, session, 1, 2)
        assert qdrant.names == {name_of(session.pk)}
        DELETIONS[how](alice, session)
        assert qdrant.names == set()
        assert not VectorRemoval.objects.exists()

    @pytest.mark.parametrize("manner", ["hang", 500, b"nonsense"])
    def test_purged_while_qdrant_is_down(self, alice, session, qdrant, manner, settings):
        """The session is gone for its people at once, the collection once Qdrant is back."""
        put(alice, session, 1)
        qdrant.manner, settings.QDRANT_SECONDS = manner, 0.3
        removals._PATIENCE_SECONDS = 0.3
        purge_session(actor=alice, session_id=session.pk)
        assert not Session.objects.exists()
        removal = VectorRemoval.objects.get()
        assert (removal.session_id, removal.attempts) == (session.pk, 1)
        assert removal.last_error.startswith("Qdrant")
        keep_house()
        assert VectorRemoval.objects.get().attempts == 2
        qdrant.manner, settings.QDRANT_SECONDS = "well", 120
        assert qdrant.names == {name_of(session.pk)}
        keep_house()
        assert qdrant.names == set()
        assert not VectorRemoval.objects.exists()

    def test_many_do_not_wait_each(self, alice, qdrant):
        sessions = [make_session(alice) for _ in range(4)]
        for session in sessions:
            put(alice, session, 1)
        qdrant.manner = "hang"
        removals._PATIENCE_SECONDS = 1.2
        Session.objects.all().delete()
        assert sorted(VectorRemoval.objects.values_list("attempts", flat=True)) == [0, 0, 0, 1]
        qdrant.manner = "well"
        keep_house()
        assert qdrant.names == set()

    def test_a_rolled_back_delete_removes_nothing(self, alice, session, qdrant):
        put(alice, session, 1)
        with transaction.atomic():
            Session.objects.filter(pk=session.pk).delete()
            transaction.set_rollback(True)
        keep_house()
        assert qdrant.names == {name_of(session.pk)}
        assert ids(alice, session) == [1]

    def test_the_trash_keeps_them(self, alice, session, qdrant):
        put(alice, session, 1)
        trash_session(actor=alice, session_id=session.pk)
        keep_house()
        restore_session(actor=alice, session_id=session.pk)
        assert ids(alice, session) == [1]

    def test_a_tombstone_of_a_session_that_is_there_harms_nothing(self, alice, session, qdrant):
        put(alice, session, 1)
        VectorRemoval.objects.create(session_id=session.pk)
        keep_house()
        assert ids(alice, session) == [1]
        assert not VectorRemoval.objects.exists()

    def test_others_are_left_alone(self, alice, session, qdrant):
        other = make_session(alice)
        put(alice, session, 1)
        put(alice, other, 1)
        purge_session(actor=alice, session_id=session.pk)
        assert qdrant.names == {name_of(other.pk)}

    def test_a_write_that_a_purge_overtakes_brings_nothing_back(self, alice, session, qdrant, monkeypatch):
        """Purged between the authorisation and Qdrant's answer: the tombstone waits until the write must be over."""
        put(alice, session, 1)
        work = points._put_into_qdrant

        def purged_meanwhile(collection, stored):
            purge_session(actor=alice, session_id=session.pk)
            return work(collection, stored)

        monkeypatch.setattr(points, "_put_into_qdrant", purged_meanwhile)
        with pytest.raises(SessionNotFound):
            put(alice, session, 2)
        assert qdrant.names == {name_of(session.pk)}, "it was written into once more"
        keep_house()
        assert VectorRemoval.objects.count() == 1, "and is still waited for"
        VectorRemoval.objects.update(due_at=timezone.now())
        keep_house()
        assert (qdrant.names, VectorRemoval.objects.count()) == (set(), 0)


class TestTrouble:
    @pytest.mark.parametrize("manner", ["drip", "redirect", 500])
    def test_the_session_stays_usable(self, alice, session, qdrant, manner, settings):
        put(alice, session, 1)
        qdrant.manner, settings.QDRANT_SECONDS = manner, 0.3
        for call in (
            lambda: put(alice, session, 2),
            lambda: ids(alice, session),
            lambda: remove_points(actor=alice, session_id=session.pk, point_ids=[1]),
        ):
            with pytest.raises(VectorStoreError):
                call()
        row = VectorCollection.objects.get()
        assert (row.writers, row.point_count) == (0, 1)
        qdrant.manner, settings.QDRANT_SECONDS = "well", 120
        put(alice, session, 3)
        assert ids(alice, session) == [1, 3]
        assert VectorCollection.objects.get().point_count == 2

    def test_nothing_is_chosen_by_a_write_that_failed(self, alice, session, qdrant):
        qdrant.manner = 500
        with pytest.raises(VectorStoreError):
            put(alice, session, 1, size=2)
        qdrant.manner = "well"
        put(alice, session, 1, size=3)
        with pytest.raises(VectorMismatch):
            put(alice, session, 2, size=2)

    def test_nobody_chooses_while_somebody_writes(self, alice, session, qdrant, monkeypatch):
        work = points._put_into_qdrant

        def another_size_meanwhile(collection, stored):
            monkeypatch.setattr(points, "_put_into_qdrant", work)
            with pytest.raises(VectorMismatch):
                put(alice, session, 2, size=3)
            return work(collection, stored)

        monkeypatch.setattr(points, "_put_into_qdrant", another_size_meanwhile)
        put(alice, session, 1, size=2)
        assert ids(alice, session) == [1]

    def test_a_killed_writer_is_forgotten(self, alice, session, qdrant):
        put(alice, session, 1)
        long_ago = timezone.now() - timedelta(hours=1)
        VectorCollection.objects.update(writers=3, writing_since=long_ago)
        put(alice, session, 2)
        row = VectorCollection.objects.get()
        assert (row.writers, row.point_count) == (0, 2)

    def test_parallel_writes_are_counted_right(self, alice, session, qdrant):
        def work(start):
            put(alice, session, *range(start, start + 10))
            connection.close()

        put(alice, session, 0)
        threads = [threading.Thread(target=work, args=(5 * number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        row = VectorCollection.objects.get()
        assert (row.point_count, row.writers) == (35, 0)
        assert ids(alice, session) == list(range(35))


class TestMoving:
    """What is in the database moves to Qdrant once there is one."""

    @pytest.fixture
    def there(self, alice, session, settings, qdrant) -> Session:
        """A session whose vectors were put before there was a Qdrant."""
        settings.QDRANT_URL = ""
        put(alice, session, *range(7), distance="dot")
        settings.QDRANT_URL = qdrant.url
        return session

    def test_everything_arrives(self, alice, there, qdrant, monkeypatch):
        monkeypatch.setattr("sessions.operations.vectors.moving._AT_ONCE", 3)
        before, _ = read_points(collection_for_reading(alice, there.pk), limit=200, with_vectors=True)
        keep_house()
        assert qdrant.names == {name_of(there.pk)}
        assert not VectorPoint.objects.exists()
        found = collection_for_reading(alice, there.pk)
        assert (found.place, found.point_count, found.distance) == (Place.QDRANT, 7, "dot")
        assert read_points(found, limit=200, with_vectors=True)[0] == before

    def test_not_before_everything_is_there(self, alice, there, qdrant):
        qdrant.manner = 500
        keep_house()
        assert ids(alice, there) == list(range(7)), "from the database"
        put(alice, there, 9, distance="dot")
        qdrant.manner = "well"
        keep_house()
        assert collection_for_reading(alice, there.pk).place == Place.QDRANT
        assert ids(alice, there) == [*range(7), 9]

    def test_a_write_meanwhile_is_not_lost(self, alice, there, qdrant, monkeypatch):
        from sessions.operations.vectors import moving

        copy = moving._copy

        def written_meanwhile(session_id):
            copied = copy(session_id)
            put(alice, there, 3, 99, distance="dot")
            return copied

        monkeypatch.setattr(moving, "_copy", written_meanwhile)
        assert not move_collection(there.pk)
        assert ids(alice, there) == [*range(7), 99]
        monkeypatch.setattr(moving, "_copy", copy)
        assert move_collection(there.pk)
        assert ids(alice, there) == [*range(7), 99]

    def test_purged_in_the_middle(self, alice, there, qdrant, monkeypatch):
        from sessions.operations.vectors import moving

        copy = moving._copy

        def purged_meanwhile(session_id):
            copied = copy(session_id)
            purge_session(actor=alice, session_id=session_id)
            return copied

        monkeypatch.setattr(moving, "_copy", purged_meanwhile)
        assert not move_collection(there.pk)
        assert qdrant.names == {name_of(there.pk)}
        VectorRemoval.objects.update(due_at=timezone.now())
        keep_house()
        assert (qdrant.names, VectorRemoval.objects.count()) == (set(), 0)


class TestSplit:
    """What a split takes away is away, whatever Qdrant does: seen by nobody, and removed as soon as it can be."""

    @pytest.fixture
    def split(self, alice, session, qdrant) -> Session:
        """A session whose first of two points was split off while Qdrant removed nothing."""
        put(alice, session, 1, 2)
        qdrant.refused = "points/delete"
        made = split_session(actor=alice, session_id=session.pk, parts=[Part("One", point_ids=[1])])
        assert (made.assigned_points, made.removed_points) == (1, 1)
        assert ids(alice, made.sessions[0]) == [1]
        row = VectorCollection.objects.get(pk=session.pk)
        assert (row.unwanted, row.removing_since, row.point_count) == ([key_of(1)], None, 1)
        return session

    def test_nobody_sees_what_waits(self, alice, split, qdrant):
        for look in (lambda: ids(alice, split), lambda: fork_session(actor=alice, session_id=split.pk)):
            with pytest.raises(VectorStoreError):
                look()
        with pytest.raises(VectorStoreError):
            put(alice, split, 1)
        qdrant.refused = ""
        assert ids(alice, split) == [2]
        assert VectorCollection.objects.get(pk=split.pk).unwanted is None
        put(alice, split, 1)
        keep_house()
        assert ids(alice, split) == [1, 2], "what is put later stays"

    def test_the_worker_removes_it(self, alice, split, qdrant):
        keep_house()
        assert VectorCollection.objects.get(pk=split.pk).unwanted == [key_of(1)]
        qdrant.refused = ""
        keep_house()
        row = VectorCollection.objects.get(pk=split.pk)
        assert (row.unwanted, row.point_count) == (None, 1)
        assert connected().count(name_of(split.pk)) == 1

    def test_the_doctor_tells_and_removes_it(self, alice, split, qdrant):
        doctor = TestDoctor()
        assert doctor.found() == doctor.found(repair=True) == ["vectors"]
        qdrant.refused = ""
        assert doctor.found(repair=True) == ["vectors"]
        assert (doctor.found(), connected().count(name_of(split.pk))) == ([], 1)

    def test_a_killed_removal_is_taken_up_again(self, alice, split, qdrant):
        qdrant.refused = ""
        VectorCollection.objects.filter(pk=split.pk).update(removing_since=timezone.now())
        with pytest.raises(VectorStoreError):
            put(alice, split, 1)  # whoever removes might remove this
        VectorCollection.objects.filter(pk=split.pk).update(removing_since=timezone.now() - timedelta(hours=1))
        put(alice, split, 1)
        assert ids(alice, split) == [1, 2]

    def test_not_while_somebody_writes(self, alice, session, qdrant):
        put(alice, session, 1, 2)
        VectorCollection.objects.update(writers=1, writing_since=timezone.now())
        with pytest.raises(Conflict):
            split_session(actor=alice, session_id=session.pk, parts=[Part("One", point_ids=[1])])
        assert (Session.objects.count(), ids(alice, session)) == (1, [1, 2])


class TestDoctor:
    def found(self, *, repair: bool = False) -> list[str]:
        return [
            step.difference.kind
            for step in examine(repair=repair)
            if isinstance(step, Found) and "vector" in step.difference.kind
        ]

    def test_a_removal_that_waits(self, alice, session, qdrant):
        put(alice, session, 1)
        qdrant.manner = 500
        purge_session(actor=alice, session_id=session.pk)
        assert "vector removal" in self.found(repair=True)
        qdrant.manner = "well"
        assert self.found(repair=True) == ["vector removal"]
        assert (self.found(), qdrant.names) == ([], set())

    def test_a_collection_of_nobody(self, alice, session, qdrant):
        put(alice, session, 1)
        purge_session(actor=alice, session_id=session.pk)
        stranger = name_of(uuid4())
        for name in (name_of(session.pk), stranger, "something_else"):
            connected().make(name, 2, "dot")
        assert self.found(repair=True) == ["vectors", "vectors"]
        assert qdrant.names == {stranger, "something_else"}, "only what we made and purged is removed"

    def test_points_that_are_gone(self, alice, session, qdrant):
        other = make_session(alice)
        put(alice, session, 1, 2)
        put(alice, other, 1)
        connected().remove(name_of(session.pk), [2])
        connected().drop(name_of(other.pk))
        assert self.found(repair=True) == ["vectors", "vectors"]
        assert self.found() == []
        assert sorted(VectorCollection.objects.values_list("point_count", flat=True)) == [0, 1]

    def test_nothing_to_complain_of(self, alice, session, qdrant, settings):
        put(alice, session, 1)
        assert self.found() == []
        settings.QDRANT_URL = ""
        assert self.found() == ["vectors"], "they are somewhere that can't be asked"
        purge_session(actor=alice, session_id=session.pk)
        assert self.found() == ["vector removal"]
