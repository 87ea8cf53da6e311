"""One contract for both databases: what a search finds, for whom, in which order."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.models import Message, Session, Status
from sessions.models.membership import MemberRole
from sessions.models.session_filter import SessionFilter
from sessions.models.session_list import count_sessions, list_sessions
from sessions.operations.lifecycle import archive_session, trash_session
from sessions.operations.sharing import share_session
from sessions.search import finding, looking, postgres, source, sqlite
from sessions.search.query import Query
from sessions.search.results import Results, filter_by, search
from tests.factories import assistant_message, make_rows, make_session, user_message
from tests.statements import assert_statements

pytestmark = pytest.mark.django_db


def ask(owner: User, text: str, **options) -> Results:
    return search(Query.parse(text), user_id=owner.pk, **options)


def texts(results: Results) -> list[str]:
    """What was found, without its marks; a session's name in angle brackets."""
    plain = [(result.index, result.snippet.replace("⟦", "").replace("⟧", "")) for result in results.results]
    return [text if index is not None else f"<{text}>" for index, text in plain]


def found(owner: User, text: str) -> list[str]:
    return sorted(texts(ask(owner, text)))


def say(owner: User, *said: str, name: str = "unnamed", **fields) -> Session:
    return make_session(owner, name, messages=[user_message(text) for text in said], **fields)


@pytest.fixture
def mosses(alice):
    """What most of these tests look into."""
    return say(
        alice,
        "Sphagnum keeps water, said Zoë",
        "The water table sinks",
        "C++ and snake_case, e-mail@example.org",
        "peat, not WATERY",
        name="Mosses and water",
    )


WATER = ["<Mosses and water>", "Sphagnum keeps water, said Zoë", "The water table sinks"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("water", WATER),
        ("WATER", WATER),
        ("water sphagnum", WATER[1:2]),
        ('"water table"', WATER[2:]),
        ('"table water"', []),
        ("water -table", WATER[:2]),
        ('water -"water table" -mosses', WATER[1:2]),
        ("wat", []),
        ("wat*", [*WATER, "peat, not WATERY"]),
        ('"the wat"*', WATER[2:]),
        ("zoe", WATER[1:2]),
        ("zoë", WATER[1:2]),
        ("case", ["C++ and snake_case, e-mail@example.org"]),
        ("c++", ["C++ and snake_case, e-mail@example.org"]),
        ("e-mail example.org", ["C++ and snake_case, e-mail@example.org"]),
        ("nothing water", []),
        ("-water", []),
        ("w*", WATER[:1]),
        ("", []),
    ],
)
def test_words(alice, mosses, query, expected):
    assert found(alice, query) == sorted(expected)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("日本語", 1), ("本語", 1), ("語", 2), ("語日", 0), ("研究ノート", 1), ("究ノ", 1), ("日本 研究", 0),
        ("東京", 1), ('"PG東京"', 1), ("ไทย", 1), ("한국", 1), ("국어", 1), ("привет", 1), ("σασ", 1), ("Καφές", 1),
        ("καφεσ", 0), ("йод", 1), ("иод", 0),
    ],
)  # fmt: skip
def test_scripts(alice, query, count):
    """Those without spaces are found from anywhere in a sentence, others by their words whatever their case."""
    said = ["これは日本語です", "研究ノート、語", "PG東京 x", "ภาษาไทยง่าย", "한국어입니다", "Привет ΣΑΣ ΚΑΦΈΣ йод"]
    say(alice, *said)
    assert ask(alice, query).count == count


def test_a_very_long_text_of_rare_pairs_is_stored_and_found(alice):
    """PostgreSQL would refuse a tsvector beyond 1 MB: no text that may be stored becomes one."""
    rare = "".join(map(chr, range(0x20000, 0x20000 + 40_000))) * 3 + " at the end"
    plain = " ".join(f"w{number}" for number in range(60_000)) + " " + "x" * 5_000
    say(alice, rare, plain)
    assert ask(alice, chr(0x20005) + chr(0x20006)).count == 1
    assert ask(alice, "w9999").count == 1


