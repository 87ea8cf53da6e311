"""Tags on sessions."""

from collections.abc import Iterable

from sessions.exceptions import Invalid
from sessions.models import Session, SessionTag
from sessions.models.tag import MAX_TAG_LENGTH, normalise_tag
from sessions.models.tag_rows import attach_tags
from sessions.operations.values import checked_text

MAX_TAGS = 50


def checked_tags(names: Iterable[str]) -> list[str]:
    """Return the tags' one spelling, sorted, each once. Raises Invalid for a tag that can't be kept."""
    tags = {normalise_tag(checked_text("tags", name)) for name in names}
    for tag in tags:
        if not tag or "," in tag:
            raise Invalid("A tag is a word without commas.", errors=[("tags", f"{tag!r} can't be a tag.")])
        checked_text("tags", tag, longest=MAX_TAG_LENGTH)
    if len(tags) > MAX_TAGS:
        raise Invalid("Too many tags.", errors=[("tags", f"At most {MAX_TAGS} tags, these are {len(tags)}.")])
    return sorted(tags)


def tags_of(session: Session) -> list[str]:
    """The session's tags in alphabetical order; one query, unless they were loaded with it."""
    if session.loaded_tags is None:
        session.loaded_tags = list(session.tags.order_by("name").values_list("name", flat=True))
    return session.loaded_tags


def replace_tags(session: Session, names: Iterable[str]) -> bool:
    """Give the session exactly these tags; return whether that changed anything. Runs in the caller's transaction."""
    wanted = set(checked_tags(names))
    present = dict(session.session_tags.values_list("tag__name", "pk"))
    gone = [pk for name, pk in present.items() if name not in wanted]
    new = wanted - present.keys()
    if gone:
        SessionTag.objects.filter(pk__in=gone).delete()
    if new:
        attach_tags(session.pk, session.owner_id, sorted(new))
    session.loaded_tags = sorted(wanted)
    return bool(gone or new)
