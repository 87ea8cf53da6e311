"""What a word is, and what a query means: without a database."""

import re
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from sessions.search import snippets
from sessions.search.query import LONGEST_QUERY, Query
from sessions.search.sqlite import PERHAPS_UNSPACED
from sessions.search.words import UNSPACED, Phrase, fold


@pytest.mark.parametrize(
    ("text", "words", "is_prefix"),
    [
        ("Recall", ["recall"], False),
        ("snake_case a-b", ["snake", "case", "a", "b"], False),
        ("Café ΣΑΣ Straße Йод", ["cafe", "σασ", "straße", "йод"], False),
        ("e\u0301tude", ["etude"], False),
        ("日本語", ["日本", "本語"], False),
        ("語", ["語"], True),
        ("PG的世界", ["pg", "的", "的世", "世界"], False),
        ("世界 v2", ["世界", "界", "v2"], False),
        ("ไม่", ["ไม", "ม"], False),
    ],
)
def test_words(text, words, is_prefix):
    phrase = Phrase.of(text)
    assert (list(phrase.words), phrase.is_prefix) == (words, is_prefix)


@pytest.mark.parametrize("text", ["", "++", "—", "\u0301", "*", "🧪", "่"])
def test_nothing_to_look_for(text):
    assert Phrase.of(text) is None


def test_the_quick_look_for_scripts_without_spaces_misses_none():
    everything = "".join(map(chr, range(0x110000)))
    assert set(re.findall(UNSPACED, everything)) < set(re.findall(PERHAPS_UNSPACED, everything))


def test_folding_keeps_every_place():
    text = "Ünïcödé İstanbul ΟΔΟΣ 日本 ﬁ Ǆ e\u0301"
    assert len(fold(text)) == len(text)
    assert fold(text).startswith("unicode istanbul οδοσ")


def parts(query: Query) -> tuple[list[str], list[str]]:
    return [phrase.text for phrase in query.phrases], [phrase.text for phrase in query.without]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two", (["one", "two"], [])),
        ('"one two" three', (["one two", "three"], [])),
        ('-one -"two three" four', (["four"], ["one", "two three"])),
        ('an "unclosed quote', (["an", "unclosed quote"], [])),
        ('odd"quotes" -', (["odd", "quotes"], [])),
        ("role:alien status:? before:tomorrow", (["role alien", "status ?", "before tomorrow"], [])),
        ("http://x.y AND OR NOT NEAR(a b)", (["http://x.y", "AND", "OR", "NOT", "NEAR(a", "b)"], [])),
        ("tag: model:", (["tag:", "model:"], [])),
    ],
)
def test_phrases(text, expected):
    assert parts(Query.parse(text)) == expected


def test_filters():
    query = Query.parse(
        'kernel TAG:"Two  Words" role:user role:Tool model:Qwen3 status:trash after:2026-05 before:2027'
    )
    assert parts(query) == (["kernel"], [])
    assert query.tags == ["two words"]
    assert query.roles == ["user", "tool"]
    assert query.models == ["qwen3"]
    assert query.statuses == ["deleted"]
    assert (query.after, query.before) == (datetime(2026, 5, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert [(chip.key, chip.value) for chip in query.chips][:2] == [("tag", "Two  Words"), ("role", "user")]
    assert query.chips[1].rest.startswith('kernel TAG:"Two Words" role:Tool')


def test_what_is_left_out():
    query = Query.parse('kernel -TAG:"Two  Words" -role:Tool -model:qwen3 -role:alien')
    assert parts(query) == (["kernel"], ["model qwen3", "role alien"])
    assert (query.without_tags, query.without_roles, query.tags, query.roles) == (["two words"], ["tool"], (), ())
    assert [(chip.key, chip.value) for chip in query.chips] == [("-tag", "Two  Words"), ("-role", "Tool")]


def test_days_begin_where_the_reader_is():
    with timezone.override("Asia/Tokyo"):
        assert Query.parse("after:2026-05-02").after == datetime(2026, 5, 1, 15, tzinfo=UTC)
    assert Query.parse("after:2026-05-02T12:00:00Z").after == datetime(2026, 5, 2, 12, tzinfo=UTC)


def test_the_end_of_what_is_typed_may_be_unfinished():
    assert [phrase.is_prefix for phrase in Query.parse("one tw", is_unfinished=True).phrases] == [False, True]
    assert [phrase.is_prefix for phrase in Query.parse("one two* three").phrases] == [False, True, False]
    assert not Query.parse('"tw"', is_unfinished=True).phrases[0].is_prefix


def test_very_long_texts_are_cut():
    query = Query.parse("word " * 10_000)
    assert len(query.text) <= LONGEST_QUERY
    assert len(query.phrases) == 40


def snippet(text: str, query: str) -> str:
    return snippets.snippet(text, Query.parse(query))


def test_snippets_mark_whole_words_and_show_where_most_are():
    assert snippet("The cat sat. Category? CAT!", "cat") == "The ⟦cat⟧ sat. Category? ⟦CAT⟧!"
    assert snippet("The cat sat. Category?", "cat*") == "The ⟦cat⟧ sat. ⟦Category⟧?"
    assert snippet("a naïve Café", '"naive cafe"') == "a ⟦naïve Café⟧"
    assert snippet("世界の日本語です", "日本語") == "世界の⟦日本語⟧です"
    far = snippet("nothing here " * 100 + "alpha beta" + " nothing there" * 100, "alpha beta")
    assert far.startswith("…")
    assert "⟦alpha⟧ ⟦beta⟧" in far
    assert far.endswith("…")
    assert len(far) < 300


def test_snippets_are_plain_text_on_one_line():
    text = "a ⟦forged⟧ mark\n\n\u202edesrever\u202c and\x07 a\u200b word"
    assert snippet(text, "word") == "a [forged] mark desrever and a ⟦word⟧"


def test_the_more_often_in_the_shorter_text_the_better():
    def score(text: str) -> float:
        return snippets.score(text, Query.parse("cat"))

    assert score("cat cat") > score("a cat and a dog") > score("a cat " + "and a dog " * 200) > 0
    assert score("cat " + "category " * 50) < score("cat cat")
