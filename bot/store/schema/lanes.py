"""The lane of a row within its table.  `bot.store.queue.due` describes the lanes."""

from __future__ import annotations

from bot.core.message import Post, PostKind
from bot.core.purge.purge import UNSENT, WATCHED, State

OTHER, POLLED, TO_SEND = range(3)
"""The lanes of purges."""
NEW, EPHEMERAL, EDITED = range(3)
"""The lanes of posts."""


def lane_of(state: State) -> int:
    """Return the lane of a purge in this state."""
    if state in WATCHED:
        return POLLED
    return TO_SEND if state in UNSENT else OTHER


def lane_of_post(post: Post) -> int:
    """Return the lane of a post."""
    if post.kind is PostKind.EPHEMERAL:
        return EPHEMERAL
    return NEW if post.ts is None else EDITED
