"""Merging, splitting and comparing in the browser."""

import pytest
from django.urls import reverse

from sessions.models import Job, Lineage, Session, VectorPoint
from sessions.operations.editing import edit_message
from sessions.operations.jobs import amounts
from sessions.operations.jobs.doing import do_next_job
from sessions.operations.restructure.forking import fork_session
from sessions.operations.tags import tags_of
from sessions.operations.transcript import append_messages
from sessions.operations.vectors.points import put_points
from sessions.operations.vectors.values import NewPoint
from sessions.storage.workspaces import workspace_path
from tests.factories import conversation, make_session, user_message
from tests.statements import assert_statements
from tests.views.pages import html, toasts
from tests.whole import transcript

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pair(alice) -> list[Session]:
    sessions = [make_session(alice, name, messages=4, tags=[name]) for name in ("mosses", "lichens")]
    for session in sessions:
        (workspace_path(session.pk) / "content" / "a.txt").write_text(session.name)
    return sessions


def merge_form(*sessions: Session, **values: str) -> dict[str, object]:
    return {"id": [str(session.pk) for session in sessions], **values}


def test_from_the_list_to_the_merge(alice_client, pair):
    ids = [str(session.pk) for session in pair]
    answer = alice_client.post("/sessions/actions/", {"bulk": "merge", "id": ids, "next": "/"})
    shown = html(alice_client.get(answer.headers["Location"]))
    assert "Merge 2 sessions into one" in shown
    assert 'value="mosses and 1 other"' in shown
    assert "<b>8 messages</b>" in shown
    assert "2 files" in shown
    assert Session.objects.count() == 2
    looked = html(alice_client.post("/merge/", merge_form(*pair, name="Both", up=ids[1])))
    assert looked.index(ids[1]) < looked.index(ids[0])
    assert Session.objects.count() == 2


def test_merging(alice_client, pair):
    answer = alice_client.post("/merge/", merge_form(*pair, name="Both", order="time", description="d"), follow=True)
    merged = Session.objects.get(name="Both")
    assert answer.redirect_chain == [(f"/sessions/{merged.pk}/", 303)]
    assert (merged.message_count, merged.description, tags_of(merged)) == (8, "d", ["lichens", "mosses"])
    assert Session.objects.filter(status="archived").count() == 0, "the box wasn't ticked"
    assert html(answer).count("Merged from") == 2
    problem = alice_client.post("/merge/", merge_form(*pair, name="x" * 256))
    assert problem.status_code == 422
    assert "x" * 256 in html(problem)


def test_merges_that_cannot_be(alice_client, mallory, pair):
    assert alice_client.get("/merge/").status_code == 400
    assert alice_client.get("/merge/", merge_form(pair[0])).status_code == 400
    assert alice_client.get("/merge/", merge_form(pair[0], make_session(mallory))).status_code == 404
    assert alice_client.get("/merge/", merge_form(*pair, order="random")).status_code == 422


def test_splitting(alice_client, pair):
    session, address = pair[0], reverse("session_split", args=[pair[0].pk])
    shown = html(alice_client.get(address, {"at": "1"}))
    assert 'value="0"' in shown
    assert 'value="1-3"' in shown
    assert "Split…" in html(alice_client.get(f"/sessions/{session.pk}/"))
    form = {"name": ["One", "Two"], "messages": ["0-1", "#2 – #3"], "files-1": "content/a.txt"}
    looked = html(alice_client.post(address, form | {"add": "yes"}))
    assert "Part 3" in looked
    assert "Part 2" not in html(alice_client.post(address, form | {"drop": "1"}))
    assert Session.objects.count() == 2
    answer = alice_client.post(address, form | {"archive": "yes"}, follow=True)
    assert toasts(answer) == ["Split into 2 sessions."]
    one, two = Session.objects.get(name="One"), Session.objects.get(name="Two")
    assert (transcript(one), transcript(two)) == (["message 0", "message 1"], ["message 2", "message 3"])
    assert (workspace_path(two.pk) / "content" / "a.txt").read_text() == "mosses"
    assert not (workspace_path(one.pk) / "content" / "a.txt").exists()
    assert Session.objects.get(pk=session.pk).archived
    assert Lineage.objects.filter(parent=session).count() == 2


