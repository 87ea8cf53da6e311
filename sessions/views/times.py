"""Times as people read them, in the reader's time zone (researchmind.middleware.ReaderTimeZone)."""

from datetime import date, datetime, timedelta

from django.utils import timezone
from django.utils.dateformat import format as format_date

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_RECENT_DAYS = 6


def ago(value: datetime, now: datetime | None = None) -> str:
    """A moment in a word or two: `now`, `14 min`, `3 h`, `yesterday`, `Tue`, `12 Nov`, `12 Nov 2025`."""
    local, today = _local(value, now)
    seconds = ((now or timezone.now()) - value).total_seconds()
    days = (today - local.date()).days
    if seconds < _MINUTE:
        return "now"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min"
    if days <= 0:
        return f"{int(seconds // _HOUR)} h"
    if days == 1:
        return "yesterday"
    if days <= _RECENT_DAYS:
        return format_date(local, "D")
    return format_date(local, "j M" if local.year == today.year else "j M Y")


def until(value: datetime, now: datetime | None = None) -> str:
    """How long until a moment: `in 12 days`, `in 5 h`, `in 14 min`, `any minute` once it has come."""
    seconds = (value - (now or timezone.now())).total_seconds()
    if seconds < _MINUTE:
        return "any minute"
    if seconds < _HOUR:
        return f"in {int(seconds // _MINUTE)} min"
    if seconds < 2 * _DAY:
        return f"in {int(seconds // _HOUR)} h"
    return f"in {int(seconds // _DAY)} days"


def exact(value: datetime) -> str:
    """The whole moment: `21 Nov 2026, 16:50`."""
    return format_date(timezone.localtime(value), "j M Y, H:i")


def clock(value: datetime) -> str:
    """The time of day, for lines of a log: `16:50:07`."""
    return format_date(timezone.localtime(value), "H:i:s")


def day(value: datetime) -> str:
    """The day alone: `21 Nov`."""
    return format_date(timezone.localtime(value), "j M")


def machine(value: datetime) -> str:
    """The moment for `<time datetime>`: UTC, to the second."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value.utcoffset() == timedelta(0) else value.isoformat()


def period(value: datetime, now: datetime | None = None) -> str:
    """The part of a list that a moment belongs to: Today, Yesterday, This week, else its month."""
    local, today = _local(value, now)
    days = (today - local.date()).days
    if days <= 0:
        return "Today"
    if days == 1:
        return "Yesterday"
    if days <= today.weekday():  # weeks start on Monday
        return "This week"
    return format_date(local, "F" if local.year == today.year else "F Y")


def _local(value: datetime, now: datetime | None) -> tuple[datetime, date]:
    return timezone.localtime(value), timezone.localtime(now or timezone.now()).date()
