"""Purges of the same tags beside one: what covers it, and what it waits for.

A request is covered by a call to the CDN that is made after it was asked for.  So it is joined to
one that is *still to be sent*; one call does for both.  What is *already sent* covers only a double
submit, within the join window: whatever is asked later goes out as one more purge as soon as the
running one is done.  A forced purge is covered by a forced one only.

    still to be sent     joined: ends as that one; if that one ends unsent, a request again
    sent just before     joined likewise
    sent, and running    queued: goes out when that one is done, or after QUEUE_AT_MOST
    waiting for approval nobody is asked twice: the second is refused, with the way to the first
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.purge.purge import Event, Purge, State

QUEUE_AT_MOST = timedelta(minutes=10)
"""How long after the running one was sent the next one waits: purges usually take 5 to 6 minutes,
and it is not documented whether the CDN reports the end of purges by tag."""
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
    """The purges of the same that matter to one.

    `unsent` is the oldest to be sent, `sent` the newest at work, `waiting` the one that waits for
    approval of exactly the same.
    """

    unsent: Purge | None = None
    sent: Purge | None = None
    waiting: Purge | None = None


def related(purge: Purge, alike: Iterable[Purge], now: datetime) -> Related:
    """Pick from purges of the same tags those that matter to this one."""
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
    """Whether what was sent also covers this one: it became due before, or within the window."""
    assert sent.sent_at is not None, "only what was sent can cover anything"
    return purge.due_since <= sent.sent_at + window


def wait_until(sent: Purge) -> datetime:
    """Give when what is queued behind a running purge goes out at the latest."""
    assert sent.sent_at is not None, "only what was sent is waited for"
    return sent.sent_at + QUEUE_AT_MOST


def event_of_duplicate(purge: Purge, duplicate: Purge | None, now: datetime) -> Event | None:
    """Give what happens to a purge that is joined to or queued behind another; None: it waits on."""
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
        return Event.JOIN  # it was put off: its next call covers both
    if duplicate is None or duplicate.state not in AT_WORK:
        return Event.RELEASE
    return Event.RELEASE if purge.held_until is None or purge.held_until <= now else None
