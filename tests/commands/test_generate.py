"""`manage.py generate`: believable data whose counters are right."""

import resource
from collections import Counter
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import Count, Max, Min
from django.utils import timezone

from sessions.exceptions import Invalid
from sessions.models import Event, Message, Role, Session, SessionCount, Status, Tag, Verb, session_count
from sessions.operations.loading import SessionDraft, load_sessions
from sessions.operations.naming import preview_of
from sessions.operations.transcript import NewMessage, append_messages
from sessions.search.query import Query
from sessions.search.results import search
from sessions.storage import workspaces

pytestmark = pytest.mark.django_db(transaction=True)


def _generate(sessions: int, messages: int, **options: object) -> None:
    call_command("generate", sessions=sessions, messages=messages, skip_checks=True, **options)


def test_as_many_as_asked_for_and_every_counter_is_right(capsys) -> None:
    _generate(600, 3_000, seed=1)
    assert Session.objects.count() == 600
    assert Message.objects.count() == 3_000
    counted = Session.objects.annotate(n=Count("messages"), first=Min("messages__index"), last=Max("messages__index"))
    for session in counted:
        assert session.message_count == session.n
        if session.n:
            assert (session.first, session.last) == (0, session.n - 1)
        question = session.messages.filter(role=Role.USER).order_by("index").first()
        assert session.preview == preview_of(question.content if question else "")
    assert "600 sessions with 3,000 messages" in capsys.readouterr().err


def test_the_kept_counts_are_those_of_the_rows_and_few() -> None:
    _generate(600, 600, seed=2)
    kept = SessionCount.objects.by_group(User.objects.get(username="demo").pk)
    rows = SessionCount.objects.count()
    session_count.recount()
    assert sorted(map(str, SessionCount.objects.by_group(User.objects.get().pk))) == sorted(map(str, kept))
    assert rows == SessionCount.objects.count()


def test_it_looks_like_life() -> None:
    _generate(600, 6_000, seed=3)
    now = timezone.now()
    assert {session.status for session in Session.objects.all()} == set(Status.values)
    assert 1 <= Session.objects.filter(pinned=True).count() <= 60
    assert Session.objects.exclude(phase="").count() > 30
    assert Session.objects.values("model").distinct().count() > 5
    assert Session.objects.values("name").distinct().count() > 500
    assert Tag.objects.count() > 20
    assert {message.role for message in Message.objects.all()} == set(Role.values)
    assert Message.objects.filter(content__contains="```python").exists()
    assert Message.objects.exclude(tool_calls=None).exists()
    times = Message.objects.aggregate(oldest=Min("created_at"), newest=Max("created_at"))
    assert now - timedelta(days=367) < times["oldest"] < now - timedelta(days=200)
    assert now - timedelta(days=10) < times["newest"] < now
    assert not Session.objects.filter(updated_at__gt=now).exists()
    counts = Counter(session.message_count for session in Session.objects.all())
    assert max(counts) > 40  # a few get many


def test_messages_come_in_the_order_of_their_times() -> None:
    _generate(5, 200, seed=4)
    for session in Session.objects.all():
        times = list(session.messages.order_by("index").values_list("created_at", flat=True))
        assert times == sorted(times)
        assert session.created_at <= session.updated_at


def test_every_session_has_its_workspace_where_its_status_says() -> None:
    _generate(200, 0, seed=5)
    assert Session.objects.in_trash().exists()
    for session in Session.objects.all():
        assert workspaces.workspace_path(session.pk).is_dir() is not session.in_trash
        assert workspaces.trashed_path(session.pk).is_dir() is session.in_trash


def test_no_workspaces_if_nobody_wants_them() -> None:
    _generate(20, 0, no_workspaces=True)
    assert Session.objects.count() == 20
    assert not workspaces.root().exists()


