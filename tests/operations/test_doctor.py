"""The doctor: it finds what doesn't agree, puts it right, and touches nothing that is kept or isn't ours."""

import json
from io import StringIO
from uuid import UUID, uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from sessions.formats.vectors import floats_of
from sessions.models import (
    Event,
    Message,
    ModelUsage,
    ProcessingStats,
    Session,
    SessionCount,
    VectorPoint,
    Verb,
    WorkspaceRemoval,
)
from sessions.models.processing_stats import COUNTERS
from sessions.models.vector_rows import read_collection
from sessions.operations.doctor.examination import Found, examine
from sessions.operations.files import put_file
from sessions.operations.lifecycle import restore_session, trash_session
from sessions.operations.statistics import add_statistics, note_model_use
from sessions.operations.vectors.points import put_points, search_points
from sessions.operations.vectors.values import NewPoint
from sessions.search.index import vendor
from sessions.search.query import Query
from sessions.search.results import search
from sessions.storage import inventory, workspaces
from sessions.storage.staging import MAKING, staged_workspace
from tests.factories import make_session
from tests.whole import assert_counts_right, assert_in_place, assert_whole, transcript

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _grown_at_once(monkeypatch):
    """Nobody makes sessions beside these tests: nothing has to be waited for."""
    monkeypatch.setattr(inventory, "YOUNG_SECONDS", 0.0)


