"""One session in the admin: looked at, changed, made."""

import json

import pytest
from django.urls import reverse

from sessions.models import Event, Session, Verb
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sessions import update_session
from sessions.storage import workspaces
from tests.factories import make_session, user_message
from tests.statements import counted_statements

pytestmark = pytest.mark.django_db(transaction=True)
OBJECTS = ("metadata", "configuration", "tool_settings", "agent_settings", "context_window_config")
INLINE = {"messages-TOTAL_FORMS": "0", "messages-INITIAL_FORMS": "0"}


def address(session: Session) -> str:
    return reverse("admin:research_session_change", args=[session.pk])


def typed(session: Session, **changes: object) -> dict[str, object]:
    """What the form would send, with these changes."""
    values: dict[str, object] = {
        "name": session.name,
        "description": session.description,
        "tag_words": ", ".join(session.tags.values_list("name", flat=True)),
        "model": session.model,
        "phase": session.phase,
        "ttl_seconds": session.ttl_seconds or "",
        "version_seen": session.version,
        **{name: json.dumps(getattr(session, name)) for name in OBJECTS},
    }
    return (
        INLINE | values | {"pinned": "on"} * session.pinned | changes if session.pinned else INLINE | values | changes
    )


def save(client, session: Session, **changes: object):
    return client.post(address(session), typed(session, **changes), follow=True)


def test_it_shows_workspace_and_last_messages(ada_client, alice):
    session = make_session(alice, messages=30)
    (workspaces.workspace_path(session.pk) / "content" / "a.txt").write_text("a")
    (workspaces.workspace_path(session.pk) / ".mcp-vector-search").mkdir()
    text = ada_client.get(address(session)).content.decode()
    assert str(workspaces.workspace_path(session.pk)) in text
    assert 'alt="True"' in text
    assert '<div class="readonly">1</div>' in text
    assert "message 29" in text
    assert "message 10" in text
    assert "message 9<" not in text
    assert text.index("message 29") < text.index("message 28")


def test_a_long_transcript_is_not_read_for_it(ada_client, alice):
    session = make_session(alice, messages=300)
    with counted_statements() as statements:
        ada_client.get(address(session))
    assert [sql for sql in statements if 'FROM "research_message"' in sql and '"index" >= 280' in sql]
    assert len(statements) <= 14


def test_a_long_message_is_shortened_and_hostile_ones_are_text(ada_client, alice):
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    session = make_session(
        alice, hostile, messages=[user_message("x" * 5_000), user_message(hostile)], description=hostile, tags=[hostile]
    )
    text = ada_client.get(address(session)).content.decode()
    assert "x" * 300 not in text
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_changes_go_through_the_operation(ada_client, ada, alice):
    session = make_session(alice, "Old", tags=["one"], metadata={"gone": 1, "kept": 2})
    answer = save(
        ada_client,
        session,
        name="New",
        tag_words="Two, three",
        pinned="on",
        ttl_seconds="60",
        metadata='{"kept": 2, "new": 3}',
    )
    assert "was changed successfully" in answer.content.decode()
    session.refresh_from_db()
    assert (session.name, session.pinned, session.ttl_seconds) == ("New", True, 60)
    assert session.metadata == {"kept": 2, "new": 3}
    assert list(session.tags.order_by("name").values_list("name", flat=True)) == ["three", "two"]
    assert session.version == 2
    events = Event.objects.filter(session_id=session.pk).exclude(verb=Verb.CREATED)
    assert {event.verb for event in events} == {Verb.RENAMED, Verb.PINNED, Verb.TAGGED, Verb.UPDATED}
    assert {event.actor for event in events} == {ada}


def test_saving_without_a_change_changes_nothing(ada_client, alice):
    session = make_session(alice, tags=["one"], metadata={"a": [1]}, description="Two\nlines")
    save(ada_client, session)
    session.refresh_from_db()
    assert session.version == 1


def test_a_page_opened_before_another_change_is_not_saved_over_it(ada_client, alice):
    session = make_session(alice, "Old")
    update_session(actor=alice, session_id=session.pk, name="Changed by Alice")
    text = save(ada_client, session, description="typed").content.decode()
    assert "has changed since this page was opened" in text
    assert "typed" in text
    session.refresh_from_db()
    assert (session.name, session.description) == ("Changed by Alice", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "  "}, "This field is required"),
        ({"name": "x" * 256}, "at most 255"),
        ({"tag_words": "x" * 101}, "At most 100 characters"),
        ({"tag_words": ",".join(map(str, range(60)))}, "At most 50 tags"),
        ({"ttl_seconds": "0"}, "Between 1 and"),
        ({"ttl_seconds": "99999999999"}, "2147483647"),
        ({"phase": "unheard of"}, "Select a valid choice"),
        ({"metadata": "[1]"}, "A JSON object in braces"),
        ({"metadata": "{"}, "This isn’t JSON"),
        ({"metadata": '{"a": ' + "9" * 5000 + "}"}, "This isn’t JSON"),
        ({"metadata": '{"a":' * 100_000}, "This isn’t JSON"),
        ({"metadata": '{"a": NaN}'}, "NaN"),
        ({"metadata": '{"a": "\\u0000"}'}, "NUL"),
        ({"metadata": '{"a": "\\ud800"}'}, "Unicode"),
        ({"metadata": '{"a":' * 70 + "1" + "}" * 70}, "At most 64 levels"),
    ],
)
def test_what_the_operations_would_not_take_is_said_in_place(ada_client, alice, changes, said):
    session = make_session(alice, "Kept")
    answer = save(ada_client, session, **changes)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    session.refresh_from_db()
    assert (session.name, session.version) == ("Kept", 1)


