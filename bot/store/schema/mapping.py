"""The conversion of values to rows and of rows to values.

While replicas are upgraded one by one, a newer replica may store values that this version does not
know.  This version does not change such a row: if it read only a part and wrote that back, the
values that only the newer version can read would be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from datetime import datetime
from enum import Enum
from itertools import repeat
from operator import attrgetter
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
"""The columns whose names differ from those of their fields: column by field."""


def column_of(name: str) -> str:
    """Return the name of the column that stores a field of a purge or of an interaction."""
    return _COLUMNS.get(name, name)


# A field that the dataclass does not have was written by a newer version.
_EXACT = ConfigDict(extra="forbid")
_NOTICE = TypeAdapter(Notice | None, config=_EXACT)
_TYPES = get_type_hints(Purge)
"""The types of the fields of a purge by name, including the fields of its base classes."""
_COLUMN_OF = {name: column_of(name) for name in _TYPES}
# One call for all values: a purge has sixty, and is read or written at each of its steps.
_values_of_purge = attrgetter(*_COLUMN_OF)
_values_of_purge_row = attrgetter(*_COLUMN_OF.values())
_POST_FIELDS = [name for name in Post.__slots__ if name not in {"id", "notice"}]
_values_of_post = attrgetter(*_POST_FIELDS)
_values_of_post_row = attrgetter("id", *_POST_FIELDS)
_values_of_entry = attrgetter(*AuditEntry.__slots__)
_JSON = {
    name: TypeAdapter(_TYPES[name], config=_EXACT).validator.validate_python
    for name in _TYPES
    if isinstance(tables.purges.c[column_of(name)].type, JSON)
}
"""The validators of the fields of a purge that are stored as JSON, by field name."""
_NULL_IF_EMPTY = {name for name in _JSON if tables.purges.c[column_of(name)].nullable}
_UNSAVED = object()
_PLAIN = {str, int, float, bool, dict, type(None)}


class FromNewer(BotError):
    """A row has values that only a newer version can read."""


@contextmanager
def _as_known() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        raise FromNewer(FROM_NEWER) from error


def purge_to_row(purge: Purge, saved: Purge | None = None) -> dict[str, Any]:
    """Return the columns of a purge; with `saved`, only those that may differ from its row."""
    values = _values_of_purge(purge)
    before = repeat(_UNSAVED) if saved is None else _values_of_purge(saved)
    row: dict[str, Any] = {}
    for (name, column), value, was in zip(_COLUMN_OF.items(), values, before, strict=False):
        # Identity, which `replace` keeps: to compare approvals would take longer than to write them.
        if value is was:
            continue
        if name in _JSON:
            row[column] = _plain(value) if value or name not in _NULL_IF_EMPTY else None
        else:
            row[column] = value
    row["state"] = purge.state.value
    return row


@_as_known()
def row_to_purge(row: Row) -> Purge:
    """Return the purge that a row stores.  Raises: FromNewer."""
    values = dict(zip(_COLUMN_OF, _values_of_purge_row(row), strict=True))
    for name, read in _JSON.items():
        if values[name] is None:
            del values[name]  # the field has a default
        else:
            values[name] = read(values[name])
    values["state"] = State(values["state"])
    return Purge(**values)


def readable(found: Iterable[Row]) -> Iterator[Purge]:
    """Yield the purges that this version can read.  A newer replica processes the others."""
    for row in found:
        with suppress(FromNewer):
            yield row_to_purge(row)


def row_to_watched(row: Row) -> PolledPurge:
    """Return the fields that a poll needs.  Only the state must be known to this version.

    Raises: ValueError if it is not.
    """
    values = {name: getattr(row, column_of(name)) for name in PolledPurge.__slots__}
    return PolledPurge(**values | {"state": State(values["state"])})


def interaction_to_row(interaction: Interaction) -> dict[str, Any]:
    row = {column_of(name): value for name, value in asdict(interaction).items()}
    return row | {"kind": interaction.kind.value}


@_as_known()
def row_to_interaction(row: Row) -> Interaction:
    """Return the interaction that a row stores.  Raises: FromNewer."""
    values = {each.name: getattr(row, column_of(each.name)) for each in fields(Interaction)}
    return Interaction(**values | {"kind": InteractionKind(values["kind"])})


def post_to_row(post: Post) -> dict[str, Any]:
    row = dict(zip(_POST_FIELDS, _values_of_post(post), strict=True))
    return row | {
        "kind": post.kind.value,
        "route": post.route.value if post.route else None,
        "body": _notice_to_json(post.notice),
        "lane": lane_of_post(post),
    }


def new_post(post: Post, due_at: datetime | None) -> dict[str, Any]:
    """Return the row of a post that was not stored yet.  `due_at` is None if it is not due."""
    return post_to_row(post) | {"due_at": due_at, "attempts": 0}


def _notice_to_json(notice: Notice | None) -> Any:
    body = _plain(notice)
    if notice is not None and notice.answer is None:
        del body["answer"]  # earlier versions did not write it
    return body


@_as_known()
def row_to_post(row: Row) -> Post:
    """Return the post that a row stores.  Raises: FromNewer."""
    values = dict(zip(("id", *_POST_FIELDS), _values_of_post_row(row), strict=True))
    return Post(
        **values
        | {
            "kind": PostKind(values["kind"]),
            "route": Route(values["route"]) if values["route"] else None,
            "notice": _NOTICE.validate_python(row.body),
        }
    )


def link_to_row(linked: Link) -> dict[str, Any]:
    return dict(zip(AuditEntry.__slots__, _values_of_entry(linked.entry), strict=True)) | {
        "seq": linked.seq,
        "previous": linked.previous,
        "hash": linked.hash,
    }


def _plain(value: Any) -> Any:
    """Convert a value to JSON's types, with datetimes as ISO 8601.

    pydantic is not used: it writes Z for +00:00, and stored texts must not change.
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
