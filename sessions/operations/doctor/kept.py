"""What triggers keep: numbers of sessions, and the search's index."""

from collections.abc import Iterator

from sessions.models import event_feed, session_count
from sessions.operations.doctor.difference import Difference
from sessions.search import index


def of_counts() -> Iterator[Difference]:
    """The kept numbers of sessions by owner, tag, status and pin against the sessions themselves."""
    wrong = session_count.wrong_groups()
    if wrong:
        text = f"{wrong} kept numbers of sessions differ from the sessions that there are."
        yield Difference("counts", "", text, _recount)


def _recount() -> bool:
    session_count.recount()
    return session_count.wrong_groups() == 0


def of_feed() -> Iterator[Difference]:
    """Events that the change feed can't show, because another PostgreSQL has numbered them."""
    if strange := event_feed.count_from_elsewhere():
        text = f"{strange:,} events come from another PostgreSQL: the change feed doesn't show them yet."
        yield Difference("events", "", text, _number_anew)


def _number_anew() -> bool:
    event_feed.number_anew()
    return event_feed.count_from_elsewhere() == 0


def of_search() -> Iterator[Difference]:
    """Whether everything that can be found is in the index, and nothing else."""
    said = index.faults()
    if said:
        yield Difference("search", "", " ".join(said), _rebuild)


def _rebuild() -> bool:
    index.rebuild()
    return not index.faults()
