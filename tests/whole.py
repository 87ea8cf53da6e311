"""What must be true of every session at any time."""

from django.db.models import Count

from sessions.models import Message, Role, Session, SessionCount, SessionTag
from sessions.storage import workspaces


def transcript(session: Session) -> list[str]:
    """The texts of a session's messages, in order."""
    return list(Message.objects.of(session.pk).values_list("content", flat=True))


def expected_preview(text: str) -> str:
    """The rule of the API, in the words of its documentation: whole up to 100 characters, else 97 and three dots."""
    return text if len(text) < 101 else text[0:97] + "..."


def assert_whole(session: Session) -> None:
    """Indexes 0..n-1 without a gap; counter, preview and workspace as the rows say."""
    session = Session.objects.get(pk=session.pk)
    rows = list(Message.objects.of(session.pk).values_list("index", "role", "content"))
    assert [index for index, _, _ in rows] == list(range(len(rows)))
    assert session.message_count == len(rows)
    first = next((text for _, role, text in rows if role == Role.USER), "")
    assert session.preview == expected_preview(first)
    for revision in session.revisions.annotate(kept=Count("messages")):
        assert revision.kept == revision.message_count
        positions = list(revision.messages.values_list("position", flat=True))
        assert positions == list(range(revision.message_count))


def assert_in_place(session: Session) -> None:
    """The workspace is where the status says, and nowhere else."""
    session = Session.objects.get(pk=session.pk)
    assert workspaces.trashed_path(session.pk).is_dir() == session.in_trash
    assert workspaces.workspace_path(session.pk).is_dir() == (not session.in_trash)


def counted() -> dict[tuple[object, ...], int]:
    """Sessions by (owner, tag, status, pinned) as the tables hold them."""
    found: dict[tuple[object, ...], int] = {}
    for owner, status, pinned, amount in Session.objects.values_list("owner_id", "status", "pinned").annotate(
        amount=Count("pk")
    ):
        found[owner, None, status, pinned] = amount
    rows = SessionTag.objects.values_list("session__owner_id", "tag_id", "session__status", "session__pinned")
    for owner, tag, status, pinned, amount in rows.annotate(amount=Count("pk")):
        found[owner, tag, status, pinned] = amount
    return found


def kept_counts() -> dict[tuple[object, ...], int]:
    """Sessions by (owner, tag, status, pinned) as the kept counts say, without zeros."""
    sums: dict[tuple[object, ...], int] = {}
    for *key, amount in SessionCount.objects.values_list("owner_id", "tag_id", "status", "pinned", "amount"):
        sums[tuple(key)] = sums.get(tuple(key), 0) + amount
    return {key: amount for key, amount in sums.items() if amount}


def assert_counts_right() -> None:
    """The kept counts are those of the tables."""
    assert kept_counts() == counted()
