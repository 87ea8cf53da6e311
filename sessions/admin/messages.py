"""The end of a transcript on its session's page."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator

from sessions.admin.bases import MessageFormSet, MessageInline
from sessions.models import Message, Session

LAST = 20
_SHORT = 200


class _LastOnes(MessageFormSet):
    """The formset, narrowed to a range of the transcript's index."""

    def __init__(self, *, instance: Session, queryset: QuerySet[Message], **kwargs: Any) -> None:
        last_ones = queryset.filter(index__gte=instance.message_count - LAST)
        super().__init__(instance=instance, queryset=last_ones, **kwargs)


class LastMessages(MessageInline):
    """The last messages, to look at."""

    model = Message
    formset = _LastOnes
    template = "admin/research/session/last_messages.html"
    fields = ("index", "role", "author", "model", "short_content", "created_at")
    readonly_fields = fields
    ordering = ("-index",)
    extra = 0
    can_delete = False
    verbose_name_plural = f"last {LAST} messages, newest first"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """With the authors' names at once, and without what isn't shown."""
        shown = super().get_queryset(request).select_related("author")
        return shown.defer("thinking", "tool_calls", "metadata")

    @admin.display(description="Content")
    def short_content(self, message: Message) -> str:
        """The beginning."""
        return (
            Truncator(message.content).chars(_SHORT) or (message.tool_name and f"({message.tool_name})") or "(no text)"
        )

    def has_add_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Transcripts are written by their owners."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Transcripts are written by their owners."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        """Whoever may see the session here sees the end of its transcript."""
        return request.user.has_perm("research.view_session") or request.user.has_perm("research.change_session")
