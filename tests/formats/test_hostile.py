"""Whatever a file holds, reading it ends with a document, a fault or one of our own errors."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions.exceptions import SessionError, UnreadableFile
from sessions.formats.document import Document
from sessions.formats.recognition import READERS
from tests.formats import samples
from tests.formats.reading import read_all, read_one, said

_KEYS = """
title mapping message author role content parts content_type metadata parent children create_time thoughts chat
history messages currentId parentId output type text name id tags messagesTree messageId parentMessageId
isCreatedByUser createdAt files payload timestamp sessionId uuid usage summary tool_use_id session_id session
created_at origin index tool_calls conversation_id current_node arguments call_id
"""
_WORDS = """
user assistant text tool_use tool_result thinking message reasoning function_call function_call_output code
response_item session_meta turn_context summary root thoughts multimodal_text tool_call think
"""
SMALL = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(_WORDS.split()) | st.text(max_size=5)
ANYTHING = st.recursive(
    SMALL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS.split()), inner, max_size=5),
    max_leaves=15,
)


@settings(max_examples=50)
@given(value=ANYTHING, form=st.sampled_from(sorted(READERS)))
def test_any_json_as_any_format(value, form):
    _read(json.dumps(value).encode(), form)


SAMPLES = {
    "chatgpt": [samples.simple_chatgpt()],
    "openwebui": [
        samples.openwebui({"1": {"parentId": None, "role": "assistant", "output": [{"type": "message"}]}}, "1")
    ],
    "librechat": {"conversationId": "x", "messages": [{"messageId": "a", "content": [{"type": "text", "text": "t"}]}]},
    "claude_code": samples.claude_line("assistant", [{"type": "tool_use", "id": "1", "name": "n", "input": {}}]),
    "codex": samples.codex_item({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "t"}]}),
    "mochi": samples.MOCHI,
    "json": {"session": {"session_id": "x", "tags": ["a"]}, "messages": [{"role": "user", "origin": {"index": 1}}]},
}


def _places(value, path=()):
    """The path of everything inside a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from _places(item, (*path, key))


@pytest.mark.parametrize("form", SAMPLES)
def test_each_value_of_a_sample_as_something_else(form):
    sample = SAMPLES[form]
    for path in list(_places(sample)):
        for other in (None, True, -1, 1e300, 10**30, "x", "", [], [[]], {}, {"a": {}}, ["x"], "2026-99-99", "\ud800"):
            changed = json.loads(json.dumps(sample))
            target = changed
            for step in path[:-1]:
                target = target[step]
            target[path[-1]] = other
            _read(json.dumps(changed).encode(), form)


def _read(data: bytes, form: str) -> None:
    try:
        for found in READERS[form](io.BytesIO(data)):
            for message in found.messages if isinstance(found, Document) else ():
                assert isinstance(message.role, str)
                message.content.encode()
                json.dumps([message.tool_calls, message.metadata], allow_nan=False)
    except SessionError:
        pass


def test_what_no_database_keeps_is_replaced():
    nodes = [samples.chatgpt_node("u", "root", "user", "a\x00b\ud800c 😀")]
    _, messages = read_one([samples.chatgpt(nodes, title="t\x00")])
    assert said(messages) in ([("user", "a\ufffdb\ufffdc 😀")], [("user", "a\ufffdb?c 😀")])
    call = {
        "type": "tool_use",
        "id": "1",
        "name": "n",
        "input": {"big": 10**40, "nan": float("nan"), "deep": _deep(100)},
    }
    _, messages = read_one(samples.as_lines(samples.claude_line("assistant", [call])))
    arguments = messages[0].tool_calls[0]["arguments"]
    assert arguments["big"] == str(10**40)
    assert arguments["nan"] is None
    assert len(json.dumps(arguments["deep"])) < 20_000


def _deep(levels):
    return [] if levels == 0 else [_deep(levels - 1)]


@pytest.mark.parametrize(
    "harm",
    [
        b"1" * 5_000,  # kills ijson's reader in C, and the process with it
        b"-" + b"1" * 70_000,
        b"1e" + b"9" * 30,
        b"[" * 30_000,  # costs the square of its depth: minutes
        b'{"a":' * 30_000,
    ],
    ids=["long", "longer than a block", "exponent", "arrays", "objects"],
)
def test_a_document_made_to_kill_its_reader_is_refused(harm):
    good = samples.as_json(samples.simple_chatgpt(1))
    for data in (b"[%b,%b]" % (good, harm), b'[%b,{"title": %b}]' % (good, harm), b'{"messages": %b}' % harm):
        for name in ("", "chatgpt", "json", "mochi"):
            with pytest.raises(UnreadableFile):
                read_all(data, name)


@pytest.mark.parametrize("text", ["3." + "1" * 9_000, "1" * 9_000, "[" * 3_000, '{"a":' * 3_000])
def test_the_same_inside_a_text_is_kept(text):
    _, found, messages = read_all(
        samples.as_json([samples.simple_chatgpt(1), samples.simple_chatgpt(2, title=text), samples.simple_chatgpt(3)])
    )
    assert [document.name for document in found] == ["Chat 1", text[:254] + "…", "Chat 3"]
    assert len(messages) == 3


def test_what_is_nested_as_deeply_as_a_file_may_be_is_kept_as_its_text():
    node = samples.simple_chatgpt(1)
    node["mapping"]["a"]["message"]["metadata"]["deep"] = _deep(400)
    assert len(read_one([node])[1]) == 2