def test_nothing_in_the_trash_can_be_changed(ada_client, alice):
    session = make_session(alice, "Kept", tags=["shown"])
    trash_session(actor=alice, session_id=session.pk)
    text = ada_client.get(address(session)).content.decode()
    assert "shown" in text
    assert str(workspaces.trashed_path(session.pk)) in text
    assert 'name="_save"' not in text
    assert save(ada_client, session, name="Changed").status_code == 403
    session.refresh_from_db()
    assert session.name == "Kept"


def test_an_archived_one_can_be_renamed(ada_client, alice):
    session = make_session(alice, "Old")
    session = archive_session(actor=alice, session_id=session.pk)
    save(ada_client, session, name="New")
    session.refresh_from_db()
    assert session.name == "New"


def test_what_only_the_write_finds_is_said_on_the_same_page(ada_client, alice, workspace_root):
    workspace_root.write_text("a file where the directory should be")
    data = INLINE | {"owner": "alice", "name": "No room"} | dict.fromkeys(OBJECTS, "")
    text = ada_client.post(reverse("admin:research_session_add"), data, follow=True).content.decode()
    assert "Could not make the workspace" in text
    assert not Session.objects.exists()


def test_adding_makes_the_workspace_and_belongs_to_whom_it_says(ada_client, ada, alice):
    page = ada_client.get(reverse("admin:research_session_add")).content.decode()
    assert 'value="ada"' in page
    data = INLINE | {"owner": "alice", "name": "For Alice", "tag_words": "gift", "metadata": '{"a": 1}'}
    answer = ada_client.post(reverse("admin:research_session_add"), data, follow=True)
    assert "was added successfully" in answer.content.decode()
    session = Session.objects.get()
    assert (session.owner, session.name, session.metadata) == (alice, "For Alice", {"a": 1})
    assert session.tags.get().name == "gift"
    assert workspaces.workspace_path(session.pk).is_dir()
    assert Event.objects.get(verb=Verb.CREATED).actor == ada


def test_adding_without_a_name_or_for_nobody(ada_client, alice):
    add = reverse("admin:research_session_add")
    ada_client.post(add, INLINE | {"owner": "alice"}, follow=True)
    assert Session.objects.get().name == "Untitled session"
    assert "There is no user with this name" in ada_client.post(add, INLINE | {"owner": "nobody"}).content.decode()
    assert Session.objects.count() == 1


def test_buttons_do_what_they_say_and_come_back(ada_client, ada, alice):
    session = make_session(alice)
    act = reverse("admin:research_session_act", args=[session.pk])
    for action, status, offered in (
        ("archive", "archived", ["Restore", "Move to the trash"]),
        ("restore", "active", ["Archive", "Move to the trash"]),
        ("delete", "deleted", ["Restore"]),
        ("restore", "active", ["Archive", "Move to the trash"]),
    ):
        answer = ada_client.post(act, {"action": action}, follow=True)
        session.refresh_from_db()
        assert session.status == status
        assert answer.redirect_chain[0][0] == address(session)
        text = answer.content.decode()
        assert [
            label for label in ("Archive", "Restore", "Move to the trash") if f'class="tool">{label}<' in text
        ] == offered
        assert workspaces.workspace_path(session.pk).is_dir() is (status != "deleted")
    assert set(Event.objects.exclude(verb=Verb.CREATED).values_list("actor_name", flat=True)) == {"ada"}


@pytest.mark.parametrize("action", ["purge", "pin", "", "nonsense"])
def test_buttons_do_nothing_else(ada_client, alice, action):
    session = make_session(alice)
    assert (
        ada_client.post(reverse("admin:research_session_act", args=[session.pk]), {"action": action}).status_code == 403
    )
    assert Session.objects.filter(pk=session.pk, status="active", pinned=False).exists()


def test_buttons_want_post_an_id_and_rights(ada_client, sam_client, alice_client, alice):
    session = make_session(alice)
    act = reverse("admin:research_session_act", args=[session.pk])
    assert ada_client.get(act).status_code == 405
    for unknown in ("nonsense", "00000000-0000-4000-8000-000000000000"):
        gone = reverse("admin:research_session_act", args=[unknown])
        assert ada_client.post(gone, {"action": "archive"}).status_code == 404
    assert sam_client("view_session").post(act, {"action": "archive"}).status_code == 403
    assert sam_client("change_session").post(act, {"action": "delete"}).status_code == 403
    assert alice_client.post(act, {"action": "archive"}, follow=True).status_code == 403
    session.refresh_from_db()
    assert session.status == "active"


def test_no_link_to_a_page_that_an_administrator_can_not_open(ada_client, alice):
    assert "viewsitelink" not in ada_client.get(address(make_session(alice))).content.decode()
