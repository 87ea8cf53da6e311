"""What is read of each system's files: the right messages in their order, with what belongs to them."""

import io
from datetime import UTC, datetime

import pytest

from sessions.exceptions import Invalid, TooLarge, UnreadableFile
from sessions.formats import chatgpt as chatgpt_format
from sessions.formats import json_stream
from sessions.formats.document import Document, Fault
from tests.formats.reading import read_all, read_one, said
from tests.formats.samples import (
    MOCHI,
    as_json,
    as_lines,
    chatgpt,
    chatgpt_node,
    claude_line,
    codex_item,
    openwebui,
    simple_chatgpt,
)


def test_chatgpt_keeps_the_current_branch_and_counts_the_rest():
    nodes = [
        chatgpt_node("hidden", "root", "system", "x", metadata={"is_visually_hidden_from_conversation": True}),
        chatgpt_node("u", "hidden", "user", "Which moss?", at=1_700_000_001.5),
        chatgpt_node("old", "u", "assistant", "Another answer"),
        chatgpt_node("think", "u", "assistant", content={"content_type": "thoughts", "thoughts": [{"content": "Hm."}]}),
        chatgpt_node("call", "think", "assistant", recipient="python",
                     content={"content_type": "code", "language": "python", "text": "print(1)"}),
        chatgpt_node("out", "call", "tool", name="python", content={"content_type": "execution_output", "text": "1"}),
        chatgpt_node("empty", "out", "assistant", ""),
        chatgpt_node("picture", "empty", "user", content={
            "content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, "Look at this"]}),
        chatgpt_node("web", "picture", "tool", content={"content_type": "tether_browsing_display", "result": "A page"}),
        chatgpt_node("a", "web", "assistant", "Sphagnum.", metadata={"model_slug": "gpt-5-mini"}),
    ]  # fmt: skip
    document, messages = read_one([chatgpt(nodes, is_starred=True, is_archived=True)])
    assert said(messages) == [
        ("user", "Which moss?"),
        ("assistant", "```python\nprint(1)\n```"),
        ("tool", "1"),
        ("user", "Look at this"),
        ("tool", "A page"),
        ("assistant", "Sphagnum."),
    ]
    assert messages[1].thinking == "Hm."
    assert messages[1].tool_calls[0]["name"] == "python"
    assert messages[2].tool_name == "python"
    assert messages[5].model == "gpt-5-mini"
    assert messages[0].created_at == datetime(2023, 11, 14, 22, 13, 21, 500_000, tzinfo=UTC)
    assert all(message.created_at for message in messages), "a message without a time has that of the one before"
    assert document.tally.branches == 1
    assert document.tally.dropped == {"hidden": 1, "empty": 1, "image_asset_pointer": 1}
    assert (document.name, document.pinned, document.archived, document.model) == ("Moss", True, True, "gpt-5")
    assert document.created_at == datetime(2023, 11, 14, 22, 13, 20, 500_000, tzinfo=UTC)


def test_chatgpt_without_a_current_node_takes_the_newest_leaf_and_breaks_circles():
    nodes = [
        chatgpt_node("u", "root", "user", "Q"),
        chatgpt_node("new", "u", "assistant", "Newer", at=20),
        chatgpt_node("old", "u", "assistant", "Older", at=10),
    ]
    _, messages = read_one([chatgpt(nodes, current_node=None)])
    assert said(messages) == [("user", "Q"), ("assistant", "Newer")]
    circle = [chatgpt_node("x", "y", "user", "X"), chatgpt_node("y", "x", "assistant", "Y")]
    document, messages = read_one([chatgpt(circle, current_node="x")])
    assert said(messages) == [("assistant", "Y"), ("user", "X")]
    assert document.tally.warnings
    document, _ = read_one([chatgpt([chatgpt_node("u", "gone", "user", "Q")])])
    assert document.tally.warnings[0][0] == "[0].mapping.u"


def test_one_bad_conversation_does_not_stop_the_others():
    name, found, messages = read_all(as_json([simple_chatgpt(1), {"title": "Broken"}, 7, simple_chatgpt(2)]))
    assert name == "chatgpt"
    assert [document.place for document in found] == ["[0]", "[1]", "[2]", "[3]"]
    assert [type(document) for document in found] == [Document, Fault, Fault, Document]
    assert "Broken" in found[1].sentence
    assert said(messages[3]) == [("user", "Question 2"), ("assistant", "Answer 2")]


def test_a_file_that_breaks_off_gives_what_came_before():
    documents = chatgpt_format.read(
        io.BytesIO(as_json([simple_chatgpt(1), simple_chatgpt(2), simple_chatgpt(3)])[:-200])
    )
    assert [next(documents).source_id, next(documents).source_id] == ["c-1", "c-2"]
    with pytest.raises(UnreadableFile, match="breaks off") as caught:
        next(documents)
    assert caught.value.errors[0][0] == "[2]"


OUTPUT = [
    {"type": "reasoning", "content": [{"type": "output_text", "text": "Think."}]},
    {"type": "function_call", "call_id": "k", "name": "weather", "arguments": '{"city": "Oslo"}'},
    {"type": "function_call_output", "call_id": "k", "output": [{"type": "input_text", "text": "Rain"}]},
    {"type": "message", "content": [{"type": "output_text", "text": "It rains."}]},
]
DETAILS = (
    '<details type="reasoning" done="true"><summary>Thought</summary>\n&gt; Think.\n</details>\n'
    '<details type="tool_calls" done="true" id="k" name="weather" arguments="{&quot;city&quot;: &quot;Oslo&quot;}" '
    'result="&quot;Rain&quot;"><summary>Tool Executed</summary></details>\nIt rains.'
)


@pytest.mark.parametrize("answer", [{"content": "old text", "output": OUTPUT}, {"content": DETAILS}])
def test_openwebui_calls_thinking_and_results(answer):
    chat = openwebui(
        {
            "1": {"id": "1", "parentId": None, "role": "user", "content": "Rain?", "timestamp": 1_700_000_001},
            "2": {"id": "2", "parentId": "1", "role": "assistant", "model": "llama3", "timestamp": 1_700_000_002}
            | answer,
            "3": {"id": "3", "parentId": "1", "role": "assistant", "content": "no", "timestamp": 1_700_000_000},
        },
        "2",
    )
    document, messages = read_one([chat])
    assert said(messages) == [("user", "Rain?"), ("assistant", ""), ("tool", "Rain"), ("assistant", "It rains.")]
    assert messages[1].thinking == "Think."
    assert messages[1].tool_calls == [{"id": "k", "name": "weather", "arguments": {"city": "Oslo"}}]
    assert (messages[2].tool_name, messages[2].tool_call_id) == ("weather", "k")
    assert {message.model for message in messages if message.role == "assistant"} == {"llama3"}
    assert document.tally.branches == 1
    assert (document.name, document.tags, document.pinned) == ("Lichen", ["botany"], True)
    assert document.updated_at == datetime.fromtimestamp(1_700_000_050, UTC)


def test_openwebui_one_a_line_and_legacy_lists():
    legacy = {
        "id": "w-2",
        "title": "Old",
        "messages": [{"role": "user", "content": "A"}, {"role": "assistant", "content": "B"}],
    }
    name, found, messages = read_all(as_lines(openwebui({}, None), legacy))
    assert name == "openwebui"
    assert [document.source_id for document in found] == ["w-1", "w-2"]
    assert said(messages[1]) == [("user", "A"), ("assistant", "B")]
    unwrapped = {
        "title": "T",
        "models": ["m"],
        "history": {"currentId": "1", "messages": {"1": {"role": "user", "content": "Q"}}},
    }
    document, messages = read_one(unwrapped)
    assert said(messages) == [("user", "Q")]
    assert document.source_id.startswith("sha256:")


@pytest.mark.parametrize("is_nested", [True, False])
def test_librechat_nested_or_flat_keeps_the_newest_branch(is_nested):
    root = "00000000-0000-0000-0000-000000000000"
    question = {
        "messageId": "q",
        "parentMessageId": root,
        "isCreatedByUser": True,
        "text": "Q",
        "createdAt": "2026-01-01T00:00:00Z",
    }
    first = {
        "messageId": "a",
        "parentMessageId": "q",
        "isCreatedByUser": False,
        "text": "First",
        "createdAt": "2026-01-01T00:00:01Z",
    }
    second = {
        "messageId": "b", "parentMessageId": "q", "isCreatedByUser": False, "model": "gpt-5",
        "createdAt": "2026-01-01T00:00:02Z",
        "content": [
            {"type": "think", "think": "Hm"},
            {"type": "tool_call", "tool_call": {"id": "k", "name": "sum", "args": "{\"x\": 1}", "output": "1"}},
            {"type": "text", "text": {"value": "Second"}},
            {"type": "image_file", "image_file": {}},
        ],
    }  # fmt: skip
    tree = [question | {"children": [first, second]}] if is_nested else [question, first, second]
    found = {"conversationId": "l-1", "title": "Fern", "options": {"model": "gpt-5"}, "messages": tree}
    document, messages = read_one(found)
    assert said(messages) == [("user", "Q"), ("assistant", ""), ("tool", "1"), ("assistant", "Second")]
    assert messages[1].thinking == "Hm"
    assert messages[1].tool_calls == [{"id": "k", "name": "sum", "arguments": {"x": 1}}]
    assert document.tally.branches == 1
    assert document.tally.dropped == {"image_file": 1}
    assert (document.source_id, document.name, document.model) == ("l-1", "Fern", "gpt-5")
    assert document.created_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_claude_code():
    usage = {"input_tokens": 7, "output_tokens": 9}
    lines = [
        {"type": "file-history-snapshot", "messageId": "x"},
        claude_line("user", "<command>", 0, isMeta=True),
        claude_line("user", "Fix it", 1),
        claude_line("assistant", [{"type": "thinking", "thinking": "Hm"}], 2, message={"id": "m", "model": "opus"}),
        claude_line("assistant", [{"type": "text", "text": "On it."}], 3, message={"id": "m", "model": "opus"}),
        claude_line("assistant", [{"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}}], 4,
                    message={"id": "m", "model": "opus", "usage": usage}),
        claude_line("user", [{"type": "tool_result", "tool_use_id": "t", "is_error": True,
                              "content": [{"type": "text", "text": "nothing"}, {"type": "image"}]}], 5),
        claude_line("assistant", [{"type": "text", "text": "aside"}], 6, isSidechain=True),
        claude_line("user", "Fix it", 1),
        claude_line("assistant", "Done.", 7, message={"id": "n", "model": "opus"}),
        {"type": "ai-title", "aiTitle": "Repairs"},
        {"type": "summary", "summary": "Something was repaired"},
    ]  # fmt: skip
    document, messages = read_one(as_lines(*lines) + b"{broken\n")
    assert said(messages) == [("user", "Fix it"), ("assistant", "On it."), ("tool", "nothing"), ("assistant", "Done.")]
    answer, result = messages[1], messages[2]
    assert (answer.thinking, answer.model, answer.prompt_eval_count, answer.eval_count) == ("Hm", "opus", 7, 9)
    assert answer.tool_calls == [{"id": "t", "name": "Bash", "arguments": {"command": "ls"}}]
    assert (result.tool_name, result.tool_call_id, result.metadata) == ("Bash", "t", {"is_error": True})
    assert (document.source_id, document.name, document.model) == ("cc-1", "Repairs", "opus")
    assert document.tally.dropped == {
        "file-history-snapshot": 1, "meta": 1, "image": 1, "sidechain": 1, "repeated line": 1, "unreadable line": 1,
    }  # fmt: skip
    assert document.tally.warnings == [("line 13", "This line is not JSON, or too long.")]
    assert document.updated_at == datetime(2026, 3, 1, 10, 0, 7, tzinfo=UTC)


def test_codex():
    meta = {
        "timestamp": "2026-03-01T09:59:59Z",
        "type": "session_meta",
        "payload": {"id": "cx-1", "timestamp": "2026-03-01T09:59:00Z"},
    }
    lines = [
        meta,
        {"timestamp": "2026-03-01T10:00:00Z", "type": "turn_context", "payload": {"model": "gpt-5-codex"}},
        codex_item(
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "<environment_context>x"}]}
        ),
        codex_item({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List"}]}, 1),
        {
            "timestamp": "2026-03-01T10:00:01Z",
            "type": "event_msg",
            "payload": {"type": "user_message", "message": "List"},
        },
        codex_item(
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm"}], "encrypted_content": "x"}, 2
        ),
        codex_item({"type": "function_call", "name": "shell", "arguments": '{"command": ["ls"]}', "call_id": "k"}, 3),
        codex_item({"type": "function_call_output", "call_id": "k", "output": "a.txt"}, 4),
        codex_item(
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "One file."}]}, 5
        ),
        codex_item({"type": "ghost_snapshot"}, 6),
        {"timestamp": "2026-03-01T10:00:07Z", "type": "compacted", "payload": {"message": "…"}},
    ]
    document, messages = read_one(as_lines(*lines))
    assert said(messages) == [
        ("system", "<environment_context>x"),
        ("user", "List"),
        ("assistant", ""),
        ("tool", "a.txt"),
        ("assistant", "One file."),
    ]
    assert messages[2].thinking == "Hm"
    assert messages[2].tool_calls == [{"id": "k", "name": "shell", "arguments": {"command": ["ls"]}}]
    assert messages[3].tool_name == "shell"
    assert {messages[2].model, messages[4].model, document.model} == {"gpt-5-codex"}
    assert document.source_id == "cx-1"
    assert document.created_at == datetime(2026, 3, 1, 9, 59, tzinfo=UTC)
    assert document.tally.dropped == {"event_msg": 1, "ghost_snapshot": 1, "compacted": 1}


