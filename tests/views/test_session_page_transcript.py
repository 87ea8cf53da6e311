"""Which messages a page shows, and how each looks."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from sessions.models import Role, Session
from sessions.operations.editing import edit_message
from sessions.operations.transcript import NewMessage, append_messages
from sessions.rendering import markdown
from sessions.views import transcript
from tests.factories import assistant_message, conversation, make_session, user_message
from tests.statements import counted_statements
from tests.views.test_session_page import HTMX, address, indexes

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def session(alice) -> Session:
    return make_session(alice, messages=120)


def page_of(client, session: Session, query: str = "", **headers: str) -> str:
    return client.get(address(session, query), headers=headers).content.decode()


class TestWindow:
    def test_the_newest_come_first(self, alice_client, session):
        page = page_of(alice_client, session)

        assert indexes(page) == list(range(70, 120))
        assert f'href="{address(session)}?before=70"' in page
        assert 'id="later"' not in page
        assert 'name="shown" value="119"' in page

    def test_pages_lead_to_the_start_without_a_script(self, alice_client, session):
        seen: list[int] = []
        query = ""
        while True:
            page = page_of(alice_client, session, query)
            seen = indexes(page) + seen
            earlier = re.search(r'<a class="btn small" href="[^"]*(\?before=\d+)">Earlier messages', page)
            if earlier is None:
                break
            query = earlier[1]

        assert seen == list(range(120))

    def test_and_back_to_the_end(self, alice_client, session):
        seen: list[int] = []
        query = "?after=-1"
        while query:
            page = page_of(alice_client, session, query)
            seen += indexes(page)
            later = re.search(r'<a class="btn small" href="[^"]*(\?after=\d+)">Later messages', page)
            query = later[1] if later else ""

        assert seen == list(range(120))

    def test_htmx_gets_the_part_alone_and_only_the_way_on(self, alice_client, session):
        above = page_of(alice_client, session, "?before=70", **HTMX)
        below = page_of(alice_client, session, "?after=30", **HTMX)

        assert "<html" not in above
        assert indexes(above) == list(range(20, 70))
        assert 'id="earlier"' in above
        assert 'id="later"' not in above
        assert 'id="shown"' not in above
        assert indexes(below) == list(range(31, 81))
        assert 'id="later"' in below
        assert 'id="earlier"' not in below

    def test_the_last_part_below_tells_the_composer_that_the_end_is_shown(self, alice_client, session):
        below = page_of(alice_client, session, "?after=80", **HTMX)

        assert indexes(below) == list(range(81, 120))
        assert '<input id="shown" type="hidden" name="shown" value="119" hx-swap-oob="true"' in below

    @pytest.mark.parametrize(
        ("at", "first", "last"),
        [(0, 0, 49), (3, 0, 49), (60, 54, 103), (80, 70, 119), (119, 70, 119), (5_000, 70, 119)],
    )
    def test_a_permalink_opens_at_its_message(self, alice_client, session, at, first, last):
        page = page_of(alice_client, session, f"?at={at}")

        assert indexes(page) == list(range(first, last + 1))
        assert (f'#m-{at}" autofocus' in page) == (at < 120)
        assert ('id="earlier"' in page, 'id="later"' in page) == (first > 0, last < 119)

    @pytest.mark.parametrize(
        "query", ["?at=x", "?before=", "?after=1e3", "?at=-5", "?before=99999999999999999999", "?at=٣x"]
    )
    def test_nonsense_in_an_address_shows_the_newest(self, alice_client, session, query):
        assert indexes(page_of(alice_client, session, query)) == list(range(70, 120))

    def test_beyond_either_end_there_is_nothing_and_no_error(self, alice_client, session):
        assert indexes(page_of(alice_client, session, "?before=0")) == []
        assert indexes(page_of(alice_client, session, "?after=500")) == []

    def test_costs_as_many_statements_in_a_long_transcript_as_in_a_short_one(self, alice_client, alice, session):
        def cost(of: Session, query: str) -> int:
            with counted_statements() as statements:
                page_of(alice_client, of, query, **HTMX)
            return len(statements)

        short = make_session(alice, messages=3)
        assert cost(session, "?before=70") == cost(short, "?before=2") == 4

    def test_large_messages_make_a_page_shorter(self, alice_client, alice):
        large = make_session(alice, messages=[user_message("word " * 12_000) for _ in range(12)])

        page = page_of(alice_client, large)
        assert indexes(page) == [7, 8, 9, 10, 11]
        assert "?before=7" in page
        assert 6 in indexes(page_of(alice_client, large, "?at=6"))
        assert indexes(page_of(alice_client, large, "?after=-1")) == [0, 1, 2, 3, 4]


class TestDays:
    @pytest.fixture
    def days(self, alice) -> Session:
        """Three days of thirty messages each, the last of which is in another year."""
        times = [NOON + timedelta(days=day, minutes=minute) for day in (0, 1, 60) for minute in range(30)]
        return make_session(alice, messages=[user_message("x", created_at=at) for at in times])

    def test_are_divided(self, alice_client, days):
        page = page_of(alice_client, days, "?after=-1")

        assert (
            re.findall(r'<p class="day">([^<]+)</p>', page)
            == [
                "Friday, 20 November",
                "Saturday, 21 November",
            ]
            or "2026" in page
        )

    def test_a_page_that_begins_within_a_day_says_which_only_until_more_comes_above(self, alice_client, days):
        page = page_of(alice_client, days)
        assert indexes(page)[0] == 40
        before_first = page[: page.index('id="m-40"')]
        assert before_first.count('class="day"') == 1
        assert before_first.index('id="earlier"') < before_first.index('class="day"') < before_first.rindex("</div>")

        above = page_of(alice_client, days, "?before=40", **HTMX)
        assert above.count('class="day"') == 2

    def test_are_those_of_the_reader(self, alice_client, alice):
        late = make_session(alice, messages=[user_message("x", created_at=datetime(2026, 11, 20, 23, 30, tzinfo=UTC))])

        assert "20 November" in page_of(alice_client, late)
        alice_client.cookies["zone"] = "Europe/Zurich"
        page = page_of(alice_client, late)
        assert "21 November" in page
        assert ">00:30</time>" in page
        assert 'datetime="2026-11-20T23:30:00Z"' in page

    def test_of_another_year_name_it(self):
        assert transcript.day_name(NOON, now=NOON + timedelta(days=365)) == "Friday, 20 November 2026"
        assert transcript.day_name(NOON, now=NOON) == "Friday, 20 November"


class TestMessages:
    def show(self, client, alice, *messages: NewMessage) -> str:
        return page_of(client, make_session(alice, messages=messages))

    def test_say_who_when_and_which(self, alice_client, alice):
        page = self.show(
            alice_client,
            alice,
            user_message("q"),
            assistant_message("a", model="qwen3:14b", eval_count=1412, prompt_eval_count=9, created_at=NOON),
        )

        assert ">alice</h2>" in page
        assert ">Assistant</h2>" in page
        assert 'qwen3:14b · <span title="9 tokens read">1,412 tokens</span>' in page
        assert 'title="20 Nov 2026, 12:00">12:00</time><span> · </span>#1</a>' in page
        assert 'href="?at=1#m-1"' in page

    def test_that_were_edited_say_so(self, alice_client, alice):
        session = make_session(alice, messages=1)
        edit_message(actor=alice, session_id=session.pk, index=0, content="better")

        assert ">edited</span>" in page_of(alice_client, session)

    def test_of_people_keep_their_line_breaks(self, alice_client, alice):
        page = self.show(alice_client, alice, user_message("a\nb"), assistant_message("c\nd"))

        assert "a<br>\nb" in page
        assert "c\nd" in page

    def test_thinking_is_folded(self, alice_client, alice):
        page = self.show(alice_client, alice, assistant_message("x", thinking="I *must* think"))

        assert re.search(r"<details class=\"tool\">\s*<summary[^>]*>Thinking<em>3 words</em>", page)
        assert "I <em>must</em> think" in page

    def test_tool_calls_are_folded_with_their_arguments(self, alice_client, alice):
        call = {"id": "c1", "function": {"name": "Bash", "arguments": '{"command": "ls -la", "text": "a\\nb"}'}}
        page = self.show(
            alice_client,
            alice,
            assistant_message("", tool_calls=[call]),
            NewMessage(role=Role.TOOL, content="one\ntwo\n", tool_call_id="c1"),
        )

        assert "<b>Bash</b><code>ls -la</code>" in page
        assert '<pre tabindex="0">a\nb</pre>' in page
        assert "<b>Bash</b><code>one two</code><em>2 lines</em>" in page
        assert page.count("An empty message.") == 0

    def test_system_prompts_are_folded(self, alice_client, alice):
        page = self.show(alice_client, alice, NewMessage(role=Role.SYSTEM, content="Be *kind*", source_file="p.md"))

        assert "<b>System prompt</b><code>p.md</code><em>9 characters</em>" in page
        assert "Be <em>kind</em>" in page

    def test_with_nothing_in_them_say_so(self, alice_client, alice):
        page = self.show(alice_client, alice, assistant_message(""), NewMessage(role=Role.TOOL, content=""))

        assert "An empty message." in page
        assert "It answered nothing." in page
        assert "<em>nothing</em>" in page

    def test_tool_calls_without_arguments_say_so(self, alice_client, alice):
        assert "No arguments." in self.show(alice_client, alice, assistant_message("", tool_calls=[{"name": "Now"}]))

    def test_going_on_repeats_no_name(self, alice_client, alice):
        page = self.show(
            alice_client,
            alice,
            user_message("q"),
            assistant_message("a", model="m"),
            NewMessage(role=Role.TOOL, content="r", tool_name="T"),
            assistant_message("b", model="m"),
            assistant_message("c", model="other"),
            user_message("d"),
        )

        assert re.findall(r'<article class="msg ([^"]*)"', page) == [
            "user", "assistant", "result on", "assistant on", "assistant", "user",
        ]  # fmt: skip

    def test_of_somebody_gone_are_a_users(self, alice_client, alice, session):
        session.messages.update(author=None)

        assert ">User</h2>" in page_of(alice_client, session)

    def test_can_be_edited_where_people_wrote_them(self, alice_client, alice):
        session = make_session(alice, messages=[user_message(), assistant_message()])

        page = page_of(alice_client, session)
        assert reverse("message_edit", args=[session.pk, 0]) in page
        assert reverse("message_edit", args=[session.pk, 1]) not in page


class TestLongTexts:
    @pytest.mark.parametrize("length", [markdown.LONGEST + 1, 1_000_000, 10_000_000])
    def test_are_shown_in_part_with_a_way_to_the_whole(self, alice_client, alice, length):
        session = make_session(alice, messages=[user_message(("**a** **a** " + "word " * (length // 5))[:length])])

        page = page_of(alice_client, session)
        assert len(page) < 120_000
        assert '<div class="body"><p><strong>a</strong> <strong>a</strong>' in page
        assert f"The whole has {length:,} characters." in page
        whole = reverse("message_text", args=[session.pk, 0])
        assert f'{whole}?part=content"' in page
        assert len(alice_client.get(f"{whole}?part=content").content) == length

    def test_of_tools_are_cut_earlier(self, alice_client, alice):
        session = make_session(alice, messages=[NewMessage(role=Role.TOOL, content="line\n" * 6_000)])

        page = page_of(alice_client, session)
        assert "<em>6,000 lines</em>" in page
        assert "The whole has 30,000 characters." in page

    def test_of_tools_that_were_not_read_whole_are_told_in_characters(self, alice_client, alice):
        session = make_session(alice, messages=[NewMessage(role=Role.TOOL, content="line\n" * 60_000)])

        assert "<em>300,000 characters</em>" in page_of(alice_client, session)

    def test_thoughts_too(self, alice_client, alice):
        session = make_session(alice, messages=[assistant_message("a", thinking="b" * 200_000)])

        page = page_of(alice_client, session)
        assert "?part=thinking" in page
        assert len(page) < 100_000

    def test_tool_calls_that_are_too_long_are_left_to_a_page_of_their_own(self, alice_client, alice):
        calls = [{"name": "Write", "input": {"text": "x" * 200_000}}]
        session = make_session(alice, messages=[assistant_message("", tool_calls=calls)])

        page = page_of(alice_client, session)
        assert "The tool calls are too long" in page
        assert len(page) < 60_000
        whole = alice_client.get(f"{reverse('message_text', args=[session.pk, 0])}?part=tool_calls")
        assert (
            whole.json() == calls if whole.headers["Content-Type"] == "application/json" else b"Write" in whole.content
        )

    def test_a_page_of_slow_texts_ends_in_time(self, alice_client, alice, monkeypatch):
        """What a page has no time left for is shown as it is, and rendered at the next look."""
        monkeypatch.setattr(transcript, "_SECONDS", 0.0)
        session = make_session(alice, messages=[user_message("a *lot* of work, never seen before")])

        assert '<pre class="body as-is">a *lot* of work' in page_of(alice_client, session)
        monkeypatch.setattr(transcript, "_SECONDS", 2.0)
        assert "a <em>lot</em> of work" in page_of(alice_client, session)


def test_messages_that_scripts_append_meanwhile_leave_no_gap(alice_client, alice, session):
    append_messages(actor=alice, session_id=session.pk, messages=conversation(10))

    assert indexes(page_of(alice_client, session, "?after=119", **HTMX)) == list(range(120, 130))
