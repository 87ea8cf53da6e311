"""Which sessions a search may find: the user's own and what others share with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sessions.models.membership import MEMBERSHIP, is_member
from sessions.models.rows import db_id
from sessions.models.session import Session, Status
from sessions.models.session_filter import Scope, places

MOST_SHARERS = 50  # people whose sessions are searched beside one's own
SHOWN_STATUSES = (Status.ACTIVE.value, Status.ARCHIVED.value)  # the trash must be asked for

_SESSION = Session._meta.db_table


@dataclass(frozen=True, slots=True)
class Whose:
    """Which sessions a user may find: their own and what others share with them, perhaps one of all these alone.

    They have one of these statuses; what lies in the trash only its owner finds.
    """

    user_id: int
    only_session: UUID | None = None
    statuses: Sequence[str] = SHOWN_STATUSES
    scope: Scope = "all"

    def sharers(self) -> tuple[str, list[Any]]:
        """A SELECT of the owners of what is shared with the user; one more than MOST_SHARERS says that there are more.

        The index is read for one owner after the other.
        """
        return (
            f"SELECT DISTINCT s.owner_id AS owner_id FROM {MEMBERSHIP} m JOIN {_SESSION} s ON s.id = m.session_id "
            f"WHERE m.user_id = %s AND s.status <> %s AND s.owner_id <> %s ORDER BY 1 DESC LIMIT {MOST_SHARERS + 1}",
            [self.user_id, Status.DELETED.value, self.user_id],
        )

    def condition(self, owner_id: int) -> tuple[str, list[Any]]:
        """What must hold of a session `s` of this owner."""
        statuses = list(self.statuses)
        condition, values = "s.owner_id = %s", list[Any]([owner_id])
        if owner_id != self.user_id:
            statuses = [status for status in statuses if status != Status.DELETED]
            condition += f" AND {is_member('s.id')}"
            values.append(self.user_id)
        condition += f" AND s.status IN ({places(statuses)})" if statuses else " AND 1 = 0"
        values += statuses
        if self.only_session is not None:
            condition += " AND s.id = %s"
            values.append(db_id(self.only_session))
        return condition, values
