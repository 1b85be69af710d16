"""Values to rows and rows to values; nothing else knows how they are written down.

While replicas are upgraded one by one, a newer one may write what this one does not know.  Such a
row is left alone: read in part and written back, it would lose what only the newer one can read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from datetime import datetime
from enum import Enum
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter
from sqlalchemy import JSON

from bot.core.audit import AuditEntry, Link
from bot.core.errors import FROM_NEWER, BotError
from bot.core.interaction import Interaction, InteractionKind
from bot.core.message import Notice, Post, PostKind, Route
from bot.core.purge.purge import Purge, State
from bot.core.purge.tracking import PolledPurge
from bot.store.schema import tables
from bot.store.schema.lanes import lane_of_post

Row = Any
"""A row of SQLAlchemy: its columns are attributes."""

_COLUMNS = {
    "approvals": "yeses",
    "approvals_counted": "counted",
    "notified_at": "told_at",
    "text": "said",
}
"""Columns that are not called like their fields."""


def column_of(name: str) -> str:
    """Give the column that keeps a field of a purge or of an interaction."""
    return _COLUMNS.get(name, name)


# What a dataclass does not name is of a newer version.
_EXACT = ConfigDict(extra="forbid")
_NOTICE = TypeAdapter(Notice | None, config=_EXACT)
_TYPES = get_type_hints(Purge)
"""The fields of a purge, those of its parts among them."""
_JSON = {
    name: TypeAdapter(_TYPES[name], config=_EXACT).validator.validate_python
    for name in _TYPES
    if isinstance(tables.purges.c[column_of(name)].type, JSON)
}
"""The fields of a purge that are kept as JSON, and what reads them."""
_NULL_IF_EMPTY = {name for name in _JSON if tables.purges.c[column_of(name)].nullable}
_PLAIN = {str, int, float, bool, dict, type(None)}


class FromNewer(BotError):
    """A row holds what this version does not know: it is for a newer one."""


@contextmanager
def _as_known() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        raise FromNewer(FROM_NEWER) from error


def purge_to_row(purge: Purge) -> dict[str, Any]:
    row = {name: getattr(purge, name) for name in _TYPES}
    for name in _JSON:
        if row[name]:
            row[name] = _plain(row[name])
        elif name in _NULL_IF_EMPTY:
            row[name] = None
    row["state"] = purge.state.value
    return {column_of(name): value for name, value in row.items()}


@_as_known()
def row_to_purge(row: Row) -> Purge:
    """Give the purge.  Raises: FromNewer."""
    values = {name: getattr(row, column_of(name)) for name in _TYPES}
    for name, read in _JSON.items():
        if values[name] is None:
            del values[name]  # the field has a default
        else:
            values[name] = read(values[name])
    values["state"] = State(values["state"])
    return Purge(**values)


def readable(found: Iterable[Row]) -> Iterator[Purge]:
    """Give the purges that this version can read: to the others a newer replica sees."""
    for row in found:
        with suppress(FromNewer):
            yield row_to_purge(row)


def row_to_watched(row: Row) -> PolledPurge:
    """Give what a look needs to know, for which State is all that has to be known of a row."""
    values = {name: getattr(row, column_of(name)) for name in PolledPurge.__slots__}
    return PolledPurge(**values | {"state": State(values["state"])})


def interaction_to_row(interaction: Interaction) -> dict[str, Any]:
    row = {column_of(name): value for name, value in asdict(interaction).items()}
    return row | {"kind": interaction.kind.value}


@_as_known()
def row_to_interaction(row: Row) -> Interaction:
    """Give the interaction.  Raises: FromNewer."""
    values = {each.name: getattr(row, column_of(each.name)) for each in fields(Interaction)}
    return Interaction(**values | {"kind": InteractionKind(values["kind"])})


def post_to_row(post: Post) -> dict[str, Any]:
    row = {name: getattr(post, name) for name in Post.__slots__ if name not in {"id", "notice"}}
    return row | {
        "kind": post.kind.value,
        "route": post.route.value if post.route else None,
        "body": _notice_to_json(post.notice),
        "lane": lane_of_post(post),
    }


def new_post(post: Post, due_at: datetime | None) -> dict[str, Any]:
    """Give the row of a post that was not stored yet."""
    return post_to_row(post) | {"due_at": due_at, "attempts": 0}


def _notice_to_json(notice: Notice | None) -> Any:
    body = _plain(notice)
    if notice is not None and notice.answer is None:
        del body["answer"]  # as earlier versions wrote it
    return body


@_as_known()
def row_to_post(row: Row) -> Post:
    """Give the post.  Raises: FromNewer."""
    values = {name: getattr(row, name) for name in Post.__slots__ if name != "notice"}
    return Post(
        **values
        | {
            "kind": PostKind(values["kind"]),
            "route": Route(values["route"]) if values["route"] else None,
            "notice": _NOTICE.validate_python(row.body),
        }
    )


def link_to_row(linked: Link) -> dict[str, Any]:
    return {name: getattr(linked.entry, name) for name in AuditEntry.__slots__} | {
        "seq": linked.seq,
        "previous": linked.previous,
        "hash": linked.hash,
    }


def _plain(value: Any) -> Any:
    """Give a value in what JSON has, a moment in ISO 8601.

    Not by pydantic, which writes Z for +00:00: what is kept stays the same text.
    """
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple:
        return [_plain(each) for each in value]
    if kind is datetime:
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    return {name: _plain(getattr(value, name)) for name in kind.__slots__}
