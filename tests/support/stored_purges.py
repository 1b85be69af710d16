"""A purge as it is read after it was written down."""

from __future__ import annotations

import json
from types import SimpleNamespace

from sqlalchemy import JSON

from bot.core.purge.purge import Purge
from bot.store.schema import tables
from bot.store.schema.mapping import purge_to_row, row_to_purge


def json_of(purge: Purge) -> dict[str, str]:
    """Give the texts that a database keeps of it, by column, where there are some."""
    row = purge_to_row(purge)
    columns = [column.name for column in tables.purges.c if isinstance(column.type, JSON)]
    return {name: json.dumps(row[name]) for name in columns if row[name] is not None}


def read_with(purge: Purge, **texts: str) -> Purge:
    """Read the row of a purge, in which some columns hold other JSON.  Raises: FromNewer."""
    read = {name: json.loads(text) for name, text in (json_of(purge) | texts).items()}
    return row_to_purge(SimpleNamespace(**purge_to_row(purge) | read))


def kept_purge(purge: Purge) -> Purge:
    return read_with(purge)
