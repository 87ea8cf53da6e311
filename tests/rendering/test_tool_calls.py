"""Tool calls in all the shapes that are about."""

import json

import pytest

from sessions.rendering.tool_calls import read_tool_calls

ARGUMENTS = {"command": "rg -n import app", "timeout": 120}


@pytest.mark.parametrize(
    "call",
    [
        {"id": "1", "type": "function", "function": {"name": "Bash", "arguments": json.dumps(ARGUMENTS)}},
        {"id": "1", "function": {"name": "Bash", "arguments": ARGUMENTS}},
        {"id": "1", "type": "tool_use", "name": "Bash", "input": ARGUMENTS},
        {"call_id": "1", "name": "Bash", "args": ARGUMENTS},
        {"tool_call_id": "1", "tool": "Bash", "parameters": ARGUMENTS},
        {"tool_call_id": "1", "tool_name": "Bash", **ARGUMENTS},
    ],
)
def test_names_and_arguments_are_found(call):
    (read,) = read_tool_calls([call])

    assert (read.name, read.summary, read.call_id) == ("Bash", "rg -n import app", "1")
    assert [(argument.name, argument.value.shown) for argument in read.arguments] == [
        ("command", "rg -n import app"),
        ("timeout", "120"),
    ]
    assert not any(argument.is_block for argument in read.arguments)


@pytest.mark.parametrize(
    ("arguments", "summary"),
    [
        ({"file_path": "a.py", "old_string": "x"}, "a.py"),
        ({"description": "d", "command": "c"}, "c"),
        ({"odd": "first text", "other": "second"}, "first text"),
        ({"n": 3, "deep": {"a": [1]}}, 'n: 3, deep: {"a": [1]}'),
        ({"command": "a\n  b\n" * 100}, ("a b " * 100).strip()[:159].rstrip() + "…"),
        ({}, ""),
        (None, ""),
        ("free text", "free text"),
        ("{broken json", "{broken json"),
        ([1, 2], "[1, 2]"),
        (7, "7"),
    ],
)
def test_one_line_says_what_it_does(arguments, summary):
    assert read_tool_calls([{"name": "T", "arguments": arguments}])[0].summary == summary


def test_texts_of_several_lines_and_nested_values_are_blocks():
    (call,) = read_tool_calls([{"name": "T", "input": {"a": "x\ny", "b": {"c": 1}, "d": "z" * 101, "e": "é"}}])

    assert [(argument.value.shown, argument.is_block) for argument in call.arguments] == [
        ("x\ny", True),
        ('{\n  "c": 1\n}', True),
        ("z" * 101, True),
        ("é", False),
    ]


@pytest.mark.parametrize("value", [None, [], {}, "", 0])
def test_no_calls(value):
    assert read_tool_calls(value) == []


@pytest.mark.parametrize("value", ["text", 7, [None], [[1]], {"a": 1}, ["x"], [{"function": None}], [{"name": 3}]])
def test_any_other_shape_is_shown_somehow(value):
    (call,) = read_tool_calls(value)

    assert call.name


def test_only_so_much_is_shown():
    calls = read_tool_calls([{"name": "T", "input": {f"k{n}": "x" * 20_000 for n in range(80)}}] * 150)

    assert len(calls) == 100
    assert len(calls[0].arguments) == 50
    assert calls[0].arguments[0].value.is_cut
    assert calls[0].arguments[0].value.rest == 4_000


def test_a_deep_json_text_is_left_as_text():
    deep = "[" * 100_000

    assert read_tool_calls([{"name": "T", "arguments": deep}])[0].arguments[0].value.shown.startswith("[[[")


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (r'{"command": "cut off \ud83d"}', r'{"command": "cut off \ud83d"}'),
        (r'{"\uDE00": 1}', r'{"\uDE00": 1}'),
        (r'{"command": "whole \ud83d\ude00"}', "whole \U0001f600"),
    ],
)
def test_half_a_surrogate_pair_stays_as_it_is_written(arguments, shown):
    """A model was stopped in the middle of an emoji: a page that decoded it could not be sent."""
    (read,) = read_tool_calls([{"name": "Bash", "arguments": arguments}])
    assert shown in (read.summary, *(argument.value.shown for argument in read.arguments))
    "".join([read.summary, *(argument.name + argument.value.shown for argument in read.arguments)]).encode()
