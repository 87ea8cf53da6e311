"""What a session list shows, as ranges of the index that holds it in order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import product
from typing import Any, Literal
from uuid import UUID

import orjson
from django.db import connection

from sessions.models.membership import MEMBERSHIP, has_members, is_member
from sessions.models.rows import db_id, db_time
from sessions.models.session import Session, SessionTag, Status
from sessions.models.session_count import SessionCount
from sessions.models.tag import Tag

RARE_TAG = 5_000  # sessions; up to here a page looks at all sessions of a tag, beyond it walks the list's index

_SESSION = Session._meta.db_table
_SESSION_TAG = SessionTag._meta.db_table
_TAG = Tag._meta.db_table


def tags_of_session(table: str) -> dict[str, str]:
    """By vendor: the tags of the session in `table`, in alphabetical order, as the text of a JSON array."""
    names = (
        f"SELECT t.name FROM {_SESSION_TAG} st JOIN {_TAG} t ON t.id = st.tag_id "
        f"WHERE st.session_id = {table}.id ORDER BY t.name"
    )
    return {
        "sqlite": f"(SELECT json_group_array(name) FROM ({names}) names)",
        "postgresql": f"COALESCE(CAST((SELECT json_agg(name) FROM ({names}) names) AS text), '[]')",
    }


# By vendor: the ids of a JSON array as rows.
_IDS = {
    "sqlite": "SELECT replace(value, '-', '') AS id FROM json_each(%s)",
    "postgresql": "SELECT CAST(value AS uuid) AS id FROM jsonb_array_elements_text(CAST(%s AS jsonb))",
}
TAGS_OF_SESSION = tags_of_session("s")

Scope = Literal["owned", "shared", "all"]


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page: where the next one starts."""

    pinned: bool
    value: datetime | str
    session_id: UUID


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a list that is in order by itself: what to put behind FROM and WHERE, and its parameters."""

    source: str
    condition: str
    values: list[Any]


@dataclass(frozen=True)
class SessionFilter:
    """What a list of `user_id` shows. `tags` are in their one spelling; `pinned` None means both.

    Its `scope` is what they own, what others share with them, or all of that; what lies in the
    trash only its owner sees. `shared` asks for sessions with members, or for those without.
    """

    user_id: int
    statuses: Sequence[str] = (Status.ACTIVE.value,)
    pinned: bool | None = None
    tags_any: Sequence[str] = ()
    tags_all: Sequence[str] = ()
    tags_none: Sequence[str] = ()
    model: str | None = None
    phase: str | None = None
    only_session: UUID | None = None
    matching: Sequence[str] | None = None  # ids of sessions, as a search found them
    models: Sequence[str] = ()  # beginnings of names, in lower case
    created_from: datetime | None = None
    created_before: datetime | None = None
    scope: Scope = "owned"
    owner_id: int | None = None
    shared: bool | None = None

    @property
    def is_plain(self) -> bool:
        """Whether the kept counts answer how many there are."""
        narrowed = (
            self.tags_any,
            self.tags_all,
            self.tags_none,
            self.only_session,
            self.models,
            self.created_from,
            self.created_before,
        )
        chosen = (self.matching, self.model, self.phase, self.owner_id, self.shared)
        return self.scope == "owned" and not any(narrowed) and all(choice is None for choice in chosen)

    @property
    def lets_nothing_through(self) -> bool:
        """Whether a search has found no session at all: then nobody need be asked."""
        return self.matching is not None and not self.matching

    def ranges(self, column: str, *, descending: bool, after: Position | None = None) -> list[Range]:
        """The ranges, each in the order of (`column`, id), that can still hold rows after a position."""
        if self.lets_nothing_through:
            return []
        owned = [(self._owned, self.statuses)] if self._has_owned else []
        others = [status for status in self.statuses if status != Status.DELETED]
        parts = [*owned, (self._of_others, others)] if self._has_others else owned
        beyond, place = _beyond(column, after, descending=descending) if after else ("", [])
        if self.matching is not None:
            return [self._at_once(part, statuses, after, beyond, place) for part, statuses in parts if statuses]
        pins = (True, False) if self.pinned is None else (self.pinned,)
        ranges = []
        for (part, statuses), pinned in product(parts, pins):
            if after is not None and pinned and not after.pinned:
                continue  # all pinned ones came before
            for status in statuses:
                condition = " AND s.status = %s AND s.pinned = %s"
                values: list[Any] = [status, pinned]
                if after is not None and pinned == after.pinned:
                    condition += f" AND {beyond}"
                    values += place
                ranges.append(Range(part.source, part.condition + condition, part.values + values))
        return ranges

    def _at_once(
        self, part: Range, statuses: Sequence[str], after: Position | None, beyond: str, place: list[Any]
    ) -> Range:
        """All statuses and pins of what a search found: few, and each read by its id, whatever the index's order."""
        condition = f" AND s.status IN ({places(statuses)})"
        values: list[Any] = [*statuses]
        if self.pinned is not None:
            condition += " AND s.pinned = %s"
            values.append(self.pinned)
        if after is not None:
            condition += f" AND (s.pinned < %s OR s.pinned = %s AND {beyond})"
            values += [after.pinned, after.pinned, *place]
        return Range(part.source, part.condition + condition, part.values + values)

    @property
    def _has_owned(self) -> bool:
        return self.scope != "shared" and self.owner_id in (None, self.user_id)

    @property
    def _has_others(self) -> bool:
        return self.scope != "owned" and self.owner_id != self.user_id and self.shared is not False

    @cached_property
    def _owned(self) -> Range:
        """The user's own sessions: a range of the list's index, unless few are chosen otherwise."""
        source, values = self._source
        condition, more = self._conditions()
        condition = f"s.owner_id = %s{' AND s.id = chosen.id' if ' chosen ' in source else ''}{condition}"
        if self.shared is not None:
            condition += f" AND {'' if self.shared else 'NOT '}{has_members('s.id')}"
        return Range(source, condition, [*values, self.user_id, *more])

    @cached_property
    def _of_others(self) -> Range:
        """What others share with the user: their memberships, each session by its id."""
        condition, more = self._conditions()
        if self.owner_id is not None:
            condition += " AND s.owner_id = %s"
            more = [*more, self.owner_id]
        if self.matching is not None:
            source, values = self._source
            return Range(source, f"s.id = chosen.id AND {is_member('s.id')}{condition}", [*values, self.user_id, *more])
        memberships = f"(SELECT session_id AS id FROM {MEMBERSHIP} WHERE user_id = %s)"
        source = f"{memberships} chosen CROSS JOIN {_SESSION} s"
        return Range(source, f"s.id = chosen.id{condition}", [self.user_id, *more])

    @property
    def _tag_groups(self) -> list[list[str]]:
        """A session must have one tag of each group."""
        return ([list(self.tags_any)] if self.tags_any else []) + [[tag] for tag in self.tags_all]

    @cached_property
    def _source(self) -> tuple[str, list[Any]]:
        """What the ranges read from: all sessions, or those of the rarest tag asked for, if it is rare.

        Walking the list's index for a tag that one session in a million has would read them all;
        gathering the sessions of a tag that half of them have would too. The kept counts tell which.
        """
        if self.matching is not None:
            return f"({_IDS[connection.vendor]}) chosen CROSS JOIN {_SESSION} s", [orjson.dumps(self.matching).decode()]
        groups = self._tag_groups
        if not groups and self.shared:
            return f"(SELECT DISTINCT session_id AS id FROM {MEMBERSHIP}) chosen CROSS JOIN {_SESSION} s", []
        if not groups:
            return f"{_SESSION} s", []
        totals = SessionCount.objects.by_tag(self.user_id, sorted({tag for group in groups for tag in group}))
        rarest = min(groups, key=lambda group: sum(totals.get(tag, 0) for tag in group))
        if sum(totals.get(tag, 0) for tag in rarest) > RARE_TAG:
            return f"{_SESSION} s", []
        tagged = (
            f"SELECT DISTINCT st.session_id AS id FROM {_TAG} t JOIN {_SESSION_TAG} st ON st.tag_id = t.id "
            f"WHERE t.owner_id = %s AND t.name IN ({places(rarest)})"
        )
        # SQLite takes CROSS JOIN as the order to read in: the tag's sessions first, each by its id
        return f"({tagged}) chosen CROSS JOIN {_SESSION} s", [self.user_id, *rarest]

    def _conditions(self) -> tuple[str, list[Any]]:
        """What holds in every range."""
        conditions, values = "", list[Any]()
        for name in ("model", "phase"):
            if getattr(self, name) is not None:
                conditions += f' AND s."{name}" = %s'
                values.append(getattr(self, name))
        if self.only_session is not None:
            conditions += " AND s.id = %s"
            values.append(db_id(self.only_session))
        if self.models:
            conditions += f" AND ({' OR '.join(['substr(lower(s.model), 1, %s) = %s'] * len(self.models))})"
            values += [value for model in self.models for value in (len(model), model)]
        for sign, moment in ((">=", self.created_from), ("<", self.created_before)):
            if moment is not None:
                conditions += f" AND s.created_at {sign} %s"
                values.append(db_time(moment))
        sets = [(group, "") for group in self._tag_groups] + ([(self.tags_none, "NOT ")] if self.tags_none else [])
        for group, negation in sets:
            conditions += (
                f" AND {negation}EXISTS (SELECT 1 FROM {_TAG} t JOIN {_SESSION_TAG} st ON st.tag_id = t.id "
                f"WHERE st.session_id = s.id AND t.owner_id = s.owner_id AND t.name IN ({places(group)}))"
            )
            values += group
        return conditions, values


def _beyond(column: str, after: Position, *, descending: bool) -> tuple[str, list[Any]]:
    value = after.value if isinstance(after.value, str) else db_time(after.value)
    return f'(s."{column}", s."id") {"<" if descending else ">"} (%s, %s)', [value, db_id(after.session_id)]


def places(values: Sequence[object]) -> str:
    """As many places for parameters as there are values."""
    return ", ".join(["%s"] * len(values))