def test_a_large_split_is_a_job(alice_client, pair, monkeypatch):
    monkeypatch.setattr(amounts, "MANY_MESSAGES", 1)
    form = {"name": ["One", "Two"], "messages": ["0-1", "2-3"], "files-1": "content/a.txt", "archive": "yes"}
    answer = alice_client.post(reverse("session_split", args=[pair[0].pk]), form, follow=True)
    job = Job.objects.get()
    assert answer.redirect_chain == [(f"/jobs/{job.pk}/", 303)]
    assert "Split “mosses” into 2 sessions" in html(answer)
    do_next_job()
    shown = html(alice_client.get(f"/jobs/{job.pk}/"))
    assert "Split into 2 sessions." in shown
    assert f'href="/sessions/{pair[0].pk}/"' in shown, "whose lineage leads to the parts"
    assert (workspace_path(Session.objects.get(name="Two").pk) / "content" / "a.txt").read_text() == "mosses"
    assert Session.objects.get(pk=pair[0].pk).archived


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ("3-1", "goes backwards"),
        ("0-9", "none with index 9"),
        ("a few", "no range of messages"),
        ("", "messages or files"),
    ],
)
def test_splits_that_cannot_be(alice_client, pair, messages, said):
    address = reverse("session_split", args=[pair[0].pk])
    answer = alice_client.post(address, {"name": ["One"], "messages": [messages]})
    assert answer.status_code == 422
    assert said in html(answer)
    assert Session.objects.count() == 2


def test_strangers_split_nothing(mallory_client, pair):
    assert mallory_client.get(reverse("session_split", args=[pair[0].pk])).status_code == 404


class TestComparing:
    def test_what_is_equal_is_folded(self, alice, alice_client):
        session = make_session(alice, messages=20)
        fork = fork_session(actor=alice, session_id=session.pk, name="Other")
        append_messages(actor=alice, session_id=fork.pk, messages=[user_message("only there")])
        edit_message(actor=alice, session_id=session.pk, index=18, content="edited <b>here</b>")
        shown = html(alice_client.get("/compare/", {"a": session.short_id, "b": str(fork.pk)}))
        assert "18 equal messages, #0 to #17" in shown
        assert "edited &lt;b&gt;here&lt;/b&gt;" in shown
        assert "only there" in shown
        assert shown.count("No message here.") == 2
        assert "message 3" not in shown.partition("Statistics")[0]
        whole = html(alice_client.get("/compare/", {"a": session.short_id, "b": fork.short_id, "whole": "1"}))
        assert whole.count("message 3<") == 2

    def test_pages_of_a_long_one(self, alice, alice_client):
        """Equal, then forty that differ: the page says where it goes on, and the next one goes on there."""
        said = conversation(900)
        one = make_session(alice, messages=said[:900])
        other = make_session(alice, messages=said[:860])
        append_messages(actor=alice, session_id=other.pk, messages=[user_message(f"x{count}") for count in range(40)])
        with assert_statements(at_most=14):
            answer = alice_client.get("/compare/", {"a": one.short_id, "b": other.short_id})
        assert "860 equal messages, #0 to #859" in html(answer)
        assert "from=890" in html(answer)
        after = html(alice_client.get("/compare/", {"a": one.short_id, "b": other.short_id, "from": "890"}))
        assert ("x30" in after, "x29" in after, "Further on" in after) == (True, False, False)

    def test_figures_and_files(self, alice_client, pair):
        (workspace_path(pair[0].pk) / "content" / "b.txt").write_text("b")
        shown = html(alice_client.get("/compare/", {"a": pair[0].short_id, "b": pair[1].short_id}))
        assert "another size" in shown
        assert "only here" in shown
        assert "4 equal messages" in shown

    def test_from_the_list(self, alice_client, mallory, pair):
        ids = [str(session.pk) for session in pair]
        answer = alice_client.post("/sessions/actions/", {"bulk": "compare", "id": ids, "next": "/"})
        assert answer.headers["Location"].startswith("/compare/?a=")
        answer = alice_client.post("/sessions/actions/", {"bulk": "compare", "id": ids[:1], "next": "/"}, follow=True)
        assert toasts(answer) == ["Comparing takes two sessions, these are 1."]
        assert alice_client.get("/compare/").status_code == 400
        hers = make_session(mallory)
        assert alice_client.get("/compare/", {"a": ids[0], "b": str(hers.pk)}).status_code == 404


