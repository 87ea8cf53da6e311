"""Fill the site that the environment names with believable sessions; print, as JSON, what to ask it for."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from sessions.operations.loading import SessionDraft
    from sessions.operations.transcript import NewMessage

MARKS = {"medlar": 5, "quince": 100, "bergamot": 5_000}  # words that no generated text has: in every so manieth message


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=0)
    parser.add_argument("--messages", type=int, default=0)
    parser.add_argument("--no-workspaces", action="store_true")
    parser.add_argument("--marks", action="store_true", help="put the words of MARKS into the messages")
    parser.add_argument("--transcript", type=int, action="append", default=[], help="a session with so many messages")
    parser.add_argument("--position", type=int, action="append", default=[], help="the cursor after so many sessions")
    options = parser.parse_args()
    import django

    django.setup()
    from sessions.operations.loading import owner_named

    owner, _ = owner_named("demo")
    _generate(owner, options.sessions, options.messages, workspaces=not options.no_workspaces, with_marks=options.marks)
    asked = {
        "token": _token(owner),
        "cookie": _cookie(owner),
        "sessions": [str(_transcript(owner, length)) for length in options.transcript],
        "positions": {str(number): cursor for number, cursor in _positions(owner, options.position).items()},
    }
    print(json.dumps(asked))


def _token(owner: "User") -> str:
    from sessions.operations.tokens import create_token

    return create_token(actor=owner, name="benchmark")[1]


def _cookie(owner: "User") -> str:
    """The `Cookie` header of a browser in which the owner is signed in."""
    from django.test import Client

    client = Client()
    client.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
    return "; ".join(f"{name}={cookie.value}" for name, cookie in client.cookies.items())


def _generate(owner: "User", sessions: int, messages: int, *, workspaces: bool, with_marks: bool) -> None:
    from django.utils import timezone

    from sessions.management.believable.drafts import drafts

    made = drafts(sessions=sessions, messages=messages, seed=1, now=timezone.now())
    _load(owner, _marked(made) if with_marks else made, workspaces=workspaces)


def _marked(drafts: "Iterator[SessionDraft]") -> "Iterator[SessionDraft]":
    number = count()
    for draft in drafts:
        draft.messages = map(partial(_with_marks, number), draft.messages)
        yield draft


def _with_marks(number: "count[int]", message: "NewMessage") -> "NewMessage":
    place = next(number)
    words = [word for word, step in MARKS.items() if place % step == step - 1]
    return replace(message, content=f"{message.content} {' '.join(words)}") if words else message


def _transcript(owner: "User", length: int) -> UUID:
    """A session that starts and ends with the same fifty messages, whatever its length."""
    from django.utils import timezone

    from sessions.operations.loading import SessionDraft

    fifty = _messages(min(length, 50), seed=50)
    middle = _messages(length - 2 * len(fifty), seed=length) if length > 2 * len(fifty) else []
    messages = [*fifty, *middle, *fifty] if length > len(fifty) else fifty
    name = f"{length} messages, {timezone.now()}"
    _load(owner, iter([SessionDraft(created_at=timezone.now(), name=name, messages=messages)]), workspaces=True)
    from sessions.models import Session

    return Session.objects.get(owner=owner, name=name).pk


def _messages(count: int, *, seed: int) -> "list[NewMessage]":
    from django.utils import timezone

    from sessions.management.believable.drafts import drafts

    (draft,) = drafts(sessions=1, messages=count, seed=seed, now=timezone.now())
    return list(draft.messages)


def _load(owner: "User", drafts: "Any | list[SessionDraft]", *, workspaces: bool) -> None:
    from sessions.operations.loading import load_sessions

    for _ in load_sessions(actor=owner, drafts=drafts, workspaces=workspaces):
        pass


def _positions(owner: "User", numbers: list[int]) -> dict[int, str]:
    """The cursors after so many sessions of the list, found by walking it; none beyond its end."""
    from sessions.api.pagination import cursor_of
    from sessions.models.session_filter import SessionFilter
    from sessions.models.session_list import DEFAULT_SORT, list_sessions

    found: dict[int, str] = {}
    passed, after = 0, None
    for number in sorted(numbers):
        while passed < number:
            step = min(500, number - passed)
            page = list_sessions(SessionFilter(owner.pk), limit=step, after=after)
            if page.next is None:
                return found
            passed, after = passed + step, page.next
        found[number] = cursor_of(after, DEFAULT_SORT) or ""
    return found


if __name__ == "__main__":
    main()
