"""A session's parents and children for its page: part of the statement that reads what stands beside a transcript."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from django.db import connection
from django.db.models import UUIDField
from django.db.models.expressions import RawSQL

from sessions.models.lineage import Lineage, LineageKind
from sessions.models.session import Session, SessionQuerySet

MOST_PARENTS = 50
MOST_CHILDREN = 20
_LINEAGE = Lineage._meta.db_table
_COLUMNS = "id, kind, detail, parent_id, child_id"
_STEP = f"SELECT {_COLUMNS}, {{}} AS other FROM {_LINEAGE} l WHERE l.{{}} = s.id ORDER BY l.id {{}}"
_FAMILY = (
    f"SELECT * FROM ({_STEP.format('parent_id', 'child_id', f'ASC LIMIT {MOST_PARENTS}')}) parents UNION ALL "
    f"SELECT * FROM ({_STEP.format('child_id', 'parent_id', f'DESC LIMIT {MOST_CHILDREN}')}) children"
)
_LIST = {
    "sqlite": "json_group_array(json_array(kind, json_extract(detail, '$.source'), parent_id, child_id, json({})))",
    "postgresql": "json_agg(json_build_array(kind, detail ->> 'source', parent_id, child_id, {}))",
}
_ARRAY = {"sqlite": "json_array", "postgresql": "json_build_array"}


@dataclass(frozen=True, slots=True)
class Relative:
    """A parent or a child. Without a name it is gone, or not the reader's to see.

    `source` is the system that an import came from; one out of another session here has an id too.
    """

    kind: LineageKind
    session_id: UUID | None
    is_parent: bool
    name: str = ""
    status: str = ""
    source: str = ""

    @property
    def short_id(self) -> str:
        """Its short id, which stays when it is gone; empty for what came from outside."""
        return Session(pk=self.session_id).short_id if self.session_id else ""


def relatives_column(visible: SessionQuerySet) -> tuple[str, list[Any]]:
    """What to select from sessions `s` for `read_relatives`, and its values. `visible` is what the reader may see.

    Each relative is looked up by its id, however many sessions the reader has.
    """
    found = visible.filter(pk=RawSQL("family.other", [], UUIDField())).order_by().values("name", "status")
    sql, values = found.query.sql_with_params()
    vendor = connection.vendor
    name = f"(SELECT {_ARRAY[vendor]}(name, status) FROM ({sql}) seen)"
    return f"(SELECT CAST({_LIST[vendor].format(name)} AS text) FROM ({_FAMILY}) family)", list(values)


def read_relatives(session_id: UUID, rows: str | None) -> Sequence[Relative]:
    """The parents first, in their order, then the newest children."""
    relatives = []
    for kind, source, parent, child, seen in orjson.loads(rows or "[]"):
        is_parent = UUID(child) == session_id
        other = parent if is_parent else child
        name, status = seen or ("", "")
        session = UUID(other) if other else None
        relatives.append(Relative(LineageKind(kind), session, is_parent, name, status, source or ""))
    return relatives
