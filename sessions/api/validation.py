"""What is wrong with a request, in places and sentences that its author understands."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

_MANY = 50  # errors told at once; a thousand bad messages make a thousand
_SOURCES_OF_NAMES = ("query", "path", "header")


def _limit(words: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda context: words.format(**context)


# pydantic's kinds of error in our words; its own words for the rest.
_SENTENCES: Mapping[str, str | Callable[[Mapping[str, Any]], str]] = {
    "missing": "This is required.",
    "extra_forbidden": "There is no such field here. Remove it or correct its name.",
    "string_type": "This must be text.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_from_float": "This must be a whole number.",
    "bool_type": "This must be true or false.",
    "list_type": "This must be a list.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "literal_error": _limit("This must be {expected}."),
    "string_too_long": _limit("At most {max_length} characters."),
    "string_too_short": _limit("At least {min_length} characters."),
    "too_long": _limit("At most {max_length} of them."),
    "too_short": _limit("At least {min_length} of them."),
    "greater_than_equal": _limit("This must be {ge} or more."),
    "less_than_equal": _limit("This must be {le} or less."),
}


def located(errors: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Turn pydantic's errors, as ninja hands them on, into pairs of a place and a sentence."""
    return [(place(error["loc"]), _sentence(error)) for error in errors][:_MANY]


def place(loc: Iterable[str | int]) -> str:
    """`("body", "payload", "messages", 0, "role")` is `messages[0].role`.

    Left out are the source, the parameter that stands for the whole body, and marks of
    alternatives (in angle brackets), which the author of a request doesn't know.
    """
    source, *steps = loc
    if source not in _SOURCES_OF_NAMES:
        steps = steps[1:]
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not step.startswith("<"):
            text += f".{step}"
    return text.removeprefix(".") or "body"


def _sentence(error: Mapping[str, Any]) -> str:
    sentence = _SENTENCES.get(error["type"], error["msg"])
    return sentence if isinstance(sentence, str) else sentence(error["ctx"])
