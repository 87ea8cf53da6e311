"""Any order of changes: the transcript is what a list of its messages would be, and nothing said is ever lost."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from sessions.exceptions import Conflict, NoSystemPrompt, NotAUserMessage, RevisionNotFound, SessionError
from sessions.models import Reason, RevisionMessage, Role, Session
from sessions.operations.editing import edit_message, remove_system_prompt, restore_revision, set_system_prompt
from sessions.operations.lifecycle import archive_session, restore_session, trash_session
from sessions.operations.transcript import NewMessage, append_messages
from tests.factories import make_session
from tests.whole import assert_whole

ROLES = st.sampled_from([role.value for role in Role])
WORDS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=120)


class TranscriptLife(RuleBasedStateMachine):
    """One session and, beside it, what it should hold: (role, text) in order, and the revisions."""

    def __init__(self, owner):
        super().__init__()
        self.owner = owner
        self.session = make_session(owner, "", model="m")
        self.said: list[tuple[str, str]] = []
        self.kept: list[tuple[bool, int, list[tuple[str, str]]]] = []  # is a prompt, first index, what was said
        self.ever: set[str] = set()
        self.version = 1
        self.active = True

    def text(self, words):
        text = f"{len(self.ever)} {words}"
        self.ever.add(text)
        return text

    def change(self, operation, **arguments):
        """Do it, and check the version that it answers with."""
        changed = operation(actor=self.owner, session_id=self.session.pk, expected_version=self.version, **arguments)
        self.version += 1
        assert changed.version == self.version
        return changed

    def refused(self, error, operation, **arguments):
        with pytest.raises(error):
            operation(actor=self.owner, session_id=self.session.pk, **arguments)

    @property
    def has_prompt(self):
        return bool(self.said) and self.said[0][0] == Role.SYSTEM

    @precondition(lambda self: self.active)
    @rule(batch=st.lists(st.tuples(ROLES, WORDS), min_size=1, max_size=4))
    def append(self, batch):
        batch = [(role, self.text(words)) for role, words in batch]
        done = self.change(append_messages, messages=[NewMessage(role=role, content=text) for role, text in batch])
        assert done.first_index == len(self.said)
        self.said += batch

    @precondition(lambda self: self.active and self.said)
    @rule(data=st.data(), words=WORDS)
    def edit(self, data, words):
        index = data.draw(st.integers(0, len(self.said) - 1))
        if self.said[index][0] != Role.USER:
            self.refused(NotAUserMessage, edit_message, index=index, content=words)
            return
        text = self.text(words)
        self.change(edit_message, index=index, content=text)
        self.kept.append((False, index, self.said[index:]))
        self.said[index:] = [(Role.USER.value, text)]

    @precondition(lambda self: self.active)
    @rule(words=WORDS)
    def set_prompt(self, words):
        text = self.text(words)
        self.change(set_system_prompt, content=text)
        self.put_prompt(text)

    def put_prompt(self, text):
        if self.has_prompt:
            self.kept.append((True, 0, [self.said.pop(0)]))
        else:
            self.kept = [(prompt, first + (not prompt), said) for prompt, first, said in self.kept]
        self.said.insert(0, (Role.SYSTEM.value, text))

    @precondition(lambda self: self.active)
    @rule()
    def remove_prompt(self):
        if not self.has_prompt:
            self.refused(NoSystemPrompt, remove_system_prompt)
            return
        self.change(remove_system_prompt)
        self.kept.append((True, 0, [self.said.pop(0)]))
        self.kept = [(prompt, first if prompt else max(first - 1, 0), said) for prompt, first, said in self.kept]

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def restore(self, data):
        number = data.draw(st.integers(1, len(self.kept) + 1))
        if number > len(self.kept):
            self.refused(RevisionNotFound, restore_revision, number=number)
            return
        prompt, first, said = self.kept[number - 1]
        if prompt:
            self.change(restore_revision, number=number)
            self.put_prompt(said[0][1])
        elif first > len(self.said):
            self.refused(Conflict, restore_revision, number=number)
        else:
            self.change(restore_revision, number=number)
            if self.said[first:]:
                self.kept.append((False, first, self.said[first:]))
            self.said[first:] = said

    @rule(away=st.sampled_from([archive_session, trash_session]))
    def put_away_and_bring_back(self, away):
        if not self.active:
            return
        self.change(away)
        self.active = False
        self.refused(SessionError, append_messages, messages=[NewMessage(role="user", content="late")])
        self.refused(SessionError, set_system_prompt, content="late")
        self.change(restore_session)
        self.active = True

    @invariant()
    def the_transcript_is_what_was_said(self):
        assert list(self.session.messages.order_by("index").values_list("role", "content")) == self.said
        assert_whole(self.session)
        assert Session.objects.get(pk=self.session.pk).version == self.version

    @invariant()
    def revisions_are_what_was_replaced(self):
        revisions = self.session.revisions.order_by("number")
        assert [
            (
                one.reason == Reason.SYSTEM_PROMPT,
                one.first_index,
                list(one.messages.order_by("position").values_list("role", "content")),
            )
            for one in revisions
        ] == self.kept

    @invariant()
    def nothing_said_is_lost(self):
        in_revisions = RevisionMessage.objects.filter(revision__session=self.session).values_list("content", flat=True)
        assert self.ever <= {text for _, text in self.said} | set(in_revisions)


def live(owner, **values):
    run_state_machine_as_test(
        lambda: TranscriptLife(owner),
        settings=settings(**values),
    )


def test_a_short_life(alice):
    live(alice, max_examples=12, stateful_step_count=15)


@pytest.mark.soak
def test_long_lives(alice):
    live(alice, max_examples=500, stateful_step_count=60)
