"""A fork and a merge that the disk has no room for: an error of ours, and nothing is left of the new session."""

import pytest

from sessions.exceptions import StorageFull
from sessions.models import Event, Lineage, Message, Session
from sessions.operations.restructure.forking import fork_session
from sessions.operations.restructure.merging import merge_sessions
from sessions.storage.workspaces import workspace_path
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_is_left(alice, small_disk):
    one, two = (make_session(alice, name, messages=2) for name in ("One", "Two"))
    (workspace_path(one.pk) / "content" / "large.bin").write_bytes(bytes(1_200_000))
    events = Event.objects.count()
    with pytest.raises(StorageFull, match="disk is full"):
        fork_session(actor=alice, session_id=one.pk)
    with pytest.raises(StorageFull, match="disk is full"):
        merge_sessions(actor=alice, source_session_ids=[two.pk, one.pk])
    assert {path.name for path in small_disk.iterdir()} == {str(one.pk), str(two.pk), ".staging"}
    assert list((small_disk / ".staging").iterdir()) == []
    assert (Session.objects.count(), Message.objects.count(), Lineage.objects.count()) == (2, 4, 0)
    assert set(Session.objects.values_list("status", flat=True)) == {"active"}
    assert Event.objects.count() == events
