"""Decisions that follow from the CDN's answers, from the intent to send to the end.

    sending ──► accepted ──► task_polled …
            ├─► rejected   failed, held, or offered for the time after the quota's reset
            └─► lost ──► found, or searched without success

Functions here are pure: answers are arguments, and the result is a Transition.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.core import error_registry
from bot.core.cdn import errors as cdn_errors
from bot.core.cdn.quota import LowQuota, resets_at
from bot.core.decisions.authorization import SendPermit
from bot.core.decisions.transition import Transition, transition
from bot.core.purge.joining import QUEUE_AT_MOST, event_of_duplicate, is_double_submit, wait_until
from bot.core.purge.purge import Event, Evidence, Facts, Failure, Purge, State
from bot.core.purge.tracking import HELD_AT_MOST, TASK_UNKNOWN, Judgement, try_again_at

_ASKED_ANEW: Facts = {
    "approvals": (),
    "approvals_counted": 0,
    "quorum": 0,
    "needs": None,
    "briefing": None,
    "approvers": (),
    "unreachable": (),
    "expires_at": None,
    "reminded_at": None,
    "decided_by": None,
    "send_at": None,
    "sent_at": None,
}
"""The fields that a joined purge resets when it needs its own approval again."""


@dataclass(frozen=True, slots=True)
class NewTags:
    """Tags that were not purged before for this domain: all of them, and those worth mentioning."""

    learns: tuple[str, ...]
    worth_a_word: tuple[str, ...] = ()


def sending(
    permit: SendPermit, evidence: tuple[Evidence, ...], join_window: timedelta, now: datetime
) -> Transition:
    """Return the intent to send.  It must be on disk before the first byte is sent."""
    purge = permit.purge
    intent = transition(
        purge,
        Event.SEND,
        now,
        sent_at=now,
        attempt=purge.attempt + 1,
        failure=None,
        held_until=None,
        evidence=evidence or purge.evidence,
    )
    (entry,) = intent.audit
    return replace(
        intent,
        audit=(replace(entry, detail=entry.detail | {"because": permit.because}),),
        alone_since=now - QUEUE_AT_MOST if join_window else None,
    )


def give_way(purge: Purge, sent: Purge, join_window: timedelta, now: datetime) -> Transition:
    """Join a purge to an equal one that was sent in the meantime, or queue it behind that one."""
    if is_double_submit(purge, sent, join_window):
        facts: Facts = {"joined_to": sent.id, "sent_at": sent.sent_at, "held_until": None}
        return transition(purge, Event.JOIN, now, **facts)
    return transition(purge, Event.QUEUE, now, joined_to=sent.id, held_until=wait_until(sent))


def accepted(
    purge: Purge,
    task_id: str,
    request_id: str | None,
    low_quota: LowQuota | None,
    new: NewTags,
    now: datetime,
) -> Transition:
    """Return the transition for an answer with a task ID, the only sign of success."""
    taken = transition(
        purge,
        Event.ACCEPT,
        now,
        task_id=task_id,
        request_id=request_id,
        low_quota=low_quota,
        new_tags=new.worth_a_word,
    )
    return replace(taken, learns=new.learns)


def rejected(
    purge: Purge,
    failure: Failure,
    request_id: str | None,
    retry_after_s: float | None,
    jitter: float,
    now: datetime,
    *,
    passing: bool,
) -> Transition:
    """Return the transition for a purge that the CDN, or the connection, did not carry out.

    `passing`: a retry may succeed.  `retry_after_s` is in seconds; `jitter` is from 0 to 1.  After
    HELD_AT_MOST the purge has failed; if an attempt may have been carried out, it is in doubt.
    """
    doubt = failure if error_registry.kind(failure.code).in_doubt else purge.doubt
    known = purge.replace(request_id=request_id, doubt=doubt)
    if failure.code in cdn_errors.SPENT:
        return offered(known, failure, resets_at(now), now)
    held_since = purge.held_since or now
    if passing and now - held_since < HELD_AT_MOST:
        until = try_again_at(purge.attempt, retry_after_s, jitter, now)
        return transition(
            known, Event.HOLD, now, failure=failure, held_since=held_since, held_until=until
        )
    return transition(known, Event.LOSE if doubt else Event.REJECT, now, failure=doubt or failure)


def offered(purge: Purge, failure: Failure, until: datetime, now: datetime) -> Transition:
    """Offer to run the purge when the day's quota resets, at `until`."""
    return transition(purge, Event.OFFER, now, failure=failure, held_until=until)


def lost(purge: Purge, failure: Failure, request_id: str | None, now: datetime) -> Transition:
    """Mark a purge as in doubt.  It is never sent again automatically."""
    return transition(purge, Event.LOSE, now, failure=failure, request_id=request_id)


def task_polled(
    purge: Purge, judgement: Judgement, evidence: tuple[Evidence, ...], now: datetime
) -> Transition:
    """Return the transition for an answer about its tasks; `judgement.event` is not None."""
    assert judgement.event is not None, "what changes nothing is not saved"
    facts: Facts = {"evidence": evidence, **(judgement.facts or {})}
    if judgement.event is Event.FAIL:
        facts["failure"] = Failure(cdn_errors.TASK_FAILED.code)
    if judgement.event is Event.GIVE_UP:
        facts["failure"] = Failure(TASK_UNKNOWN.code)
    return transition(purge, judgement.event, now, **facts)


def found(purge: Purge, task_id: str, new: NewTags, now: datetime) -> Transition:
    """Return the transition for a lost purge whose task is among the CDN's recent tasks."""
    taken = transition(
        purge,
        Event.FIND,
        now,
        task_id=task_id,
        failure=None,
        found_at=now,
        new_tags=new.worth_a_word,
    )
    return replace(taken, learns=new.learns)


def searched(purge: Purge, evidence: tuple[Evidence, ...], now: datetime) -> Transition:
    """Return the transition for a lost purge whose task was not found: now a person decides."""
    return transition(purge, Event.SEARCHED, now, evidence=evidence)


def proved(purge: Purge, evidence: tuple[Evidence, ...], now: datetime) -> Transition:
    """Save what the edge showed after the purge."""
    return transition(purge, Event.PROVE, now, evidence=evidence)


def followed(purge: Purge, duplicate: Purge | None, now: datetime) -> Transition | None:
    """End a joined purge like the other one, or release a queued one.  None if it waits.

    A person who requested both is notified once, of the other one.
    """
    event = event_of_duplicate(purge, duplicate, now)
    if event is None:
        return None
    facts: Facts = {"held_until": None}
    if event is Event.RELEASE and purge.state is State.QUEUED:
        facts = {"joined_to": None, "held_until": now}
    elif event is Event.RELEASE:
        facts = {**facts, **_ASKED_ANEW, "joined_to": None, "decided_at": now}
    elif duplicate is not None and event is not Event.JOIN:
        facts |= {
            "task_id": duplicate.task_id,
            "request_id": duplicate.request_id,
            "failure": duplicate.failure,
            "percent": duplicate.percent,
            "sent_at": duplicate.sent_at,
        }
        if duplicate.notified_at and not purge.requester_ids.isdisjoint(duplicate.requester_ids):
            facts["notified_at"] = duplicate.notified_at
    return transition(purge, event, now, **facts)
