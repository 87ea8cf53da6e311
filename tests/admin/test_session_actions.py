"""What an operator does with sessions from the list: the same operations, workspaces and all."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from sessions.models import Event, Message, Session, Status, Verb, WorkspaceRemoval
from sessions.operations.lifecycle import trash_session
from sessions.storage import workspaces
from tests.factories import make_rows, make_session

pytestmark = pytest.mark.django_db(transaction=True)


def test_archive_restore_and_trash(act, ada, alice, mallory):
    sessions = [make_session(alice), make_session(mallory)]
    assert "2 sessions archived." in act("archive", *sessions)
    assert Session.objects.filter(status=Status.ARCHIVED).count() == 2
    assert "2 sessions restored." in act("restore", *sessions)
    assert "2 sessions moved to the trash." in act("move_to_trash", *sessions)
    for session in sessions:
        assert workspaces.trashed_path(session.pk).is_dir()
        assert not workspaces.workspace_path(session.pk).exists()
    assert "1 session restored." in act("restore", sessions[0])
    assert workspaces.workspace_path(sessions[0].pk).is_dir()
    assert set(Event.objects.exclude(verb=Verb.CREATED).values_list("actor_name", flat=True)) == {"ada"}


def test_what_can_not_be_done_is_named(act, alice):
    trashed, active = make_session(alice, "<b>In the trash</b>"), make_session(alice)
    trash_session(actor=alice, session_id=trashed.pk)
    text = act("archive", trashed, active)
    assert "1 session archived." in text
    assert "&lt;b&gt;In the trash&lt;/b&gt;: There is no session" in text


def test_deleting_for_ever_asks_first_and_names_what_goes(act, alice):
    session = make_session(alice, "<i>Mosses</i>", messages=3)
    (workspaces.workspace_path(session.pk) / "content" / "a.txt").write_text("a")
    text = act("delete_selected", session)
    assert f"&lt;i&gt;Mosses&lt;/i&gt; ({session.short_id}, alice): 3 messages, 1 entry in its workspace" in text
    assert "nothing of them can be restored" in text
    assert Session.objects.exists()


def test_deleting_for_ever_leaves_nothing(act, ada, alice):
    gone, kept = make_session(alice, messages=3), make_session(alice)
    trash_session(actor=alice, session_id=gone.pk)
    act("delete_selected", gone, confirmed=True)
    assert list(Session.objects.all()) == [kept]
    assert not Message.objects.exists()
    assert not workspaces.exists(gone.pk)
    assert workspaces.exists(kept.pk)
    assert not WorkspaceRemoval.objects.exists()
    event = Event.objects.get(verb=Verb.PURGED)
    assert (event.session_id, event.actor) == (gone.pk, ada)


def test_the_page_that_deletes_one(ada_client, ada, alice):
    session = make_session(alice, "Mosses", messages=1)
    address = reverse("admin:research_session_delete", args=[session.pk])
    text = ada_client.get(address).content.decode()
    assert "Mosses" in text
    assert "1 message, 0 entries in its workspace" in text
    ada_client.post(address, {"post": "yes"})
    assert not Session.objects.exists()
    assert not workspaces.exists(session.pk)
    assert Event.objects.get(verb=Verb.PURGED).actor == ada


def test_a_long_transcript_is_not_loaded_to_be_deleted(ada_client, alice, django_assert_max_num_queries):
    session = make_session(alice, messages=200)
    with django_assert_max_num_queries(8) as captured:
        ada_client.get(reverse("admin:research_session_delete", args=[session.pk]))
    assert not [query for query in captured if "research_message" in query["sql"]]


def test_too_many_at_once_are_refused_before_anything_is_done(ada_client, ada, alice):
    make_rows(alice, 501)
    chosen = str(Session.objects.first().pk)
    for action in ("archive", "delete_selected"):
        data = {"action": action, "_selected_action": [chosen], "select_across": "1"}
        answer = ada_client.post(reverse("admin:research_session_changelist"), data, follow=True)
        assert "Nothing was done: at most 500 sessions" in answer.content.decode()
    assert Session.objects.filter(status=Status.ACTIVE).count() == 501


def test_rights_decide_which_actions_there_are(sam_client, alice):
    make_session(alice)
    everything = ("archive", "restore", "move_to_trash", "delete_selected")
    for rights, offered in (
        (["view_session"], ()),
        (["view_session", "change_session"], ("archive", "restore")),
        (["view_session", "delete_session"], ("move_to_trash", "delete_selected")),
    ):
        text = sam_client(*rights).get(reverse("admin:research_session_changelist")).content.decode()
        assert tuple(action for action in everything if f'value="{action}"' in text) == offered


def test_deleting_needs_the_right_to(sam_client, alice):
    session = make_session(alice)
    address = reverse("admin:research_session_delete", args=[session.pk])
    assert sam_client("view_session", "change_session").post(address, {"post": "yes"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [str(session.pk)], "post": "yes"}
    sam_client("view_session", "change_session").post(reverse("admin:research_session_changelist"), data)
    assert Session.objects.exists()


def test_deleting_a_user_purges_what_was_theirs(ada_client, ada, alice, mallory):
    theirs, others = make_session(alice, tags=["one"], messages=2), make_session(mallory)
    address = reverse("admin:auth_user_delete", args=[alice.pk])
    text = ada_client.get(address).content.decode()
    assert "alice: 1 session" in text
    ada_client.post(address, {"post": "yes"})
    assert not User.objects.filter(username="alice").exists()
    assert list(Session.objects.all()) == [others]
    assert not workspaces.exists(theirs.pk)
    assert workspaces.exists(others.pk)
    assert Event.objects.get(verb=Verb.PURGED).actor == ada


def test_deleting_several_users_from_their_list(ada_client, ada, alice, mallory):
    for owner in (alice, mallory):
        make_session(owner)
    data = {"action": "delete_selected", "_selected_action": [alice.pk, mallory.pk], "post": "yes"}
    ada_client.post(reverse("admin:auth_user_changelist"), data)
    assert list(User.objects.all()) == [ada]
    assert not Session.objects.exists()
    assert [path.name for path in workspaces.root().iterdir() if path.name != ".trash"] == []


def test_the_list_of_users_links_to_their_sessions(ada_client, alice):
    make_rows(alice, 3)
    text = ada_client.get(reverse("admin:auth_user_changelist")).content.decode()
    assert f'<a href="/admin/research/session/?owner={alice.pk}">3</a>' in text
