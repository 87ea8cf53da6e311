"""What somebody's sessions add up to: counted from the rows, and kept where counting takes long."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, models

from sessions.models.message import Message, Role, tokens_in
from sessions.models.rows import db_id, db_time
from sessions.models.session import Session

DAYS = 30
MODELS_SHOWN = 10
PORTION = 2_000
_MESSAGE = Message._meta.db_table
_DAY = {"sqlite": "date(m.created_at)", "postgresql": "CAST((m.created_at AT TIME ZONE 'UTC')::date AS text)"}


class Insights(models.Model):
    """The last count of one person's messages."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="research_insights"
    )
    data = models.JSONField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "insights"

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.counted_at}"


def is_small(owner_id: int, *, sessions: int, messages: int) -> bool:
    """Whether somebody has no more than so many sessions and messages; looks at no more rows than that."""
    counts = Session.objects.filter(owner_id=owner_id).order_by().values_list("message_count", flat=True)
    found = list(counts[: sessions + 1])
    return len(found) <= sessions and sum(found) <= messages


def count_messages(owner_id: int, *, now: datetime, step: Callable[[int], object] = lambda _: None) -> dict[str, Any]:
    """By day (UTC) messages, tokens read and written; and the models that answered most.

    One statement for each PORTION sessions, after which `step` is called with their number; it may raise.
    """
    last = now.date()
    first = last - timedelta(days=DAYS - 1)
    since = db_time(datetime.combine(first, datetime.min.time(), tzinfo=now.tzinfo))
    by_day: dict[str, list[int]] = {}
    used: Counter[str] = Counter()
    for session_ids in _portions(owner_id):
        for day, model, *amounts in _counted(session_ids, since):
            by_day[day] = [kept + int(more) for kept, more in zip(by_day.get(day, (0, 0, 0)), amounts, strict=True)]
            used[model] += int(amounts[0])
        step(len(session_ids))
    del used[""]
    models_used = sorted(used.items(), key=lambda use: (-use[1], use[0]))[:MODELS_SHOWN]
    days: list[date] = [first + timedelta(days=number) for number in range(DAYS)]
    return {
        "days": [[str(each), *by_day.get(str(each), [0, 0, 0])] for each in days],
        "models": [list(use) for use in models_used],
    }


def _portions(owner_id: int) -> Iterator[list[UUID]]:
    ids = Session.objects.filter(owner_id=owner_id).order_by().values_list("pk", flat=True).iterator(PORTION)
    while portion := list(islice(ids, PORTION)):
        yield portion


def _counted(session_ids: Sequence[UUID], since: Any) -> list[tuple[Any, ...]]:
    """(day, model of the answers, messages, tokens read, tokens written) of some sessions since a time."""
    day = _DAY[connection.vendor]
    model = f"CASE WHEN m.role = '{Role.ASSISTANT.value}' THEN m.model ELSE '' END"
    places = ", ".join(["%s"] * len(session_ids))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {day}, {model}, count(*), COALESCE(sum({tokens_in('m.prompt_eval_count')}), 0), "
            f"COALESCE(sum({tokens_in('m.eval_count')}), 0) "
            f"FROM {_MESSAGE} m WHERE m.session_id IN ({places}) AND m.created_at >= %s GROUP BY {day}, {model}",
            [*map(db_id, session_ids), since],
        )
        return list(cursor.fetchall())
