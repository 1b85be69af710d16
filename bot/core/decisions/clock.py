"""Decisions that follow from the time, or from a worker that stopped."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.decisions.transition import Transition, thread_reply_of, transition
from bot.core.errors import ErrorKind
from bot.core.purge.purge import Event, Failure, Purge

REMINDER = "reminder"
"""The code of the thread reply that calls the approvers a second time."""
OVERDUE = timedelta(minutes=10)
"""The greatest delay after which a forced purge is still sent automatically."""

SEND_INTERRUPTED = ErrorKind(
    code="send-interrupted",
    message="I was stopped in the middle of sending, so I do not know whether the CDN took the "
    "purge. I do not send it again by myself.",
    hint="Look whether the page is fresh. If it is not, press Purge again.",
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
    """End a request that did not get enough approvals in time."""
    return transition(purge, Event.EXPIRE, now)


def reminded(purge: Purge, now: datetime) -> Transition:
    """Call the approvers a second time, at half of the waiting time."""
    called = transition(purge, Event.REMIND, now, reminded_at=now)
    return called.telling(thread_reply_of(purge, REMINDER, now))


def overdue(purge: Purge, due_at: datetime, now: datetime) -> Transition | None:
    """Mark a forced purge as in doubt if it is late by more than OVERDUE.  Return None otherwise.

    The database may be a restored backup: then the purge may have been sent since the backup.
    """
    if not purge.force or now - due_at <= OVERDUE:
        return None
    return transition(purge, Event.LOSE, now, failure=Failure(SEND_OVERDUE.code), request_id=None)


def interrupted(purge: Purge, now: datetime) -> Transition:
    """Mark a purge as in doubt whose sender died, or was cut off, before the outcome was saved."""
    failure = Failure(SEND_INTERRUPTED.code)
    return transition(purge, Event.LOSE, now, failure=failure, request_id=None)


def lapsed(purge: Purge, now: datetime) -> Transition:
    """End a purge whose offer to run after the quota's reset nobody accepted."""
    event = Event.LOSE if purge.doubt else Event.REJECT
    return transition(purge, event, now, failure=purge.doubt or purge.failure)
