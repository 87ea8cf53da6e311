import pytest
from django.db import transaction
from sessions.operations.sessions import create_session, update_session
from sessions.operations.transcript import append_messages, NewMessage
from sessions.operations.editing import *
from sessions.operations.lifecycle import *
from sessions.models import *
from sessions.models import session_count
from sessions.models.session_list import *
from sessions.storage import workspaces

@pytest.mark.django_db(transaction=True)
def test_all(alice):
    s = create_session(actor=alice, name="One", tags=["A", "b"], messages=[NewMessage("user","hi"), NewMessage("assistant","yo", tool_calls=[{"a":1}])])
    assert workspaces.workspace_path(s.pk).is_dir()
    a = append_messages(actor=alice, session_id=s.short_id, messages=[NewMessage("user","two"), NewMessage("assistant", "x")])
    assert a.first_index == 2 and a.message_count == 4 and len(a.message_ids)==2
    edit_message(actor=alice, session_id=s.pk, index=2, content="two!")
    assert [m.content for m in Message.objects.of(s.pk)] == ["hi","yo","two!"]
    restore_revision(actor=alice, session_id=s.pk, number=1)
    assert [m.content for m in Message.objects.of(s.pk)] == ["hi","yo","two","x"]
    set_system_prompt(actor=alice, session_id=s.pk, content="sys")
    restore_revision(actor=alice, session_id=s.pk, number=2)
    assert [m.content for m in Message.objects.of(s.pk)] == ["sys","hi","yo","two!"]
    remove_system_prompt(actor=alice, session_id=s.pk)
    assert [(m.index,m.content) for m in Message.objects.of(s.pk)] == [(0,"hi"),(1,"yo"),(2,"two!")]
    page = list_sessions(SessionFilter(alice.pk), limit=1)
    assert page.rows[0]["tags"] == ["a","b"] and page.next is None
    assert count_sessions(SessionFilter(alice.pk)) == 1
    t = create_session(actor=alice, name="Two")
    page = list_sessions(SessionFilter(alice.pk), limit=1)
    assert page.next
    page2 = list_sessions(SessionFilter(alice.pk), limit=1, after=decode_position(encode_position(page.next,"-updated_at"),"-updated_at"))
    assert page2.rows[0]["id"] == str(s.pk) and page2.next is None
    trash_session(actor=alice, session_id=s.pk)
    assert not workspaces.workspace_path(s.pk).exists()
    session_count.compact()
    assert count_sessions(SessionFilter(alice.pk)) == 1
    restore_session(actor=alice, session_id=s.pk)
    assert workspaces.workspace_path(s.pk).exists()
    assert count_sessions(SessionFilter(alice.pk)) == 2
    purge_session(actor=alice, session_id=s.pk)
    assert not workspaces.exists(s.pk)
    alice.delete()
    assert not workspaces.exists(t.pk)
    assert WorkspaceRemoval.objects.count() == 0
    session_count.compact()
    assert SessionCount.objects.count() == 0

@pytest.mark.django_db(transaction=True)
def test_rollback(alice):
    try:
        with transaction.atomic():
            s = create_session(actor=alice, name="One")
            assert workspaces.exists(s.pk)
            raise ValueError
    except ValueError: pass
    assert not workspaces.exists(s.pk)
    s = create_session(actor=alice, name="One")
    try:
        with transaction.atomic():
            Session.objects.all().delete()
            raise ValueError
    except ValueError: pass
    assert workspaces.exists(s.pk)
