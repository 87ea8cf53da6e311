"""The index follows every change, whoever makes it, and a migration that takes its triggers along."""

import pytest
from django.core.management import call_command
from django.db import connection, migrations, models, transaction
from django.db.migrations.executor import MigrationExecutor

from sessions.models import Message, Session
from sessions.operations.editing import edit_message, remove_system_prompt, restore_revision, set_system_prompt
from sessions.operations.housekeeping import keep_house
from sessions.operations.lifecycle import purge_session, restore_session, trash_session
from sessions.operations.loading import SessionDraft, load_sessions
from sessions.operations.sessions import update_session
from sessions.operations.transcript import append_messages
from sessions.search import index
from sessions.search.query import Query
from sessions.search.results import search
from tests.factories import LONG_AGO, make_session, user_message


def count(owner, text):
    return search(Query.parse(text), user_id=owner.pk).count


def entries() -> int:
    """How many entries the index holds for the word `kernel`, visible or not."""
    speaking = index.vendor()
    condition = "words @@ 'kernel'::tsquery" if connection.vendor == "postgresql" else "{} MATCH 'kernel'"
    total = 0
    for table in (speaking.MESSAGES, speaking.NAMES):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table} WHERE {condition.format(table)}")
            total += cursor.fetchone()[0]
    return total


@pytest.mark.django_db
def test_it_follows_the_operations(alice):
    session = make_session(alice, "first", messages=[user_message("alpha"), user_message("beta")])
    pk = session.pk
    append_messages(actor=alice, session_id=pk, messages=[user_message("gamma")])
    assert [count(alice, word) for word in ("alpha", "beta", "gamma", "first")] == [1, 1, 1, 1]
    edit_message(actor=alice, session_id=pk, index=1, content="delta")
    assert [count(alice, word) for word in ("beta", "gamma", "delta")] == [0, 0, 1]
    restore_revision(actor=alice, session_id=pk, number=1)
    assert [count(alice, word) for word in ("beta", "gamma", "delta")] == [1, 1, 0]
    set_system_prompt(actor=alice, session_id=pk, content="epsilon")
    set_system_prompt(actor=alice, session_id=pk, content="zeta")
    assert [count(alice, word) for word in ("epsilon", "zeta", "gamma")] == [0, 1, 1]
    remove_system_prompt(actor=alice, session_id=pk)
    update_session(actor=alice, session_id=pk, name="second")
    assert [count(alice, word) for word in ("zeta", "first", "second")] == [0, 0, 1]
    trash_session(actor=alice, session_id=pk)
    assert [count(alice, word) for word in ("alpha", "second")] == [0, 0]
    restore_session(actor=alice, session_id=pk)
    assert [count(alice, word) for word in ("alpha", "second")] == [1, 1]
    purge_session(actor=alice, session_id=pk)
    assert [count(alice, word) for word in ("alpha", "second")] == [0, 0]


@pytest.mark.django_db
@pytest.mark.parametrize("way", ["purge", "object", "rows", "user", "messages", "sql"])
def test_nothing_is_left_behind(alice, way):
    session = make_session(alice, "kernel", messages=[user_message("kernel 日本"), user_message("a kernel")])
    assert entries() == 3
    if way == "purge":
        purge_session(actor=alice, session_id=session.pk)
    elif way == "object":
        session.delete()
    elif way == "rows":
        Session.objects.filter(owner=alice).delete()
    elif way == "user":
        alice.delete()
    else:
        Message.objects.all().delete()
        assert entries() == 1
        Session.objects.all().delete()
    assert entries() == 0


