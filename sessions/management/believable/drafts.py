"""Made-up sessions, one after the other: each depends on the seed and its number alone."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from sessions.management.believable.texts import Texts
from sessions.management.believable.topics import MODELS, OWN_TAGS, TOPICS
from sessions.models import Phase, Role
from sessions.operations.loading import SessionDraft
from sessions.operations.transcript import NewMessage

_YEAR = timedelta(days=365)
_MOST_PINNED = 20  # people pin a handful, however many sessions they have
_TOOLS = ("web_search", "read_file", "run_python", "query_readings", "fetch_paper")


def drafts(*, sessions: int, messages: int, seed: int, now: datetime) -> Iterator[SessionDraft]:
    """Yield `sessions` drafts that hold `messages` messages altogether, from the past year."""
    random = Random(seed)  # noqa: S311  (made-up data, no secrets)
    texts = [Texts(topic, random) for topic in TOPICS]
    left = messages
    pinned = min(0.03, _MOST_PINNED / max(sessions, 1))
    for number in range(sessions):
        one = Random(f"{seed}/{number}")  # noqa: S311  (as above)
        count = left if number == sessions - 1 else _share(one, left, sessions - number)
        left -= count
        age = 1 - (number + one.random()) / sessions  # the oldest first, as life writes them
        created_at = now - _YEAR * age**1.5 - timedelta(hours=1)  # more of late than long ago
        yield _draft(one, one.choice(texts), count, created_at, now, pinned=one.random() < pinned)


def _share(random: Random, left: int, sessions_left: int) -> int:
    """How many of the messages left this session gets: a few get many, most get few."""
    mean = left / sessions_left
    wanted = mean * random.lognormvariate(-0.5, 1.0)  # its mean is 1
    whole = int(wanted)
    return min(left, whole + (random.random() < wanted - whole))


def _draft(
    random: Random, texts: Texts, count: int, created_at: datetime, now: datetime, *, pinned: bool
) -> SessionDraft:
    step = min((now - created_at) / (count + 1), timedelta(seconds=random.lognormvariate(4.5, 1.0)))
    last = created_at + step * count
    fate = random.random()
    age = now - last
    is_agents = random.random() < 0.2
    return SessionDraft(
        created_at=created_at,
        messages=_transcript(random, texts, count, created_at, step),
        name="" if count and random.random() < 0.15 else texts.name(random),
        description=random.choice(texts.descriptions),
        tags=_tags(random, texts),
        model=random.choice(MODELS),
        phase=_phase(random) if is_agents else "",
        metadata={"source": "generated"} | ({"agent": "planner"} if is_agents else {}),
        pinned=pinned,
        archived_at=last + age * random.random() * 0.5 if 0.02 <= fate < 0.14 else None,
        deleted_at=last + age * random.uniform(0.5, 1) if fate < 0.03 else None,
    )


def _tags(random: Random, texts: Texts) -> list[str]:
    tags = random.sample(texts.topic.tags, random.choice((0, 1, 1, 2)))
    return [*tags, random.choice(OWN_TAGS)] if random.random() < 0.25 else tags


def _phase(random: Random) -> str:
    if random.random() < 0.7:
        return random.choice((Phase.COMPLETE, Phase.COMPLETE, Phase.COMPLETE, Phase.FAILED)).value
    return random.choice(Phase.values)


def _transcript(
    random: Random, texts: Texts, count: int, created_at: datetime, step: timedelta
) -> Iterator[NewMessage]:
    """`count` messages: perhaps a system prompt, then turns of a question, perhaps tool calls, and an answer."""
    model = random.choice(MODELS)
    endless = _endless(random, texts, model, starts_with_prompt=count > 2 and random.random() < 0.3)
    for number, message in enumerate(islice(endless, count), start=1):
        yield NewMessage(created_at=created_at + step * number, **message)


def _endless(random: Random, texts: Texts, model: str, *, starts_with_prompt: bool) -> Iterator[dict[str, Any]]:
    if starts_with_prompt:
        yield {"role": Role.SYSTEM.value, "content": _pick(random, texts.prompts), "source_file": "prompts/research.md"}
    call = 0
    while True:
        yield {"role": Role.USER.value, "content": _pick(random, texts.questions)}
        while random.random() < 0.22:
            call += 1
            tool, call_id = _pick(random, _TOOLS), f"call_{call}"
            asked = {"query": _pick(random, texts.topic.subjects)}
            calls = [{"id": call_id, "type": "function", "function": {"name": tool, "arguments": asked}}]
            yield {"role": Role.ASSISTANT.value, "content": "", "model": model, "tool_calls": calls}
            result = _pick(random, texts.results)
            yield {"role": Role.TOOL.value, "content": result, "tool_name": tool, "tool_call_id": call_id}
        yield _answer(random, texts, model)


def _answer(random: Random, texts: Texts, model: str) -> dict[str, Any]:
    parts = [_pick(random, texts.paragraphs) for _ in range(1 + int(random.random() * 3))]
    if random.random() < 0.4:
        parts.append(_pick(random, texts.extras))
    content = "\n\n".join(parts)
    return {
        "role": Role.ASSISTANT.value,
        "content": content,
        "model": model,
        "thinking": _pick(random, texts.thoughts) if random.random() < 0.15 else "",
        "eval_count": len(content) // 4,
        "prompt_eval_count": 200 + int(random.random() * 6_000),
    }


def _pick(random: Random, pool: "list[str] | tuple[str, ...]") -> str:
    return pool[int(random.random() * len(pool))]
