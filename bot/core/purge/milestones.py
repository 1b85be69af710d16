"""What is news of a purge to those who read a message that cannot be edited.

    sending          it is about to be sent
    leaving          the same, and until then it can be cancelled
    at-work          the CDN has taken it; how far it has come is no news
    silent           the CDN does not report on it
    any other state  under its own name

Kept with a post, as what it last said: so that after a restart, and by another replica, nothing is
said twice and no end is left out.
"""

from __future__ import annotations

from bot.core.purge.purge import Purge, State

_SENDING, _LEAVING, _AT_WORK, _SILENT = "sending", "leaving", "at-work", "silent"


def milestone(purge: Purge) -> str:
    """Give what a message about the purge as it is now tells: at most 16 characters."""
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
            return _AT_WORK  # in a moment the edge will have been looked at
        case _:
            return purge.state.value


def is_news(purge: Purge, told: str | None) -> bool:
    """Whether readers who were last told `told` should be told how it stands now.

    None: it was told by an older version, which told everything.
    """
    now = milestone(purge)
    if now == _SENDING:  # what comes of it follows in a moment
        return False
    if now == _AT_WORK:
        return told not in {None, _AT_WORK, _SILENT}
    return now != told


def waits_for_people(purge: Purge) -> bool:
    """Whether a message about it has buttons with which people decide how it goes on."""
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
    """Whether a new version of it may read otherwise, beyond what is news: people have pressed."""
    return milestone(purge) in _PRESSED


_PRESSED = {each.value for each in (State.WAITING, State.OFFERED, State.UNKNOWN, State.COMPLETE)}
