"""What time alone brings about, or a process that died."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.decisions.transition import Transition, thread_reply_of, transition
from bot.core.errors import ErrorKind
from bot.core.purge.purge import Event, Failure, Purge

REMINDER = "reminder"
"""The code of the note that calls those who may decide once more."""
OVERDUE = timedelta(minutes=10)
"""How late a forced purge is still sent by itself."""

SEND_INTERRUPTED = ErrorKind(
    code="send-interrupted",
    message="I was stopped in the middle of sending, so I do not know whether the CDN took the "
    "purge. I do not send it again by myself.",
    hint="Look whether the page is fresh. If it is not, ask for the purge again with /purge.",
    in_doubt=True,
)
SEND_OVERDUE = ErrorKind(
    code="send-overdue",
    message="It was to be sent more than ten minutes before I came to it. If my database was "
    "restored from a backup since then, it was perhaps sent already, so I do not send it by myself.",
    hint="Look whether the page is fresh. If it is not, press Purge again.",
    in_doubt=True,
)


def expired(purge: Purge, now: datetime) -> Transition:
    """End a request that not enough people answered in time."""
    return transition(purge, Event.EXPIRE, now)


def reminded(purge: Purge, now: datetime) -> Transition:
    """Call those who may decide once more, at half of the time that there is."""
    called = transition(purge, Event.REMIND, now, reminded_at=now)
    return called.telling(thread_reply_of(purge, REMINDER, now))


def overdue(purge: Purge, due_at: datetime, now: datetime) -> Transition | None:
    """Leave in doubt what is forced and comes so late that it may have been sent; None: it is not.

    The database may be an older one, restored: then it was perhaps sent since.
    """
    if not purge.force or now - due_at <= OVERDUE:
        return None
    return transition(purge, Event.LOSE, now, failure=Failure(SEND_OVERDUE.code), request_id=None)


def interrupted(purge: Purge, now: datetime) -> Transition:
    """Leave in doubt what somebody was sending who died, or was cut off, before its outcome."""
    failure = Failure(SEND_INTERRUPTED.code)
    return transition(purge, Event.LOSE, now, failure=failure, request_id=None)


def lapsed(purge: Purge, now: datetime) -> Transition:
    """End what was offered to be run when the quota starts afresh: nobody wanted it."""
    event = Event.LOSE if purge.doubt else Event.REJECT
    return transition(purge, event, now, failure=purge.doubt or purge.failure)
