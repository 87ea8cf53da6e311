"""Everything that can go wrong in the domain: one tree, each error carrying the ids it speaks of."""

from collections.abc import Sequence
from typing import Any


class SessionError(Exception):
    """Base of all errors of the domain. `code` is stable and `detail` says what to do."""

    code = "session_error"

    def __init__(self, detail: str, **state: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.state = state


class NotFound(SessionError):
    """No such thing, or none that the caller may see: the two look the same."""

    code = "not_found"


class SessionNotFound(NotFound):
    """No session with that id is visible to the caller."""

    code = "session_not_found"

    def __init__(self, session_id: object) -> None:
        super().__init__("There is no session with this id, or it isn't yours to see.", session_id=str(session_id))


class MessageNotFound(NotFound):
    """The index lies beyond the transcript."""

    code = "message_not_found"


class RevisionNotFound(NotFound):
    """The session has no revision with that number."""

    code = "revision_not_found"


class TaskNotFound(NotFound):
    """The run has no task with that id."""

    code = "task_not_found"


class ArtifactNotFound(NotFound):
    """The run has made no artifact of that kind, or not that version."""

    code = "artifact_not_found"


class ImportNotFound(NotFound):
    """There is no such import, or it isn't the caller's."""

    code = "import_not_found"


class JobNotFound(NotFound):
    """There is no such job, or it isn't the caller's."""

    code = "job_not_found"


class BackupRefused(SessionError):
    """A backup can't be written there, or not be restored here."""


class PointNotFound(NotFound):
    """The session's collection has no point with that id."""

    code = "point_not_found"


class FileNotFound(NotFound):
    """The workspace has no such file or directory."""

    code = "file_not_found"


class MemberNotFound(NotFound):
    """The session has no such member."""

    code = "member_not_found"


class LinkNotFound(NotFound):
    """There is no such link, or it works no more."""

    code = "link_not_found"


class NotAllowed(SessionError):
    """The caller is known and may not do this."""

    code = "not_allowed"


class TokenRefused(NotAllowed):
    """An API token that is unknown, revoked, expired, or of a user who is disabled."""

    code = "invalid_token"


class ReadOnlyToken(NotAllowed):
    """A token with the scope `read` tried to write."""

    code = "read_only_token"


class RoleTooLow(NotAllowed):
    """A member of a session tried what only its editors, or only its owner, may do."""

    code = "role_too_low"


class Impossible(SessionError):
    """A well-formed request for something that cannot be done."""

    code = "impossible"


class NotAUserMessage(Impossible):
    """Only user messages can be edited."""

    code = "not_a_user_message"


class NoSystemPrompt(Impossible):
    """The session has no system prompt."""

    code = "no_system_prompt"


class UnknownModel(Impossible):
    """The model server has no model of this name."""

    code = "unknown_model"


class Invalid(SessionError):
    """Values that break a rule. `errors` says where: pairs of a location and a sentence."""

    code = "invalid"

    def __init__(self, detail: str, *, errors: Sequence[tuple[str, str]] = (), **state: Any) -> None:
        super().__init__(detail, **state)
        self.errors = list(errors)


class UnreadableFile(Invalid):
    """A file to import is in no known format, or breaks off."""

    code = "unreadable_file"


class NothingToImport(UnreadableFile):
    """A conversation to import holds no message."""


class UnsafeArchive(Invalid):
    """An archive that is damaged, or made to do harm; the error names the entry."""

    code = "unsafe_archive"


class VectorMismatch(Invalid):
    """A vector has another size, or asks for another distance, than those of its collection."""

    code = "vector_mismatch"


class KeyReused(Invalid):
    """An idempotency key stands for another request already."""

    code = "idempotency_key_reused"


class TooLarge(SessionError):
    """More than a documented limit allows."""

    code = "too_large"


class QuotaExceeded(TooLarge):
    """The session's files would take more room than a session has."""

    code = "quota_exceeded"


class TooManyPoints(TooLarge):
    """The session's collection would hold more points than a session may have."""

    code = "too_many_points"


class Conflict(SessionError):
    """The request doesn't fit the current state, which the error carries."""

    code = "conflict"


class AmbiguousId(Conflict):
    """A short id fits two sessions."""

    code = "ambiguous_id"


class SessionNotActive(Conflict):
    """The session is archived or in the trash and takes no changes."""

    code = "session_archived"


class UnexpectedIndex(Conflict):
    """`expected_index` isn't the index that the message would get."""

    code = "unexpected_index"


class RunAborted(Conflict):
    """Somebody stopped the run; it takes no steps until it is reopened."""

    code = "run_aborted"


class TaskConflict(Conflict):
    """Another task is active, or the task is completed."""

    code = "task_conflict"


class InTheWay(Conflict):
    """A directory stands where a file should go, or a file where a directory should, or its directory is gone."""

    code = "in_the_way"


class NoPendingQuestion(Conflict):
    """The run waits for no answer."""

    code = "no_pending_question"


class TranscriptChanged(Conflict):
    """What an answer builds on has been edited or cut off while the model was answering."""

    code = "transcript_changed"


class AnswerStopped(Conflict):
    """Whoever asked went away before the answer was whole."""

    code = "answer_stopped"


class KeyInUse(Conflict):
    """The request that an idempotency key stands for is still under way."""

    code = "idempotency_key_in_use"


class AlreadyImported(Conflict):
    """A session that is imported has been imported before."""

    code = "already_imported"


class StaleVersion(SessionError):
    """`If-Match` names a version that is no longer current."""

    code = "stale_version"


class StorageError(SessionError):
    """The workspace's disk refused."""

    code = "storage_unavailable"


class StorageFull(StorageError):
    """The disk is full."""

    code = "storage_full"


class ModelServerError(SessionError):
    """The model server answered nothing that could be stored."""

    code = "model_server_failed"


class ModelServerUnreachable(ModelServerError):
    """Nobody answers at the model server's address."""

    code = "model_server_unreachable"


class ModelServerNotConfigured(ModelServerError):
    """The settings name no model server."""

    code = "model_server_not_configured"


class ModelServerBusy(ModelServerError):
    """As many answers are under way as this process may wait for."""

    code = "model_server_busy"


class IndexerNotInstalled(SessionError):
    """The program that makes search indexes of workspaces isn't there."""

    code = "indexer_not_installed"


class IndexingFailed(SessionError):
    """The program that makes search indexes gave up, or was ended; the error carries its exit code."""


class VectorStoreError(SessionError):
    """Qdrant did nothing that could be relied on."""

    code = "vector_store_failed"


class VectorStoreUnreachable(VectorStoreError):
    """Nobody answers at Qdrant's address."""

    code = "vector_store_unreachable"


class VectorStoreNotConfigured(VectorStoreError):
    """A session's vectors are in Qdrant, and the settings name none."""

    code = "vector_store_not_configured"
