"""create_session: the row, its transcript and its workspace together, or nothing."""

import stat

import pytest
from django.db import DatabaseError, connection, transaction

from sessions.access import Actor
from sessions.exceptions import Invalid, NotAllowed, ReadOnlyToken
from sessions.models import Event, Session, Tag, Verb
from sessions.operations.sessions import create_session
from sessions.operations.transcript import NewMessage
from sessions.storage import workspaces
from tests.factories import LONG_AGO, assistant_message, make_session, user_message
from tests.whole import assert_in_place, assert_whole, transcript

committed = pytest.mark.django_db(transaction=True)


@committed
def test_row_and_private_directory(alice):
    session = create_session(actor=alice, name="  Lichens ", description="Of the north", tags=["Field Work"])
    assert Session.objects.get() == session
    assert (session.name, session.owner, session.version, session.message_count) == ("Lichens", alice, 1, 0)
    path = workspaces.workspace_path(session.pk)
    assert [entry.name for entry in path.iterdir()] == ["content"]
    for directory in (path, path / "content", path.parent):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert_in_place(session)


def test_messages_get_indexes_and_authors(alice):
    session = make_session(
        alice, system_prompt="Be brief.", system_prompt_source_file="prompts/brief.md", messages=3, model="llama3"
    )
    assert transcript(session) == ["Be brief.", "message 0", "message 1", "message 2"]
    assert_whole(session)
    system, user, assistant, _ = session.messages.order_by("index")
    assert (system.role, system.source_file, system.author) == ("system", "prompts/brief.md", alice)
    assert (user.role, user.author) == ("user", alice)
    assert (assistant.role, assistant.author) == ("assistant", None)


def test_message_times_are_kept_or_now(alice):
    session = make_session(alice, messages=[user_message(created_at=LONG_AGO), assistant_message()])
    first, second = session.messages.order_by("index")
    assert first.created_at == LONG_AGO
    assert second.created_at == session.created_at


@pytest.mark.parametrize(
    ("given", "name", "automatic"),
    [
        ({"name": "Given", "messages": [user_message("Asked")]}, "Given", False),
        ({"messages": [user_message("\n  What   is a\tmoss?\nTell me.")]}, "What is a moss?", True),
        ({"messages": [assistant_message("Hello"), user_message("Asked")]}, "Asked", True),
        ({"model": "llama3"}, "Untitled session", True),
        ({"messages": [user_message("x" * 81)]}, "x" * 79 + "…", True),
        ({"messages": [user_message("x" * 80)]}, "x" * 80, True),
    ],
)
def test_name_is_given_or_comes_from_the_first_user_message(alice, given, name, automatic):
    session = create_session(actor=alice, **given)
    assert (session.name, session.name_is_automatic) == (name, automatic)


@pytest.mark.parametrize("length", [99, 100, 101, 5000])
def test_preview_is_whole_up_to_100_characters(alice, length):
    text = ("äé🌱 " * length)[:length]
    session = make_session(alice, messages=[user_message(text)])
    assert session.preview == (text if length <= 100 else text[:97] + "...")
    assert Session.objects.get().preview == session.preview


def test_tags_are_made_once_and_belong_to_the_owner(alice, mallory):
    make_session(alice, tags=["Moss", "MOSS ", "field"])
    make_session(alice, tags=["moss"])
    make_session(mallory, tags=["moss"])
    assert sorted(Tag.objects.values_list("owner__username", "name")) == [
        ("alice", "field"), ("alice", "moss"), ("mallory", "moss"),
    ]  # fmt: skip


def test_is_told_in_an_event(alice):
    session = make_session(alice, "Lichens", messages=2)
    event = Event.objects.get()
    assert (event.session_id, event.actor, event.actor_name, event.verb) == (session.pk, alice, "alice", Verb.CREATED)
    assert event.detail == {"name": "Lichens", "messages": 2}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " \n"},
        {"name": "x" * 256},
        {"name": "a\x00b"},
        {"name": "half \ud800 pair"},
        {"description": "x" * 1025},
        {"model": "x" * 256},
        {"metadata": {"a": float("nan")}},
        {"metadata": {"a": "\x00"}},
        {"metadata": {"\ud800": 1}},
        {"configuration": {"a": 2**63}},
        {"phase": "dreaming"},
        {"ttl_seconds": 0},
        {"ttl_seconds": 2**31},
        {"tags": ["a,b"]},
        {"tags": ["  "]},
        {"tags": ["x" * 101]},
        {"tags": [f"tag {number}" for number in range(51)]},
        {"system_prompt": "\x00"},
        {"messages": [NewMessage(role="robot", content="")]},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_what_breaks_a_rule_leaves_nothing(alice, workspace_root, wrong):
    with pytest.raises(Invalid) as refused:
        create_session(actor=alice, **({"name": "One"} | wrong))
    assert refused.value.errors, "says where"
    assert not Session.objects.exists()
    assert not Tag.objects.exists()
    assert not workspace_root.exists() or not list(workspace_root.iterdir())


def test_nesting_ends_at_64(alice):
    def nested(levels):
        return {"a": nested(levels - 1)} if levels else {}

    assert make_session(alice, metadata=nested(64)).metadata == nested(64)
    with pytest.raises(Invalid):
        make_session(alice, metadata=nested(65))


def make_in_a_transaction_that(ends_in, alice):
    with transaction.atomic():
        made = make_session(alice, messages=2)
        assert workspaces.exists(made.pk)
        ends_in()
    return made


def zero_division():
    raise ZeroDivisionError


@committed
def test_rollback_of_an_outer_transaction_takes_the_directory_along(alice, workspace_root):
    with pytest.raises(ZeroDivisionError):
        make_in_a_transaction_that(zero_division, alice)
    assert not Session.objects.exists()
    assert list(workspace_root.iterdir()) == []


@committed
def test_rollback_to_a_savepoint_takes_that_directory_alone(alice, workspace_root):
    with transaction.atomic():
        kept = make_session(alice, "Kept")
        with pytest.raises(ZeroDivisionError):
            make_in_a_transaction_that(zero_division, alice)
        assert [path.name for path in workspace_root.iterdir()] == [str(kept.pk)]
    assert_in_place(kept)


@committed
def test_a_statement_that_fails_later_in_the_same_transaction_leaves_nothing(alice, workspace_root):
    def fail():
        connection.cursor().execute("SELECT nothing FROM nowhere")

    with pytest.raises(DatabaseError):
        make_in_a_transaction_that(fail, alice)
    assert not Session.objects.exists()
    assert list(workspace_root.iterdir()) == []


@committed
def test_a_connection_that_is_lost_in_the_transaction_leaves_nothing(alice, workspace_root):
    def lose():
        connection.close()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        make_in_a_transaction_that(lose, alice)
    assert not Session.objects.exists()
    assert list(workspace_root.iterdir()) == []


@committed
def test_another_callback_that_fails_after_the_commit_costs_no_directory(alice):
    """Django drops the callbacks that come after one that raises, as it does in a rollback."""

    def make():
        with transaction.atomic():
            transaction.on_commit(zero_division)
            make_session(alice)

    with pytest.raises(ZeroDivisionError):
        make()
    assert_in_place(Session.objects.get())


def test_a_read_token_makes_none(alice):
    with pytest.raises(ReadOnlyToken):
        create_session(actor=Actor(alice.pk, "alice", scope="read"), name="One")


def test_a_token_for_one_session_makes_no_other(alice):
    session = make_session(alice)
    with pytest.raises(NotAllowed):
        create_session(actor=Actor(alice.pk, "alice", only_session=session.pk), name="Two")
