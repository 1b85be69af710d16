"""Purges of the same tags: which one covers another, and which one waits for another.

A call to the CDN covers every request that was made before the call.  So a request is joined to an
equal one that is *still to be sent*, and one call does for both.  One that is *already sent* covers
only a double submit, within the join window; a later request is sent as one more purge when the
running one is done.  Only a forced purge covers a forced purge.

    still to be sent     joined: ends like that one; if that one ends unsent, it is requested again
    sent just before     joined likewise
    sent, and running    queued: sent when that one is done, or after QUEUE_AT_MOST
    waiting for approval the second request is refused and refers to the first
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.purge.purge import Event, Purge, State

QUEUE_AT_MOST = timedelta(minutes=10)
"""How long after the sending of the running purge a queued one waits at most.  Purges usually take
5 to 6 minutes, and it is not documented whether the CDN reports the end of purges by tag.
"""
TO_BE_SENT = frozenset({State.READY, State.HELD, State.QUEUED})
AT_WORK = frozenset({State.SENDING, State.SUBMITTED, State.RUNNING})
_NOT_SENT = frozenset(
    (State.REQUESTED, State.WAITING, State.REFUSED, State.DENIED, State.EXPIRED, State.CANCELLED)
)
_ENDINGS = {
    State.COMPLETE: Event.FINISH,
    State.FAILED: Event.FAIL,
    State.UNREPORTED: Event.GIVE_UP,
}


@dataclass(frozen=True, slots=True)
class Related:
    """The purges of the same target that matter to one.

    `unsent` is the oldest one that is still to be sent, `sent` the newest one at work, and
    `waiting` the one that waits for approval and is equal, including the forced flag.
    """

    unsent: Purge | None = None
    sent: Purge | None = None
    waiting: Purge | None = None


def related(purge: Purge, alike: Iterable[Purge], now: datetime) -> Related:
    """Return which of the purges in `alike` matter to this one."""
    same = sorted(
        (each for each in alike if each.id != purge.id and each.target == purge.target),
        key=lambda found: (found.requested_at, found.id),
    )
    covering = [each for each in same if each.force or not purge.force]
    at_work = [each for each in covering if each.state in AT_WORK and _is_recent(each, now)]
    return Related(
        unsent=next((each for each in covering if each.state in TO_BE_SENT), None),
        sent=max(at_work, key=lambda each: each.sent_at or now, default=None),
        waiting=next((each for each in same if _waits_for_the_same(each, purge, now)), None),
    )


def _is_recent(sent: Purge, now: datetime) -> bool:
    return sent.sent_at is not None and now - sent.sent_at < QUEUE_AT_MOST


def _waits_for_the_same(other: Purge, purge: Purge, now: datetime) -> bool:
    expired = other.expires_at is not None and other.expires_at <= now
    return other.state is State.WAITING and other.force == purge.force and not expired


def is_double_submit(purge: Purge, sent: Purge, window: timedelta) -> bool:
    """Return whether a sent purge also covers this one, which became due within the window."""
    assert sent.sent_at is not None, "only what was sent can cover anything"
    return purge.due_since <= sent.sent_at + window


def wait_until(sent: Purge) -> datetime:
    """Return when a purge that is queued behind `sent` is sent at the latest."""
    assert sent.sent_at is not None, "only what was sent is waited for"
    return sent.sent_at + QUEUE_AT_MOST


def event_of_duplicate(purge: Purge, duplicate: Purge | None, now: datetime) -> Event | None:
    """Return what happens to a joined or queued purge, given the other one.  None: it waits."""
    if purge.state is State.QUEUED:
        return _event_in_queue(purge, duplicate, now)
    if duplicate is None or duplicate.state in _NOT_SENT:
        return Event.RELEASE
    match duplicate.state:
        case State.UNKNOWN:
            return Event.LOSE if duplicate.notified_at else None  # it may still be found
        case State.SUBMITTED if duplicate.notified_at and purge.notified_at is None:
            return Event.SILENT
        case _:
            return _ENDINGS.get(duplicate.state)


def _event_in_queue(purge: Purge, duplicate: Purge | None, now: datetime) -> Event | None:
    if duplicate is not None and duplicate.state in TO_BE_SENT:
        return Event.JOIN  # the other was put off: its next call covers both
    if duplicate is None or duplicate.state not in AT_WORK:
        return Event.RELEASE
    return Event.RELEASE if purge.held_until is None or purge.held_until <= now else None