def test_filters(alice):
    old = datetime(2024, 3, 1, 12, tzinfo=UTC)
    kept = make_session(
        alice,
        "Tagged",
        tags=["red moss", "peat"],
        model="qwen3:14b",
        messages=[
            user_message("kernel one", created_at=old),
            assistant_message("kernel two", model="Llama3", created_at=datetime(2025, 3, 1, tzinfo=UTC)),
        ],
    )
    say(alice, "kernel three")
    gone = say(alice, "kernel gone")
    trash_session(actor=alice, session_id=gone.pk)
    put_away = say(alice, "kernel put away")
    archive_session(actor=alice, session_id=put_away.pk)
    everything = ["kernel one", "kernel put away", "kernel three", "kernel two"]
    for query, expected in {
        "kernel": everything,
        'kernel tag:"red moss"': everything[0:1] + everything[3:],
        "kernel tag:peat tag:other": [],
        "kernel role:user": everything[:3],
        "kernel -tag:peat": everything[1:3],
        "kernel -tag:peat -tag:other tag:peat": [],
        "kernel -role:user": ["kernel two"],
        "kernel -role:user -role:assistant": [],
        "kernel role:assistant role:tool": ["kernel two"],
        "kernel model:qwen3": ["kernel one", "kernel two"],
        "kernel model:llama": ["kernel two"],
        "kernel status:deleted": ["kernel gone"],
        "kernel status:archived status:trash": ["kernel gone", "kernel put away"],
        "kernel before:2024-03-01": [],
        "kernel before:2024-03-02": ["kernel one"],
        "kernel after:2024 before:2026": ["kernel one", "kernel two"],
        "kernel after:2025-03-01 model:llama": ["kernel two"],
    }.items():
        assert found(alice, query) == expected, query
    assert [result.session_id for result in ask(alice, "tag:peat").results] == [str(kept.pk)]
    assert texts(ask(alice, "tag:peat")) == ["<Tagged>"]
    assert texts(ask(alice, "-tag:peat")) == ["<unnamed>"] * 2
    assert texts(ask(alice, "-tag:nowhere tag:peat")) == ["<Tagged>"]
    assert ask(alice, "role:user").results == ask(alice, "-role:user").results == ask(alice, "-role:x").results == ()
    assert ask(alice, "status:deleted").count == 1


def test_nobody_sees_what_is_not_theirs(alice, mallory):
    session = say(alice, "the secret kernel", name="secret")
    say(mallory, "my own kernel")
    assert found(mallory, "kernel") == ["my own kernel"]
    assert ask(mallory, "secret").count == 0
    Session.objects.filter(pk=session.pk).update(owner=mallory)
    assert found(mallory, "secret") == ["<secret>", "the secret kernel"]
    assert ask(alice, "secret").count == 0


def test_one_session_alone(alice):
    one, two = say(alice, "kernel here", name="kernel"), say(alice, "kernel there", name="kernel")
    assert sorted(texts(ask(alice, "kernel", only_session=one.pk))) == ["<kernel>", "kernel here"]
    assert sorted(texts(ask(alice, "kernel", only_session=two.pk))) == ["<kernel>", "kernel there"]


def many(owner: User, amount: int, content: str = "the kernel number {}") -> Session:
    """A session with many messages, past the operations: the triggers see them."""
    session = make_session(owner)
    Message.objects.bulk_create(
        Message(session=session, index=number, role="user", content=content.format(number)) for number in range(amount)
    )
    return session


def test_counts_say_whether_they_are_exact(alice):
    many(alice, 1_000)
    assert (ask(alice, "kernel").count, ask(alice, "kernel").count_is_exact) == (1_000, True)
    newest = say(alice, "a kernel more")
    more = ask(alice, "kernel", limit=1)
    assert (more.count, more.count_is_exact) == (1_000, False)
    assert ask(alice, "more kernel").results[0].session_id == str(newest.pk)
    assert (ask(alice, "kernel before:2020").count, ask(alice, "kernel before:2020").count_is_exact) == (0, True)


def test_hits_that_are_hidden_do_not_hide_others(alice, monkeypatch):
    """All of the newest are in the trash: what is older is found all the same."""
    say(alice, "an old kernel")
    gone = many(alice, 30)
    trash_session(actor=alice, session_id=gone.pk)
    monkeypatch.setattr(finding, "RANKED", 5)
    monkeypatch.setattr(finding.vendor(), "EXAMINED", (10, 10, 100))
    assert found(alice, "kernel") == ["an old kernel"]
    monkeypatch.setattr(finding.vendor(), "EXAMINED", (10, 10, 10))
    assert (ask(alice, "kernel").count, ask(alice, "kernel").count_is_exact) == (0, False)


