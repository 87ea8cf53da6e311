"""The domain's tables, one noun a file, its QuerySet above it."""

from sessions.models.answer import Answer
from sessions.models.artifact import Artifact
from sessions.models.clarification import Clarification
from sessions.models.error_entry import ErrorEntry
from sessions.models.event import Event, Verb
from sessions.models.idempotency_key import IdempotencyKey
from sessions.models.imported import Import, ImportSource
from sessions.models.insights import Insights
from sessions.models.job import Job, JobKind, JobState
from sessions.models.lineage import Lineage, LineageKind
from sessions.models.log_entry import LogEntry
from sessions.models.membership import MemberRole, Membership
from sessions.models.message import Message, Role
from sessions.models.model_usage import ModelKind, ModelUsage
from sessions.models.phase_entry import PhaseEntry
from sessions.models.processing_stats import ProcessingStats
from sessions.models.retention import RetentionPolicy
from sessions.models.revision import Reason, Revision, RevisionMessage
from sessions.models.run import Run, RunState
from sessions.models.session import Phase, Session, SessionTag, Status
from sessions.models.session_count import SessionCount
from sessions.models.share_link import ShareLink
from sessions.models.tag import Tag
from sessions.models.task import Task, TaskStatus
from sessions.models.token import ApiToken, Scope
from sessions.models.vector_collection import VectorCollection, VectorPoint
from sessions.models.vector_removal import VectorRemoval
from sessions.models.workspace_removal import WorkspaceRemoval

__all__ = [
    "Answer",
    "ApiToken",
    "Artifact",
    "Clarification",
    "ErrorEntry",
    "Event",
    "IdempotencyKey",
    "Import",
    "ImportSource",
    "Insights",
    "Job",
    "JobKind",
    "JobState",
    "Lineage",
    "LineageKind",
    "LogEntry",
    "MemberRole",
    "Membership",
    "Message",
    "ModelKind",
    "ModelUsage",
    "Phase",
    "PhaseEntry",
    "ProcessingStats",
    "Reason",
    "RetentionPolicy",
    "Revision",
    "RevisionMessage",
    "Role",
    "Run",
    "RunState",
    "Scope",
    "Session",
    "SessionCount",
    "SessionTag",
    "ShareLink",
    "Status",
    "Tag",
    "Task",
    "TaskStatus",
    "VectorCollection",
    "VectorPoint",
    "VectorRemoval",
    "Verb",
    "WorkspaceRemoval",
]
