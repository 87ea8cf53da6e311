"""The kept counts are those of the tables, whoever writes and whatever a migration does to the tables."""

import pytest
from django.core.management import call_command
from django.db import connection, migrations, models, transaction
from django.db.migrations.executor import MigrationExecutor
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from sessions.models import Session, SessionCount, SessionTag, Status, Tag, session_count
from sessions.operations.lifecycle import archive_session, purge_session, restore_session, trash_session
from sessions.operations.sessions import update_session
from sessions.search import index
from tests.factories import make_rows, make_session
from tests.statements import assert_statements
from tests.together import raise_errors, together
from tests.whole import assert_counts_right, counted, kept_counts

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=3)


class Counting(RuleBasedStateMachine):
    """All that may happen to the sessions of two owners, through the operations and past them."""

    def __init__(self, alice, mallory):
        super().__init__()
        Session.objects.all().delete()
        self.owners = [alice, mallory]

    def some(self, data):
        sessions = list(Session.objects.order_by("name", "id"))
        return data.draw(st.sampled_from(sessions)) if sessions else None

    @rule(owner=st.integers(0, 1), tags=WORDS, pinned=st.booleans())
    def create(self, owner, tags, pinned):
        session = make_session(self.owners[owner], f"Session {Session.objects.count():03}", tags=tags)
        if pinned:
            update_session(actor=session.owner, session_id=session.pk, pinned=True)

    @rule(data=st.data(), tags=WORDS, pinned=st.booleans())
    def update(self, data, tags, pinned):
        session = self.some(data)
        if session and not session.in_trash:
            update_session(actor=session.owner, session_id=session.pk, tags=tags, pinned=pinned)

    @rule(data=st.data(), change=st.sampled_from([archive_session, trash_session, restore_session, purge_session]))
    def live(self, data, change):
        session = self.some(data)
        if session and (not session.in_trash or change in (restore_session, purge_session)):
            change(actor=session.owner, session_id=session.pk)

    @rule(
        values=st.fixed_dictionaries(
            {}, optional={"status": st.sampled_from(Status.values), "pinned": st.booleans(), "owner": st.integers(0, 1)}
        ),
        only=st.sampled_from([{}, {"pinned": True}, {"status": "active"}, {"tags__name": "a"}]),
    )
    def update_past_the_operations(self, values, only):
        if "owner" in values:
            values = values | {"owner": self.owners[values["owner"]]}
        if values:
            Session.objects.filter(**only).update(**values)

    @rule(data=st.data(), word=st.sampled_from("abc"))
    def tag_past_the_operations(self, data, word):
        session = self.some(data)
        if session:
            tag, _ = Tag.objects.get_or_create(owner=session.owner, name=word)
            SessionTag.objects.get_or_create(session=session, tag=tag)

    @rule(word=st.sampled_from("abc"), other=st.sampled_from("abc"))
    def retag_past_the_operations(self, word, other):
        for row in SessionTag.objects.filter(tag__name=word):
            tag, _ = Tag.objects.get_or_create(owner=row.session.owner, name=other)
            if not SessionTag.objects.filter(session=row.session, tag=tag).exists():
                row.tag = tag
                row.save()

    @rule(way=st.sampled_from(["tag", "rows", "archived", "one owner's"]))
    def delete_past_the_operations(self, way):
        if way == "tag":
            Tag.objects.filter(name="a").delete()
        elif way == "rows":
            SessionTag.objects.filter(tag__name="b").delete()
        elif way == "archived":
            Session.objects.filter(status=Status.ARCHIVED).delete()
        else:
            Session.objects.filter(owner=self.owners[1], pinned=True).delete()

    @rule()
    def compact(self):
        session_count.compact()
        assert SessionCount.objects.count() == len(counted())

    @invariant()
    def counts_are_right(self):
        assert_counts_right()


def count_through(alice, mallory, **values):
    run_state_machine_as_test(
        lambda: Counting(alice, mallory),
        settings=settings(**values),
    )


@pytest.mark.django_db
def test_they_never_drift(alice, mallory):
    count_through(alice, mallory, max_examples=20, stateful_step_count=15)


@pytest.mark.soak
@pytest.mark.django_db
def test_they_never_drift_for_long(alice, mallory):
    count_through(alice, mallory, max_examples=300, stateful_step_count=60)


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_and_the_worker_that_adds_up(alice):
    sessions = [make_session(alice, tags=["a"]) for _ in range(4)]

    def write(session):
        for number in range(6):
            update_session(actor=alice, session_id=session.pk, pinned=number % 2 == 0, tags=[f"tag {number}"])
            trash_session(actor=alice, session_id=session.pk)
            restore_session(actor=alice, session_id=session.pk)
        make_session(alice, tags=["a", "b"])

    def add_up():
        for _ in range(15):
            session_count.compact()

    raise_errors(together(*[lambda session=session: write(session) for session in sessions], add_up, add_up))
    assert_counts_right()
    session_count.compact()
    assert_counts_right()


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_change_was_never_counted(alice):
    make_session(alice, tags=["a"])
    before = kept_counts()
    with transaction.atomic():
        make_session(alice, tags=["a", "b"])
        Session.objects.update(pinned=True)
        transaction.set_rollback(True)
    assert kept_counts() == before
    assert_counts_right()