def test_what_is_old_is_found_however_common_the_word_is(alice, monkeypatch):
    """None of the newest fits: then those are looked at that were the newest at that time."""
    then = datetime(2024, 3, 1, 12, tzinfo=UTC)
    said = [user_message(f"kernel of old {number}", created_at=then) for number in range(3)]
    old = make_session(alice, "Old", messages=said)
    many(alice, 30)
    monkeypatch.setattr(finding.vendor(), "EXAMINED", (10, 10, 10))
    results = ask(alice, "kernel before:2025", limit=2)
    assert (results.count, results.count_is_exact) == (3, False)
    assert [hit.session_id for hit in ask(alice, "kernel before:2025", after=results.next).results] == [str(old.pk)]
    assert listed(alice, "kernel before:2025") == ["Old"]
    assert found(alice, "kernel before:2024") == []
    assert found(alice, "kernel before:2023 role:user") == []


def test_what_was_put_away_is_found_however_common_the_word_is(alice, monkeypatch):
    """What has that status is looked at, and not the newest hits; if that isn't much."""
    put_away = say(alice, "kernel of old", name="kernel")
    archive_session(actor=alice, session_id=put_away.pk)
    many(alice, 30)
    monkeypatch.setattr(finding.vendor(), "EXAMINED", (10, 10, 10))
    results = ask(alice, "kernel status:archived")
    assert (results.count, results.count_is_exact) == (2, True)
    assert listed(alice, "kernel", statuses=["archived"]) == ["kernel"]
    for module in (looking, source, postgres, sqlite):
        monkeypatch.setattr(module, "FEW", 1)
    results = ask(alice, "kernel status:archived")
    assert (results.count, results.count_is_exact) == (1, False), "its name, and none of the newest messages"


def test_a_rare_tag_is_found_however_common_the_word_is(alice, monkeypatch):
    """What has the tag is looked at, and not the newest hits; more than a few are looked for among those."""
    rare = [say(alice, f"kernel of old {number}", name=f"kernel {number}", tags=["rare", "red"]) for number in range(3)]
    names = [one.name for one in rare]
    many(alice, 30)
    make_session(alice, "kernel of today", messages=[user_message("kernel")], tags=["red"])
    monkeypatch.setattr(finding.vendor(), "EXAMINED", (10, 10, 10))
    monkeypatch.setattr(finding, "RANKED", 5)
    results = ask(alice, "kernel tag:rare tag:red", limit=2)
    assert (results.count, results.count_is_exact) == (6, True)
    following = ask(alice, "kernel tag:rare tag:red", after=results.next)
    assert {result.session_id for result in [*results.results, *following.results]} == {str(one.pk) for one in rare}
    nothing = ask(alice, "kern* tag:nobody-has-it")
    assert (nothing.count, nothing.count_is_exact) == (0, True)
    assert listed(alice, "kernel", tags_any=["rare"]) == listed(alice, "kernel", tags_all=["rare"]) == names
    trash_session(actor=alice, session_id=rare[0].pk)
    assert ask(alice, "kernel tag:rare").count == 4
    for module in (looking, source, postgres, sqlite):
        monkeypatch.setattr(module, "FEW", 2)
    assert (ask(alice, "kernel tag:rare").count, ask(alice, "kernel tag:rare").count_is_exact) == (2, False)
    assert ask(alice, "kernel tag:red").count == 4, "of the newest ten messages one, and three names"


def test_pages_hold_everything_once_though_others_write(alice):
    for number in range(30):
        say(alice, f"kernel {'kernel ' * (number % 4)}", name=f"kernel {number}" if number % 3 else "other")
    pages, after = [], None
    while True:
        page = ask(alice, "kernel", limit=7, after=after)
        pages += [(result.session_id, result.index) for result in page.results]
        say(alice, "a kernel that came later", name="a kernel that came later")
        if page.next is None:
            break
        assert len(page.results) == 7
        after = page.next
    assert len(pages) == len(set(pages)) == 50
    scores = [result.score for result in ask(alice, "kernel", limit=200).results]
    assert scores == sorted(scores, reverse=True)


def test_sessions_that_filters_alone_choose_have_pages_too(alice):
    make_rows(alice, 5, tags=["red"])
    first = ask(alice, "tag:red", limit=3)
    rest = ask(alice, "tag:red", limit=3, after=first.next)
    assert (len(first.results), first.count, len(rest.results), rest.next) == (3, 5, 2, None)


def listed(owner: User, text: str, **fields) -> list[str]:
    wanted = filter_by(Query.parse(text, is_unfinished=True), SessionFilter(owner.pk, **fields)).wanted
    return sorted(row["name"] for row in list_sessions(wanted).rows)


