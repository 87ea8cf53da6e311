"""The palette finds what is the reader's own, by every word, and offers what fits the page below it."""

import re
from html import unescape

import pytest
from django.urls import reverse

from sessions.operations.lifecycle import archive_session, trash_session
from tests.factories import make_rows, make_session
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


def options(client, text: str = "", over: str = "/") -> list[str]:
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{over}"}
    html = client.get(reverse("palette"), {"q": text}, headers=headers).content.decode()
    return [unescape(label) for label in re.findall(r'role="option".*?<span>(.*?)</span>', html, re.DOTALL)]


def test_every_word_counts_in_any_case_and_place(alice_client, alice):
    for name in ("Straße im Norden", "NORD und Süd", "Anderes"):
        make_session(alice, name)

    assert options(alice_client, "nord")[:2] == ["NORD und Süd", "Straße im Norden"]
    assert options(alice_client, "nord strasse")[:1] == ["Straße im Norden"]
    assert options(alice_client, "nirgends") == ["Search everywhere for “nirgends”", "New session “nirgends”"]


def test_strangers_sessions_trash_and_archive_stay_out(alice_client, alice, mallory):
    make_session(mallory, "Her moss")
    trash_session(actor=alice, session_id=make_session(alice, "Thrown moss").pk)
    archive_session(actor=alice, session_id=make_session(alice, "Old moss").pk)
    assert options(alice_client, "moss") == ["Search everywhere for “moss”", "New session “moss”"]


def test_offers_what_can_be_done_to_the_session_below(alice_client, alice, mallory):
    session = make_session(alice, "Mosses")
    found = options(alice_client, over=session.get_absolute_url())
    assert "Archive this session" in found
    assert "Mosses" not in found, "one is there already"
    hers = make_session(mallory, "Hers")
    for over in (hers.get_absolute_url(), "/nowhere/", "/sessions/x/", "//evil.example/"):
        assert not [label for label in options(alice_client, over=over) if "this session" in label]
    trash_session(actor=alice, session_id=session.pk)
    assert "Restore from the trash" in options(alice_client, over=session.get_absolute_url())


CHOICE = re.compile(
    r'<(?:a role="option"[^>]*? href="(?P<href>[^"]*)"|button [^>]*?formaction="(?P<action>[^"]*)" '
    r'name="(?P<name>[^"]*)" value="(?P<value>[^"]*)")[^>]*><span>(?P<label>.*?)</span>'
)


@pytest.mark.parametrize("state", ["active", "archived", "trash"])
def test_everything_offered_works(ada_client, ada, state):
    """Each link leads to a page of ours, each button does what it says."""
    session = make_session(ada, "Mosses", messages=2)
    if state != "active":
        (archive_session if state == "archived" else trash_session)(actor=ada, session_id=session.pk)
    over = session.get_absolute_url()
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{over}"}
    page = unescape(ada_client.get(reverse("palette"), headers=headers).content.decode())
    offered = [found.groupdict() for found in CHOICE.finditer(page)]
    assert len(offered) == page.count('role="option"')
    assert {"Insights", "Retention", "Shared with me"} <= {one["label"] for one in offered}
    for one in sorted(offered, key=lambda one: (not one["href"], one["name"] == "sign_out")):
        if one["href"]:
            assert ada_client.get(one["href"]).status_code == 200, one
        else:
            answer = ada_client.post(one["action"], {one["name"]: one["value"], "next": over})
            assert answer.status_code in (302, 303), one
    assert ada_client.get("/").status_code == 303, "signed out, as the last of them said"


def test_administration_is_for_administrators(alice_client, ada_client):
    assert "Administration" not in options(alice_client)
    assert "Administration" in options(ada_client)


@pytest.mark.parametrize("text", ["<script>", '"', "\0", "%", "_", "x" * 300, "ﬁ"])
def test_any_text_is_a_question(alice_client, text):
    assert alice_client.get(reverse("palette"), {"q": text}).status_code == 200


def test_takes_few_statements_among_many_sessions(alice_client, alice):
    make_rows(alice, 300)
    with assert_statements(at_most=3):
        assert len(options(alice_client, "session 0")) == 10