def doctor(*options: str) -> tuple[str, int]:
    """What the command prints, and its exit code."""
    out = StringIO()
    try:
        call_command("doctor", *options, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def kinds(*, repair: bool = False) -> list[str]:
    """The kind of each difference."""
    return [step.difference.kind for step in examine(repair=repair) if isinstance(step, Found)]


def execute(statement: str, *values: object) -> None:
    """SQL by hand, past everything that keeps rows in order."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def no_workspace(session: Session) -> None:
    workspaces.remove(session.pk)


def workspace_in_trash(session: Session) -> None:
    workspaces.move_to_trash(session.pk)


def workspace_outside_trash(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(status="deleted", deleted_at=timezone.now())


def workspace_twice(session: Session) -> None:
    workspaces.move_to_trash(session.pk)
    workspaces.create(session.pk)
    content = workspaces.workspace_path(session.pk) / "content"
    (content / "kept").write_text("kept")


def workspace_unfinished(session: Session) -> None:
    (workspaces.workspace_path(session.pk) / MAKING).touch()


def empty_workspace_of_nobody(session: Session) -> None:
    workspaces.create(uuid4())


def unfinished_workspace_of_nobody(session: Session) -> None:
    path = workspaces.create(uuid4())
    (path / MAKING).touch()
    (path / "content" / "copied").write_text("from an import")


def workspace_of_a_purged_session(session: Session) -> None:
    gone = uuid4()
    (workspaces.create(gone) / "content" / "notes").write_text("deleted for ever")
    workspaces.move_to_trash(gone)
    Event(session_id=gone, verb=Verb.PURGED).save()


def staging_of_a_killed_import(session: Session) -> None:
    (workspaces.root() / ".staging" / uuid4().hex / "content").mkdir(parents=True)


def tombstone_of_a_gone_workspace(session: Session) -> None:
    WorkspaceRemoval.objects.create(session_id=uuid4())


def tombstone_of_a_workspace(session: Session) -> None:
    gone = uuid4()
    (workspaces.create(gone) / "content" / "notes").write_text("x")
    WorkspaceRemoval.objects.create(session_id=gone)


def tombstone_of_a_living_session(session: Session) -> None:
    WorkspaceRemoval.objects.create(session_id=session.pk)


def wrong_message_count(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(message_count=7)


def wrong_preview(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(preview="something else")


def gap(session: Session) -> None:
    Message.objects.filter(session=session, index=1).delete()


def wrong_counts(session: Session) -> None:
    SessionCount.objects.create(owner_id=session.owner_id, status="active", pinned=False, amount=3)


def search_without_a_trigger(session: Session) -> None:
    with connection.cursor() as cursor:
        vendor().drop_triggers(cursor)


def search_without_a_name(session: Session) -> None:
    execute(f"DELETE FROM {vendor().NAME_IDS}")


def search_without_messages(session: Session) -> None:
    if connection.vendor == "postgresql":
        execute(f"DELETE FROM {vendor().MESSAGES}")
    else:
        execute(f"INSERT INTO {vendor().MESSAGES}({vendor().MESSAGES}) VALUES ('delete-all')")


def wrong_counters(session: Session) -> None:
    ProcessingStats.objects.filter(pk=session.pk).update(urls_processed=7)


def no_counters(session: Session) -> None:
    ProcessingStats.objects.all().delete()


def wrong_usage(session: Session) -> None:
    ModelUsage.objects.update(uses=9)


def usage_of_nothing(session: Session) -> None:
    ModelUsage.objects.create(session=session, kind="llm", name="never used", uses=1)


def in_the_trash_since_never(session: Session) -> None:
    Session.objects.filter(status="deleted").update(deleted_at=None)


def archived_while_active(session: Session) -> None:
    Session.objects.filter(pk=session.pk).update(archived_at=timezone.now())


def file_put_by_the_killed(session: Session) -> None:
    workspace = workspaces.workspace_path(session.pk)
    (workspace / ".upload-dead").write_text("new")
    (workspace / "content" / "new").hardlink_to(workspace / ".upload-dead")


def file_removed_by_the_killed(session: Session) -> None:
    workspace = workspaces.workspace_path(session.pk)
    (workspace / ".removed-dead-from").symlink_to("content/gone")
    (workspace / ".removed-dead" / "inside").mkdir(parents=True)


BROKEN = {
    "workspace": (
        no_workspace, workspace_in_trash, workspace_outside_trash, workspace_unfinished,
    ),
    "directory": (empty_workspace_of_nobody, unfinished_workspace_of_nobody, workspace_of_a_purged_session),
    "staging": (staging_of_a_killed_import,),
    "removal": (tombstone_of_a_gone_workspace, tombstone_of_a_workspace, tombstone_of_a_living_session),
    "transcript": (wrong_message_count, wrong_preview, gap),
    "statistics": (wrong_counters, no_counters, wrong_usage, usage_of_nothing),
    "times": (in_the_trash_since_never, archived_while_active),
    "file": (file_put_by_the_killed, file_removed_by_the_killed),
    "counts": (wrong_counts,),
    "search": (search_without_a_trigger, search_without_a_name, search_without_messages),
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "damage"), [pytest.param(kind, one, id=one.__name__) for kind, all_ in BROKEN.items() for one in all_]
)
def test_each_difference_is_found_and_put_right(alice, kind, damage):
    session = make_session(alice, "Peat and lichen", messages=4, tags=["bog"])
    trashed = trash_session(actor=alice, session_id=make_session(alice).pk)
    kept = workspaces.workspace_path(session.pk) / "content" / "kept"
    kept.write_text("kept")
    add_statistics(actor=alice, session_id=session.pk, counts={"urls_processed": 2})
    for _ in range(2):
        note_model_use(actor=alice, session_id=session.pk, kind="embedding", name="m")
    numbers = statistics_of(session)
    assert kinds() == [], "nothing is wrong before"
    damage(session)
    assert kinds() == [kind]
    assert kinds() == [kind], "looking repairs nothing"
    out, code = doctor("--repair")
    assert (code, out.splitlines()[-1]) == (0, "1 difference, 1 repaired, 0 left."), out
    assert doctor() == ("0 differences.\n", 0)
    assert statistics_of(session) == numbers
    assert_whole(session)
    assert_in_place(session)
    assert_in_place(trashed)
    assert_counts_right()
    if damage is not no_workspace:
        assert (inventory.place_of(session.pk, in_trash=damage is workspace_outside_trash) / "content/kept").exists()


def statistics_of(session: Session) -> list[object]:
    """Counters and uses of models, with their times."""
    counters = ProcessingStats.objects.filter(pk=session.pk).values_list(*COUNTERS)
    return [*counters, *ModelUsage.objects.filter(session=session).values_list("kind", "name", "uses", "switches")]


def test_what_killed_changes_of_files_left_is_told_as_events(alice):
    session = make_session(alice)
    file_put_by_the_killed(session)
    file_removed_by_the_killed(session)
    out, code = doctor()
    assert code == 1
    assert "content/new" in out
    assert "content/gone" in out
    put_file(actor=alice, session_id=session.pk, path="content/next", blocks=[b"x"], size=1)  # notes them as it comes
    events = Event.objects.filter(session_id=session.pk, verb__startswith="file_").order_by("pk")
    told = [(event.verb, event.detail["path"], event.actor_name) for event in events]
    assert sorted(told[:2]) == [
        ("file_put", "content/new", "ResearchMind"), ("file_removed", "content/gone", "ResearchMind"),
    ]  # fmt: skip
    assert told[2:] == [("file_put", "content/next", "alice")]
    assert doctor() == ("0 differences.\n", 0)
    assert sorted(path.name for path in workspaces.workspace_path(session.pk).iterdir()) == ["content"]


def test_vectors_of_a_lost_collection_are_one_again(alice):
    session = make_session(alice)
    for number, vector in enumerate(([1, 0], [0, 1])):
        VectorPoint.objects.create(session=session, key=f"{number:020}", vector=floats_of(vector))
    assert doctor()[1] == 1
    out, code = doctor("--repair")
    assert (code, out.split(" ")[0]) == (0, "vectors")
    (nearest,) = search_points(read_collection(session.pk), vector=[0.1, 1], limit=1)
    assert nearest.point_id == 1
    assert doctor() == ("0 differences.\n", 0)


@pytest.mark.parametrize("in_trash", [False, True])
def test_vectors_that_fit_no_collection_are_put_into_a_file(alice, in_trash):
    session = make_session(alice)
    put_points(actor=alice, session_id=session.pk, points=[NewPoint(1, [1, 0], {"a": 1})])
    VectorPoint.objects.create(session=session, key=f"{2:020}", vector=floats_of([3, 4, 0]), payload={"b": 2})
    if in_trash:
        trash_session(actor=alice, session_id=session.pk)
        assert doctor("--repair")[1] == 1, "what lies in the trash waits until it is restored"
        assert VectorPoint.objects.count() == 2, "nobody removes what may be missed"
        restore_session(actor=alice, session_id=session.pk)
    assert doctor("--repair")[1] == 0
    (file,) = (workspaces.workspace_path(session.pk) / "content").glob("stray-vectors-*.jsonl")
    assert json.loads(file.read_text()) == {"point_id": 2, "vector": [3, 4, 0], "payload": {"b": 2}}
    assert VectorPoint.objects.get().key == f"{1:020}"
    assert doctor() == ("0 differences.\n", 0)


def test_a_closed_gap_keeps_the_order_and_is_an_event(alice):
    session = make_session(alice, messages=5)
    Message.objects.filter(session=session, index__in=[0, 3]).delete()
    doctor("--repair")
    assert transcript(session) == ["message 1", "message 2", "message 4"]
    session.refresh_from_db()
    assert (session.message_count, session.version) == (3, 2)
    event = Event.objects.filter(session_id=session.pk).first()
    assert (event.verb, event.actor, event.actor_name) == (Verb.REPAIRED, None, "ResearchMind")


def test_found_again_after_the_index_was_made_anew(alice):
    make_session(alice, "Peat and lichen", messages=4)
    search_without_messages(Session.objects.get())
    doctor("--repair")
    assert search(Query.parse("message"), user_id=alice.pk).results


def test_what_is_not_ours_is_told_and_never_touched(alice):
    session = make_session(alice)
    theirs = [workspaces.root() / "notes.txt", workspaces.root() / str(UUID(int=5)).upper().replace("0", "A")]
    theirs[0].write_text("somebody's")
    theirs[1].mkdir()
    strange = workspaces.create(uuid4())
    (strange / "content" / "thesis").write_text("of another database")
    odd = make_session(alice)
    workspaces.remove(odd.pk)
    workspaces.workspace_path(odd.pk).symlink_to(workspaces.workspace_path(session.pk))
    (workspaces.root() / "lost+found").mkdir()
    workspace_twice(session)
    (workspaces.trashed_path(session.pk) / "content" / "other").write_text("two of them")
    for options in ((), ("--repair",)):
        out, code = doctor(*options)
        assert code == 1
        assert sorted(line.split(" ")[0] for line in out.splitlines()[:-1]) == [
            "directory", "directory", "directory", "workspace", "workspace",
        ], out  # fmt: skip
    assert "5 left" in out.splitlines()[-1]
    assert theirs[0].read_text() == "somebody's"
    assert theirs[1].is_dir()
    assert (strange / "content" / "thesis").exists()
    assert workspaces.workspace_path(odd.pk).is_symlink()
    assert (workspaces.workspace_path(session.pk) / "content" / "kept").exists()
    assert (workspaces.trashed_path(session.pk) / "content" / "other").exists()


def test_what_is_being_made_is_left_alone(alice):
    make_session(alice)
    with staged_workspace() as staged:
        assert kinds(repair=True) == []
        staged.settle(uuid4(), in_trash=False)
        assert kinds(repair=True) == []
