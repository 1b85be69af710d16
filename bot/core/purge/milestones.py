"""The milestones of a purge: what is news to the readers of a message that cannot be edited.

    sending          it is about to be sent
    leaving          the same, and it can still be cancelled
    at-work          the CDN has accepted it; its percentage is no news
    silent           the CDN does not report on it
    any other state  has its own name

A post stores its last milestone, so that after a restart, or on another replica, nothing is posted
twice and no end is missed.
"""

from __future__ import annotations

from bot.core.purge.purge import Purge, State

_SENDING, _LEAVING, _AT_WORK, _SILENT = "sending", "leaving", "at-work", "silent"


def milestone(purge: Purge) -> str:
    """Return the milestone of a purge, a name of at most 16 characters."""
    match purge.state:
        case State.READY if purge.send_at is not None:
            return _LEAVING
        case State.READY | State.SENDING:
            return _SENDING
        case State.SUBMITTED if purge.notified_at is not None:
            return _SILENT
        case State.SUBMITTED | State.RUNNING:
            return _AT_WORK
        case State.COMPLETE if any(each.after is None for each in purge.evidence):
            return _AT_WORK  # the edge is about to be checked
        case _:
            return purge.state.value


def is_news(purge: Purge, told: str | None) -> bool:
    """Return whether readers who last saw the milestone `told` need a new message.

    `told` is None if an older version posted, which posted everything.
    """
    now = milestone(purge)
    if now == _SENDING:  # the result follows in a moment
        return False
    if now == _AT_WORK:
        return told not in {None, _AT_WORK, _SILENT}
    return now != told


def waits_for_people(purge: Purge) -> bool:
    """Return whether its message has buttons with which people decide how it goes on."""
    match purge.state:
        case State.WAITING | State.OFFERED:
            return True
        case State.READY:
            return purge.send_at is not None
        case State.UNKNOWN:
            return purge.choice is None and purge.joined_to is None
        case _:
            return False


def has_changed(purge: Purge) -> bool:
    """Return whether its message may change within a milestone, because people press."""
    return milestone(purge) in _PRESSED


_PRESSED = {each.value for each in (State.WAITING, State.OFFERED, State.UNKNOWN, State.COMPLETE)}
