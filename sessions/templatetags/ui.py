"""What templates say often: moments, sizes, a tag's hue, the chosen theme, toasts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.contrib.messages.storage.base import Message
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sessions.views import shell, times, toasts

register = template.Library()

THEMES = ("light", "dark")


@register.simple_tag
def moment(value: datetime | None) -> SafeString | str:
    """`<time>` with a short text and the exact moment on hover; nothing for None."""
    if value is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', times.machine(value), times.exact(value), times.ago(value)
    )


@register.simple_tag
def line_time(value: datetime) -> SafeString:
    """`<time>` of a line of a log: it says the same however long the page is open."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', times.machine(value), times.exact(value), times.clock(value)
    )


@register.filter
def exact(value: datetime) -> str:
    """The whole moment in the reader's time zone."""
    return times.exact(value)


@register.filter
def until(value: datetime) -> str:
    """How long until a moment: `in 12 days`."""
    return times.until(value)


@register.filter
def day(value: datetime) -> str:
    """The day alone: `12 Nov`."""
    return times.day(value)


@register.filter
def hue(name: str) -> str:
    """The class of a tag's colour; the same name always has the same."""
    return shell.hue(name)


@register.filter
def disk_size(size: int) -> str:
    """Bytes as people read them."""
    return filesizeformat(size)


@register.simple_tag(takes_context=True)
def theme(context: dict[str, Any]) -> str:
    """The theme that the reader chose, as a class of `<html>`; empty for the system's preference."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request is not None else ""
    return chosen if chosen in THEMES else ""


@register.simple_tag
def answerer() -> bool:
    """Whether a model server answers what is written."""
    return bool(settings.MODEL_SERVER)


@register.filter
def as_toasts(messages: Iterable[Message]) -> list[toasts.Toast]:
    """The toasts that wait for this reader."""
    return [toasts.read(message) for message in messages or ()]
