"""What somebody's sessions add up to: counted from the rows, and kept where counting takes long."""

from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, models

from sessions.models.message import Message, Role
from sessions.models.rows import db_time
from sessions.models.session import Session

DAYS = 30
MODELS_SHOWN = 10
_MESSAGE, _SESSION = Message._meta.db_table, Session._meta.db_table
_DAY = {"sqlite": "date(m.created_at)", "postgresql": "CAST((m.created_at AT TIME ZONE 'UTC')::date AS text)"}
_THEIRS = f"FROM {_MESSAGE} m JOIN {_SESSION} s ON s.id = m.session_id WHERE s.owner_id = %s AND m.created_at >= %s"


class Insights(models.Model):
    """The last count of one person's messages. `wanted_at` asks the worker for another."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="research_insights"
    )
    data = models.JSONField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)
    wanted_at = models.DateTimeField(null=True, blank=True, db_index=True)

    class Meta:
        verbose_name_plural = "insights"

    def __str__(self) -> str:
        return f"{self.owner_id}: {self.counted_at}"


def is_small(owner_id: int, *, sessions: int, messages: int) -> bool:
    """Whether somebody has no more than so many sessions and messages; looks at no more rows than that."""
    counts = Session.objects.filter(owner_id=owner_id).order_by().values_list("message_count", flat=True)
    found = list(counts[: sessions + 1])
    return len(found) <= sessions and sum(found) <= messages


def count_messages(owner_id: int, *, now: datetime) -> dict[str, Any]:
    """By day (UTC) messages, tokens read and written; and the models that answered most. Two statements."""
    last = now.date()
    first = last - timedelta(days=DAYS - 1)
    since = db_time(datetime.combine(first, datetime.min.time(), tzinfo=now.tzinfo))
    with connection.cursor() as cursor:
        day = _DAY[connection.vendor]
        cursor.execute(
            f"SELECT {day}, count(*), COALESCE(sum(m.prompt_eval_count), 0), COALESCE(sum(m.eval_count), 0) "
            f"{_THEIRS} GROUP BY {day}",
            [owner_id, since],
        )
        by_day = {row[0]: [int(amount) for amount in row[1:]] for row in cursor.fetchall()}
        cursor.execute(
            f"SELECT m.model, count(*) {_THEIRS} AND m.role = '{Role.ASSISTANT.value}' AND m.model <> '' "
            f"GROUP BY m.model ORDER BY count(*) DESC, m.model LIMIT {MODELS_SHOWN}",
            [owner_id, since],
        )
        used = [[name, int(uses)] for name, uses in cursor.fetchall()]
    days: list[date] = [first + timedelta(days=number) for number in range(DAYS)]
    return {"days": [[str(each), *by_day.get(str(each), [0, 0, 0])] for each in days], "models": used}
