"""From the parameters of a list to what it shows."""

from sessions.access import Actor
from sessions.api.schemas.sessions import SessionListQuery
from sessions.models import Status
from sessions.models.session_filter import SessionFilter
from sessions.models.tag import normalise_tag
from sessions.search.query import Query
from sessions.search.results import Filtered, filter_by


def filter_of(query: SessionListQuery, actor: Actor) -> Filtered:
    """What the caller's list shows."""
    wanted = Query.parse(query.q or "", is_unfinished=True)
    statuses = [query.status or Status.ACTIVE.value]
    if query.include_archived and Status.ARCHIVED not in statuses:
        statuses.append(Status.ARCHIVED.value)
    chosen = query.status is not None or query.include_archived
    plain = SessionFilter(
        user_id=actor.user_id,
        statuses=wanted.statuses_of(statuses, are_chosen=chosen),
        pinned=query.pinned,
        tags_any=_tags(query.tags),
        tags_all=_tags(query.tags_all),
        model=query.model,
        phase=query.phase,
        only_session=actor.only_session,
        scope=query.scope,
        owner_id=query.owner_id,
        shared=query.shared,
    )
    return filter_by(wanted, plain) if wanted.text else Filtered(plain)


def _tags(text: str | None) -> list[str]:
    return [] if text is None else sorted({normalise_tag(tag) for tag in text.split(",")})