@pytest.mark.django_db
def test_it_follows_changes_past_the_operations(alice, mallory):
    one, two = make_session(alice, messages=[user_message("kernel")]), make_session(mallory, "kernel")
    Message.objects.update(content="日本 kernels")
    Session.objects.filter(pk=two.pk).update(name="two")
    assert (count(alice, "kernel"), count(alice, "kernels"), count(alice, "本"), count(mallory, "two")) == (0, 1, 1, 1)
    Message.objects.update(session=two)
    assert (count(alice, "kernels"), count(mallory, "kernels")) == (0, 1)
    Session.objects.filter(pk=two.pk).update(owner=alice)
    assert (count(alice, "kernels"), count(mallory, "kernels"), count(alice, "two")) == (1, 0, 1)
    assert entries() == 0
    assert one.pk != two.pk


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_change_is_not_found(alice):
    session = make_session(alice, messages=[user_message("kernel")])
    with transaction.atomic():
        append_messages(actor=alice, session_id=session.pk, messages=[user_message("kernel")])
        Session.objects.filter(pk=session.pk).update(name="kernel")
        transaction.set_rollback(True)
    assert count(alice, "kernel") == 1


@pytest.mark.django_db(transaction=True)
def test_bulk_loading_is_found(alice):
    """Messages are stored before the session that they belong to."""
    drafts = [SessionDraft(LONG_AGO, [user_message(f"kernel {n}")] * 3, name="kernel") for n in range(4)]
    list(load_sessions(actor=alice, drafts=drafts))
    assert count(alice, "kernel") == 16
    assert entries() == 16


@pytest.mark.django_db(transaction=True)
def test_a_table_that_was_rebuilt_without_its_triggers(alice):
    """SQLite drops a table's triggers with the table, without a word. `migrate` indexes what was missed."""
    session = make_session(alice, "kernel", messages=[user_message("kernel one")])
    before = MigrationExecutor(connection).loader.project_state()
    wider = migrations.AlterField("message", "tool_name", models.CharField(max_length=300, blank=True, default=""))
    after = before.clone()
    wider.state_forwards("research", after)
    index.make_way(plan=[(migrations.Migration("0099_wider", "research"), False)])
    with connection.schema_editor() as editor:
        wider.database_forwards("research", editor, before, after)
    try:
        Message.objects.create(session=session, index=9, role="user", content="kernel two")
        if connection.vendor == "sqlite":
            assert count(alice, "kernel") == 2, "the triggers are gone; without this there is nothing to prove"
        index.install()
        assert count(alice, "kernel") == 3
        append_messages(actor=alice, session_id=session.pk, messages=[user_message("another")])
        assert count(alice, "another") == 1
        Message.objects.filter(content="kernel one").delete()
        assert count(alice, "kernel") == entries() == 2
    finally:
        index.make_way(plan=[(migrations.Migration("0099_wider", "research"), True)])
        with connection.schema_editor() as editor:
            wider.database_backwards("research", editor, after, before)
        index.install()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["research_message", "research_session"])
def test_migrate_puts_a_lost_trigger_back_and_indexes_what_it_missed(alice, table):
    name = "message_in" if table == "research_message" else "session_in"
    with connection.cursor() as cursor:
        on_table = f" ON {table}" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER research_search_{name}{on_table}")
    make_session(alice, "kernel", messages=[user_message("kernel")])
    assert count(alice, "kernel") < 2
    call_command("migrate", verbosity=0)
    assert count(alice, "kernel") == 2


@pytest.mark.django_db(transaction=True)
def test_migrate_leaves_an_index_alone_that_is_whole(alice, monkeypatch):
    monkeypatch.setattr(index.vendor(), "build", None)
    call_command("migrate", verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_it_can_be_made_anew(alice, capsys):
    make_session(alice, "kernel", messages=[user_message("kernel"), user_message("日本語")])
    with connection.cursor() as cursor:
        index.vendor().drop(cursor)
    call_command("rebuild_search")
    assert "2 messages are indexed" in capsys.readouterr().out
    assert (count(alice, "kernel"), count(alice, "本語"), entries()) == (2, 1, 2)
    keep_house()
    assert count(alice, "kernel") == 2