def test_mochi():
    document, messages = read_one(MOCHI)
    assert said(messages) == [("system", "Be kind"), ("user", "Hello"), ("assistant", ""), ("tool", "waved")]
    assert messages[0].source_file == "kind.md"
    assert (messages[2].thinking, messages[2].eval_count, messages[2].prompt_eval_count) == ("A greeting.", 12, 45)
    assert messages[2].tool_calls == [{"function": {"name": "wave", "arguments": {}}}]
    assert messages[3].tool_name == "wave"
    assert document.summary == {"summary": "Greetings", "topics": ["hello"]}
    assert document.tool_settings["tool_group"] == "files"
    bare, _ = read_one({"metadata": {"session_id": None, "summary": None}, "messages": []})
    assert bare.source_id.startswith("sha256:")


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"[]", b"{}", b"[1, 2]", b'{"a": 1}', b"\x89PNG\r\n", b"null", b"[" * 100_000]
)
def test_what_is_in_no_known_format_is_refused(data):
    with pytest.raises(UnreadableFile):
        read_all(data)


def test_only_formats_that_are_known_can_be_named():
    with pytest.raises(Invalid):
        read_all(b"{}", "markdown")


def test_a_document_is_as_long_as_it_likes(monkeypatch):
    """The limit is a message's, not that of all together; what is no part of ours is counted, wherever it stands."""
    monkeypatch.setattr(json_stream, "LARGEST_PIECE", 100_000)
    said = [{"role": "user", "content": "x" * 10_000}] * 30
    data = {"session": {"name": "Long"}, "messages": said, "collection_data": {"points": [1]}}
    document, messages = read_one(as_json(data), "json")
    assert len(messages) == 30
    assert document.tally.dropped == {"collection_data": 1}
    assert read_one(as_json(data | {"collection_data": None}), "json")[0].tally.dropped == {}


def test_one_piece_has_a_limit(monkeypatch):
    monkeypatch.setattr(json_stream, "LARGEST_PIECE", 100_000)
    large = simple_chatgpt(2, title="x" * 300_000)
    with pytest.raises(TooLarge, match=r"\[1\]"):
        read_all(as_json([simple_chatgpt(1), large]))
    line = claude_line("user", "x" * 300_000, 1)
    document, messages = read_one(as_lines(line, claude_line("user", "short", 2)), "claude_code")
    assert said(messages) == [("user", "short")]
    assert document.tally.dropped == {"unreadable line": 1}