def altered(model_name, field_name, field):
    """The states before and after a migration that alters a field, and the operation."""
    before = MigrationExecutor(connection).loader.project_state()
    operation = migrations.AlterField(model_name, field_name, field)
    after = before.clone()
    operation.state_forwards("research", after)
    return before, after, operation


def make_way(plan):
    """What `pre_migrate` does: everything that has triggers takes them away."""
    session_count.make_way(plan=plan)
    index.make_way(plan=plan)


def install():
    """What `post_migrate` does."""
    session_count.install()
    index.install()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("model_name", "field_name", "wider"),
    [
        ("session", "description", models.CharField(max_length=2000, blank=True, default="")),
        ("session", "status", models.CharField(max_length=20, default="active")),
        ("sessiontag", "tag", models.ForeignKey("research.Tag", models.CASCADE, related_name="+", db_index=False)),
    ],
)
def test_they_survive_migrations_that_rebuild_the_tables(alice, model_name, field_name, wider):
    """As `migrate` does it: signal, change, signal. On SQLite the change drops the table and makes it anew."""
    make_session(alice, tags=["a", "b"])
    before, after, operation = altered(model_name, field_name, wider)
    plan = [(migrations.Migration("0002_wider", "research"), False)]
    make_way(plan)
    with connection.schema_editor() as editor:
        operation.database_forwards("research", editor, before, after)
    Session.objects.update(pinned=True)
    install()
    assert_counts_right()
    make_session(alice, tags=["c"])
    trash_session(actor=alice, session_id=Session.objects.first().pk)
    assert_counts_right()
    make_way(plan)
    with connection.schema_editor() as editor:
        operation.database_backwards("research", editor, after, before)
    install()
    make_session(alice, tags=["c"])
    assert_counts_right()


@pytest.mark.django_db(transaction=True)
def test_migrate_makes_way_for_our_migrations_alone(alice):
    session_count.make_way(plan=[(migrations.Migration("0099_x", "auth"), False)])
    make_session(alice)
    assert_counts_right()
    session_count.make_way(plan=[(migrations.Migration("0099_x", "research"), False)])
    make_session(alice)
    assert kept_counts() != counted()
    call_command("migrate", verbosity=0)
    assert_counts_right()


@pytest.mark.soak  # every migration back and forth
@pytest.mark.django_db(transaction=True)
def test_before_the_table_exists_there_is_nothing_to_do():
    """`migrate research zero` sends the signals too."""
    tables = connection.introspection.table_names()
    call_command("migrate", "research", "zero", verbosity=0)
    try:
        assert "research_session" not in connection.introspection.table_names()
        session_count.install()
        session_count.make_way(plan=[(migrations.Migration("0099_x", "research"), False)])
    finally:
        call_command("migrate", verbosity=0)
    assert sorted(connection.introspection.table_names()) == sorted(tables)


@pytest.mark.django_db
def test_counting_is_one_statement_whatever_the_number(alice):
    for amount in (3, 300):
        make_rows(alice, amount, tags=["a", "b"])
        with assert_statements(exactly=1):
            SessionCount.objects.sessions(alice.pk, [Status.ACTIVE, Status.ARCHIVED])
        with assert_statements(exactly=1):
            SessionCount.objects.by_group(alice.pk)


@pytest.mark.django_db
def test_questions(alice, mallory):
    make_rows(alice, 3, tags=["a"])
    make_rows(alice, 2, tags=["a", "b"], pinned=True)
    make_rows(alice, 1, status=Status.ARCHIVED)
    make_rows(mallory, 7, tags=["a"])
    ask = SessionCount.objects
    assert ask.sessions(alice.pk, [Status.ACTIVE]) == 5
    assert ask.sessions(alice.pk, [Status.ACTIVE], pinned=True) == 2
    assert ask.sessions(alice.pk, [Status.ACTIVE, Status.ARCHIVED], pinned=False) == 4
    assert ask.sessions(alice.pk, [Status.DELETED]) == 0
    assert ask.sessions(alice.pk, []) == 0
    assert set(ask.by_group(alice.pk)) == {
        (None, "active", False, 3), (None, "active", True, 2), (None, "archived", False, 1),
        ("a", "active", False, 3), ("a", "active", True, 2), ("b", "active", True, 2),
    }  # fmt: skip
    assert ask.by_tag(alice.pk, ["a", "b", "c"]) == {"a": 5, "b": 2}


def test_every_trigger_is_named_for_removal():
    made = session_count._sqlite_triggers() + session_count._postgresql_triggers()
    named = {name for names in session_count._TRIGGERS.values() for name in names}
    found = {
        statement.split("research_count_")[1].split()[0] for statement in made if statement.startswith("CREATE TRIGGER")
    }
    assert found == named