def test_pages_of_a_list_with_a_query_hold_everything_once(alice, bob):
    for number in range(8):
        status = Status.ARCHIVED if number % 3 == 0 else Status.ACTIVE
        owner = bob if number == 5 else alice
        (session,) = make_rows(owner, 1, name=f"kernel {number}", pinned=number % 4 == 0, status=status)
        if owner == bob:
            share_session(actor=bob, session_id=session.pk, usernames=["alice"], role=MemberRole.VIEWER)
    wanted = SessionFilter(alice.pk, (Status.ACTIVE, Status.ARCHIVED), scope="all")
    wanted = filter_by(Query.parse("kernel"), wanted).wanted
    for sort in ("-updated_at", "name", "-name"):
        whole = list_sessions(wanted, sort=sort)
        assert [row["pinned"] for row in whole.rows] == [True] * 2 + [False] * 6
        rows, after = [], None
        while True:
            page = list_sessions(wanted, sort=sort, limit=3, after=after)
            rows += page.rows
            after = page.next
            if after is None:
                break
        assert [row["id"] for row in rows] == [row["id"] for row in whole.rows]
    assert count_sessions(wanted) == 8


def test_lists_take_a_query(alice, mallory):
    say(alice, "about kernels", name="one", tags=["red"])
    say(alice, "nothing", name="Kernel two")
    archive_session(actor=alice, session_id=say(alice, "kernel", name="three").pk)
    say(mallory, "kernel", name="four")
    assert listed(alice, "kern") == ["Kernel two", "one"]
    assert listed(alice, "k") == ["Kernel two"]
    assert listed(alice, "kern tag:red") == ["one"]
    assert listed(alice, "kern", tags_any=["red"]) == ["one"]
    assert listed(alice, "tag:red") == ["one"]
    assert listed(alice, "-tag:red") == ["Kernel two"]
    assert listed(alice, "kern -tag:red") == ["Kernel two"]
    assert listed(alice, "kern", statuses=[Status.ARCHIVED.value]) == ["three"]
    assert listed(alice, "+++") == ["Kernel two", "one"]
    assert listed(alice, "nowhere") == []


ANY_TEXT = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ['"', "'", "-", "*", "(", ")", "AND", "NOT", "NEAR(", ":", "tag:", "role:", "status:", "after:", "\\", "%",
             "&", "|", "!", "<->", "^", "a", "日", "日本", "é", "\0", "\ud7ff", "word", " ", "1e5x", "{", "$1", "--",
             ";"]
        ),
        max_size=12,
    ).map("".join),
)  # fmt: skip


@settings(max_examples=50)
@given(text=ANY_TEXT)
def test_any_text_is_a_query(alice, text):
    ask(alice, text)
    filter_by(Query.parse(text, is_unfinished=True), SessionFilter(alice.pk))


WORD = st.lists(st.sampled_from([*"abcéßσΩя5日本の_.-", "e\u0301", "ไม่"]), min_size=1, max_size=8).map("".join)


@settings(max_examples=40)
@given(words=st.lists(WORD, min_size=1, max_size=5))
def test_what_is_said_is_found_by_each_of_its_words(alice, words):
    session = say(alice, f"begin {' '.join(words)} end", name="x")
    for word in words:
        results = ask(alice, f'"{word}"')
        if Query.parse(f'"{word}"').phrases:
            assert str(session.pk) in [result.session_id for result in results.results], word
    Session.objects.all().delete()


def test_a_search_takes_few_statements_whatever_is_found(alice):
    say(alice, *["kernel " * 600] * 3, name="kernel")
    for text in ("kernel", "nowhere", 'kernel tag:x "a b" after:2025'):
        with assert_statements(at_most=4):
            ask(alice, text)


def test_the_newest_are_found_in_ever_larger_blocks(alice, mallory):
    """On PostgreSQL ids lie in blocks: hits in old blocks are found, and those of others don't count."""
    old = many(alice, 3, "kernel of old {}")
    Message.objects.filter(session=old).delete()
    for pk in (5, 9_000, 70_000, 600_000, 5_000_000, 40_000_000):
        Message.objects.create(pk=pk, session=old, index=pk, role="user", content=f"kernel at {pk}")
    theirs = make_session(mallory)
    Message.objects.create(pk=50_000_000, session=theirs, index=0, role="user", content="kernel of mallory")
    assert ask(alice, "kernel").count == ask(alice, "kern*").count == 6
    assert ask(alice, "kern*", only_session=old.pk).count == 6
    assert ask(mallory, "kern*").count == 1
    Message.objects.filter(session=old).delete()
    assert ask(alice, "kernel").count == 0
