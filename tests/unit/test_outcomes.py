"""What an answer of the CDN comes to: what is kept of it, and what is forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.cdn import errors as cdn
from bot.core.cdn.quota import LowQuota, resets_at
from bot.core.decisions import outcomes
from bot.core.decisions.authorization import SendFacts, SendPermit, authorize_send
from bot.core.decisions.outcomes import NewTags
from bot.core.decisions.rulings import Rules
from bot.core.decisions.transition import Transition
from bot.core.edge_check import EdgeSnapshot
from bot.core.purge.joining import QUEUE_AT_MOST
from bot.core.purge.purge import Event, Evidence, Failure, Purge, State
from bot.core.purge.tracking import TASK_UNKNOWN, Judgement
from tests.support.builders import NOW, a_purge, an_approval, policy, somebody

SEEN = (Evidence(EdgeSnapshot("https://www.example.com/", NOW)),)
SEEN_LATER = (Evidence(EdgeSnapshot("https://www.example.com/", NOW + timedelta(minutes=1))),)
READY = a_purge(State.READY, force=False)
SENDING = a_purge(State.SENDING, force=False, attempt=1, sent_at=NOW)
SENT = replace(SENDING, state=State.SUBMITTED, task_id="1", request_id="A")
BUSY = Failure(cdn.QUEUE_FULL.code)
LOST = Failure(cdn.NO_ANSWER.code)


def begun(purge: Purge, *seen: Evidence, window: timedelta = timedelta(0)) -> Transition:
    facts = SendFacts({"U0ANA": somebody("U0ANA", "editors")}, ())
    permit = authorize_send(purge, Rules(policy(), "hash"), facts, NOW)
    assert isinstance(permit, SendPermit)
    return outcomes.sending(permit, seen, window, NOW)


def rejected(purge: Purge, failure: Failure, *, passing: bool = True, **more: Any) -> Purge:
    told: dict[str, Any] = {"request_id": "B", "retry_after_s": None, "jitter": 0.0, "now": NOW}
    return outcomes.rejected(purge, failure, **(told | more), passing=passing).purge


# The intent


def test_each_try_is_counted_and_forgets_why_the_last_one_failed() -> None:
    held = replace(READY, state=State.HELD, attempt=2, failure=BUSY, held_until=NOW)
    intent = begun(held).purge
    assert (intent.state, intent.attempt, intent.sent_at) == (State.SENDING, 3, NOW)
    assert (intent.failure, intent.held_until) == (None, None)


def test_what_the_edge_showed_before_the_first_try_is_kept_for_the_next() -> None:
    assert begun(READY, *SEEN).purge.evidence == SEEN
    tried = replace(READY, state=State.HELD, attempt=1, evidence=SEEN)
    assert begun(tried).purge.evidence == SEEN
    assert begun(tried, *SEEN_LATER).purge.evidence == SEEN_LATER


def test_the_trail_says_by_which_rule_it_is_sent() -> None:
    (entry,) = begun(READY).audit
    assert entry.detail["because"] == "allowed by They ask"


def test_it_must_be_alone_only_where_the_same_is_joined() -> None:
    assert begun(READY, window=timedelta(seconds=5)).alone_since == NOW - QUEUE_AT_MOST
    assert begun(READY).alone_since is None


# The CDN has taken it


def test_a_task_is_kept_with_its_request_and_what_was_learned() -> None:
    low = LowQuota("url", 1, 100)
    taken = outcomes.accepted(SENDING, "7", "A", low, NewTags(("hero", "new"), ("new",)), NOW)
    after = taken.purge
    assert (after.state, after.task_id, after.request_id) == (State.SUBMITTED, "7", "A")
    assert (after.low_quota, after.new_tags) == (low, ("new",))
    assert taken.learns == ("hero", "new")


def test_a_task_that_is_found_is_as_good_and_says_when_it_was_found() -> None:
    lost = replace(SENDING, state=State.UNKNOWN, failure=LOST, settled_at=NOW)
    found = outcomes.found(lost, "7", NewTags(("hero",)), NOW)
    assert (found.purge.task_id, found.purge.found_at, found.purge.failure) == ("7", NOW, None)
    assert found.learns == ("hero",)


# It has not


def test_what_passes_is_tried_again_and_what_does_not_has_failed() -> None:
    held = rejected(SENDING, BUSY)
    assert (held.state, held.failure, held.request_id) == (State.HELD, BUSY, "B")
    assert (held.held_since, held.held_until) == (NOW, NOW + timedelta(seconds=5))
    failed = rejected(SENDING, BUSY, passing=False)
    assert (failed.state, failed.failure, failed.request_id) == (State.FAILED, BUSY, "B")


def test_it_is_held_for_an_hour_from_the_first_time() -> None:
    since = NOW - timedelta(hours=1)
    again = rejected(replace(SENDING, held_since=since + timedelta(seconds=1)), BUSY)
    assert (again.state, again.held_since) == (State.HELD, since + timedelta(seconds=1))
    assert rejected(replace(SENDING, held_since=since), BUSY).state is State.FAILED


def test_a_try_that_may_have_been_carried_out_leaves_a_doubt_for_good() -> None:
    held = rejected(SENDING, LOST)
    assert (held.state, held.doubt) == (State.HELD, LOST)
    again = replace(held, state=State.SENDING)
    ended = rejected(again, BUSY, passing=False)
    assert (ended.state, ended.failure) == (State.UNKNOWN, LOST)
    assert rejected(SENDING, BUSY, passing=False).doubt is None


@pytest.mark.parametrize("kind", [cdn.QUOTA, cdn.DAILY_QUOTA], ids=lambda kind: kind.code)
def test_a_day_that_is_used_up_is_offered_for_the_next(kind: Any) -> None:
    offered = rejected(SENDING, Failure(kind.code))
    assert (offered.state, offered.held_until) == (State.OFFERED, resets_at(NOW))
    assert offered.request_id == "B"


def test_a_lost_answer_keeps_the_request_that_it_is_asked_about_by() -> None:
    lost = outcomes.lost(SENDING, LOST, "C", NOW).purge
    assert (lost.state, lost.failure, lost.request_id) == (State.UNKNOWN, LOST, "C")


# How it went on


@pytest.mark.parametrize(
    ("event", "state", "code"),
    [
        (Event.FAIL, State.FAILED, cdn.TASK_FAILED.code),
        (Event.GIVE_UP, State.UNREPORTED, TASK_UNKNOWN.code),
        (Event.FINISH, State.COMPLETE, None),
        (Event.SILENT, State.SUBMITTED, None),
    ],
    ids=str,
)
def test_how_a_task_ended_is_told_with_its_reason(
    event: Event, state: State, code: str | None
) -> None:
    judged = Judgement(event, {"percent": 50})
    polled = outcomes.task_polled(SENT, judged, SEEN, NOW).purge
    assert (polled.state, polled.failure) == (state, Failure(code) if code else None)
    assert (polled.percent, polled.evidence) == (50, SEEN)


def test_whose_leader_ended_unsent_is_a_request_again_that_nobody_has_approved() -> None:
    joined = a_purge(
        State.JOINED,
        joined_to="P0",
        approvals=(an_approval("U0SAM", "sre"),),
        approvals_counted=1,
        quorum=2,
        needs="two approvals",
        decided_by="U0SAM",
    )
    denied = a_purge(State.DENIED, id="P0")
    again = outcomes.followed(joined, denied, NOW)
    assert again is not None
    assert (again.purge.state, again.purge.joined_to) == (State.REQUESTED, None)
    assert (again.purge.approvals, again.purge.approvals_counted, again.purge.quorum) == ((), 0, 0)
    assert (again.purge.needs, again.purge.decided_by, again.purge.decided_at) == (None, None, NOW)


def test_what_was_queued_goes_out_as_it_was_decided_or_along_with_what_was_put_off() -> None:
    before = NOW - timedelta(minutes=1)
    queued = a_purge(State.QUEUED, force=False, joined_to="P0", decided_at=before)
    freed = outcomes.followed(queued, a_purge(State.COMPLETE, id="P0"), NOW)
    assert freed is not None
    assert (freed.purge.state, freed.purge.joined_to) == (State.READY, None)
    assert (freed.purge.decided_at, freed.purge.held_until) == (before, NOW)
    along = outcomes.followed(queued, a_purge(State.HELD, id="P0"), NOW)
    assert along is not None
    assert (along.purge.state, along.purge.joined_to) == (State.JOINED, "P0")
