"""Transcripts that browser tests read."""

from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User

from sessions.models import Role, Session
from sessions.operations.transcript import NewMessage, append_messages
from tests.factories import assistant_message, make_session, user_message

START = datetime(2026, 11, 19, 9, tzinfo=UTC)

ANSWER = """Three imports pull in half of the package, see `routes.py` and https://example.org/a_(b).

# What is left

| module | before | after |
|:--|--:|:-:|
| routes | 412 ms | 198 ms |

- [x] measured
- [ ] written down

> A worker is a process, and $a_1 * b_2$ holds.

```python
async def get_session(session_id: UUID) -> Session:
    # one query
    return await db.get(Session, 404, "a line that is much longer than the column in which it is shown, so it scrolls")
```

![a graph](https://elsewhere.example/graph.png)
"""


def everything() -> list[NewMessage]:
    """Every role and every kind of part."""
    return [
        NewMessage(role=Role.SYSTEM, content="You are *careful*.", source_file="prompts/reviewer.md", created_at=START),
        user_message("Look at `routes.py`.\nWhat could wait?", created_at=START),
        assistant_message(
            "",
            created_at=START,
            model="qwen3:14b",
            thinking="First grep, **then** measure.",
            tool_calls=[
                {"id": "1", "function": {"name": "Bash", "arguments": '{"command": "rg -n import", "timeout": 5}'}},
                {"id": "2", "name": "Edit", "input": {"file_path": "app.py", "new_string": "one\ntwo"}},
            ],
        ),
        NewMessage(role=Role.TOOL, content="a\nb\nc", tool_call_id="1", created_at=START),
        NewMessage(role=Role.TOOL, content="", tool_call_id="2", created_at=START),
        assistant_message(ANSWER, created_at=START, model="qwen3:14b", eval_count=412),
        user_message("Does it keep `last_accessed` right?", created_at=START + timedelta(days=1)),
        assistant_message("Yes.", created_at=START + timedelta(days=1), model="qwen3:14b"),
    ]


def long_transcript(owner: User, length: int) -> Session:
    """A session of so many messages, an hour apart, of different heights."""
    session = make_session(owner, "Recall on long transcripts")
    messages = [
        (user_message if number % 2 == 0 else assistant_message)(
            f"message {number}\n" + "\n".join(["and more"] * (number % 5)), created_at=START + timedelta(hours=number)
        )
        for number in range(length)
    ]
    for first in range(0, length, 1000):
        append_messages(actor=owner, session_id=session.pk, messages=messages[first : first + 1000])
    return session