def test_the_history_tells_how_each_came_to_its_status() -> None:
    _generate(200, 200, seed=6)
    verbs = Counter(Event.objects.values_list("verb", flat=True))
    assert verbs[Verb.CREATED] == 200
    assert verbs[Verb.TRASHED] == Session.objects.in_trash().count()
    assert verbs[Verb.ARCHIVED] == Session.objects.exclude(archived_at=None).count()
    for session in Session.objects.all():
        assert session.version == Event.objects.filter(session_id=session.pk).count()


def test_search_finds_what_was_loaded_and_nothing_twice() -> None:
    _generate(60, 1_500, seed=8)
    _generate(60, 1_500, seed=9)
    owner = User.objects.get(username="demo")
    kept = Session.objects.exclude(status=Status.DELETED)
    for phrase in ("confidence interval", "agree within", "What would"):
        in_messages = Message.objects.filter(session__in=kept, content__icontains=phrase).count()
        in_names = kept.filter(name__icontains=phrase).count()
        found = search(Query.parse(f'"{phrase}"'), user_id=owner.pk)
        assert 0 < found.count == in_messages + in_names < 1_000
    session = kept.exclude(name="").first()
    by_name = search(Query.parse(f'"{session.name}"'), user_id=owner.pk).results
    assert str(session.pk) in {result.session_id for result in by_name if result.index is None}


def test_one_session_gets_all_messages() -> None:
    _generate(1, 12_345)
    assert Session.objects.get().message_count == Message.objects.count() == 12_345


def test_the_same_seed_makes_the_same_texts_beside_what_is_there() -> None:
    _generate(50, 200, seed=7)
    _generate(50, 200, seed=7)
    assert Session.objects.count() == 100
    assert set(Counter(Session.objects.values_list("name", flat=True)).values()) <= {2, 4}
    assert set(Counter(Message.objects.values_list("content", flat=True)).values()) <= set(range(2, 200, 2))


def test_what_is_written_later_gets_ids_of_its_own(alice: User) -> None:
    _generate(3, 30, owner="alice", seed=7)
    session = Session.objects.filter(status=Status.ACTIVE)[0]
    appended = append_messages(actor=alice, session_id=session.pk, messages=[NewMessage("user", "And then?")])
    assert appended.first_index == session.message_count


def test_a_missing_owner_is_made_without_a_password_and_one_that_exists_is_kept(alice: User, capsys) -> None:
    _generate(1, 0, owner="alice")
    assert "password" not in capsys.readouterr().err
    _generate(1, 0)
    assert not User.objects.get(username="demo").has_usable_password()
    assert "changepassword demo" in capsys.readouterr().err
    assert Session.objects.filter(owner=alice).count() == 1


@pytest.mark.parametrize(("sessions", "messages"), [(0, 5), (-1, 0), (1_000_001, 0), (1, -1)])
def test_numbers_out_of_range_are_refused(sessions: int, messages: int) -> None:
    with pytest.raises(CommandError, match="--sessions takes 1 to 1,000,000"):
        _generate(sessions, messages)
    assert not User.objects.exists()


def test_memory_does_not_grow_with_a_transcript() -> None:
    _generate(1, 1_000, no_workspaces=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _generate(1, 30_000, no_workspaces=True)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000  # kB; the messages alone hold more


def test_a_batch_that_breaks_a_rule_leaves_nothing_of_itself(alice: User) -> None:
    drafts = [
        SessionDraft(created_at=timezone.now(), name="Fine", tags=["one"], messages=[NewMessage("user", "Hello")]),
        SessionDraft(created_at=timezone.now(), name="Broken", messages=[NewMessage("user", "a\x00b")]),
    ]
    with pytest.raises(Invalid):
        list(load_sessions(actor=alice, drafts=drafts))
    assert not Session.objects.exists()
    assert not Message.objects.exists()
    assert not Tag.objects.exists()
    assert not workspaces.root().exists() or not list(workspaces.root().iterdir())