def test_tagging_many(alice_client, pair):
    ids = [str(session.pk) for session in pair]
    form = {"id": ids, "tag_name": "Field work", "next": "/"}
    assert toasts(alice_client.post("/sessions/actions/", form | {"bulk": "tag"}, follow=True)) == [
        "Tagged 2 sessions “Field work”"
    ]
    assert [tags_of(Session.objects.get(pk=pk)) for pk in ids] == [["field work", "mosses"], ["field work", "lichens"]]
    alice_client.post("/sessions/actions/", form | {"bulk": "untag"})
    assert tags_of(Session.objects.get(pk=ids[0])) == ["mosses"]
    answer = alice_client.post("/sessions/actions/", {"id": ids, "bulk": "tag", "next": "/"}, follow=True)
    assert toasts(answer)[-1] == "Write the tag into the field first."


def put(alice, session: Session, *numbers: int, size: int = 2) -> None:
    points = [NewPoint(number, [1.0] * size) for number in numbers]
    put_points(actor=alice, session_id=session.pk, points=points)


def points_in(session: Session) -> list[str]:
    return [str(int(key)) for key in VectorPoint.objects.filter(session=session).values_list("key", flat=True)]


def test_a_merge_tells_of_vectors_and_copies_them(alice, alice_client, pair):
    put(alice, pair[0], 1, 2)
    put(alice, pair[1], 3)
    shown = html(alice_client.get("/merge/", merge_form(*pair)))
    assert "<b>3 vectors</b>, 24\xa0bytes" in shown
    assert "Copy the vectors" in shown
    assert "<b>no vectors</b>" in html(alice_client.post("/merge/", merge_form(*pair, name="x", preview="yes")))
    for name, values in (("With", {"vectors": "yes"}), ("Without", {})):
        alice_client.post("/merge/", merge_form(*pair, name=name, **values))
    assert points_in(Session.objects.get(name="With")) == ["1", "2", "3"]
    assert points_in(Session.objects.get(name="Without")) == []


def test_a_merge_of_vectors_that_differ(alice, alice_client, pair):
    put(alice, pair[0], 1)
    put(alice, pair[1], 1, size=3)
    shown = html(alice_client.get("/merge/", merge_form(*pair)))
    assert "differ in size or distance" in shown
    assert "<b>no vectors</b>" in shown, "so they stay behind unless somebody insists"
    assert alice_client.post("/merge/", merge_form(*pair, name="x", vectors="yes")).status_code == 422
    assert Session.objects.count() == 2


def test_a_split_gives_vectors_away(alice, alice_client, pair):
    session, address = pair[0], reverse("session_split", args=[pair[0].pk])
    assert "Vectors" not in html(alice_client.get(address))
    put(alice, session, *range(1, 8))
    assert "(7 in all)" in html(alice_client.get(address))
    form = {"name": ["One", "Two"], "messages": ["0-1", ""], "points-0": "1-2, 5", "points-1": "5, 6"}
    assert "<b>3 vectors</b>" in html(alice_client.post(address, form | {"preview": "yes"}))
    for wrong, said in (("2-1", "backwards"), ("x", "no point"), ("0-10000", "at most 10,000"), ("9", "no point with")):
        answer = alice_client.post(address, form | {"points-1": wrong})
        assert answer.status_code in (400, 404, 422)
        assert said in html(answer)
    assert Session.objects.count() == 2
    alice_client.post(address, form | {"remove_points": "yes"})
    one, two = Session.objects.get(name="One"), Session.objects.get(name="Two")
    assert (points_in(one), points_in(two), two.message_count) == (["1", "2", "5"], ["5", "6"], 0)
    assert points_in(session) == ["3", "4", "7"]
    alice_client.post(address, {"name": ["Three"], "messages": [""], "points-0": "all"})
    assert points_in(Session.objects.get(name="Three")) == points_in(session) == ["3", "4", "7"]
