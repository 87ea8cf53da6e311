"""The domain's tables, one noun a file, its QuerySet above it."""

from sessions.models.event import Event, Verb
from sessions.models.idempotency_key import IdempotencyKey
from sessions.models.message import Message, Role
from sessions.models.revision import Reason, Revision, RevisionMessage
from sessions.models.session import Phase, Session, SessionTag, Status
from sessions.models.session_count import SessionCount
from sessions.models.tag import Tag
from sessions.models.token import ApiToken, Scope
from sessions.models.workspace_removal import WorkspaceRemoval

__all__ = [
    "ApiToken",
    "Event",
    "IdempotencyKey",
    "Message",
    "Phase",
    "Reason",
    "Revision",
    "RevisionMessage",
    "Role",
    "Scope",
    "Session",
    "SessionCount",
    "SessionTag",
    "Status",
    "Tag",
    "Verb",
    "WorkspaceRemoval",
]
