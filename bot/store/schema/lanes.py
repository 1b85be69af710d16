"""In which lane of its table a row is looked after; `bot.store.queue.due` says what each lane is for."""

from __future__ import annotations

from bot.core.message import Post, PostKind
from bot.core.purge.purge import UNSENT, WATCHED, State

OTHER, POLLED, TO_SEND = range(3)
"""The lanes of purges."""
NEW, EPHEMERAL, EDITED = range(3)
"""The lanes of posts."""


def lane_of(state: State) -> int:
    """Give in which lane a purge is looked after."""
    if state in WATCHED:
        return POLLED
    return TO_SEND if state in UNSENT else OTHER


def lane_of_post(post: Post) -> int:
    """Give in which lane a post is looked after."""
    if post.kind is PostKind.EPHEMERAL:
        return EPHEMERAL
    return NEW if post.ts is None else EDITED
