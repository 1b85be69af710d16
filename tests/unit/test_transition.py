"""A whole decision: when something is due after it, when its cards change, and that it is new once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.core.decisions.transition import Transition, due_at, requested, transition
from bot.core.edge_check import EdgeSnapshot
from bot.core.policy.approvers import Briefing
from bot.core.purge.purge import Event, Evidence, Purge, State
from tests.support.builders import NOW, a_purge

LATER = NOW + timedelta(minutes=10)
SECOND = timedelta(seconds=1)
SEEN = (Evidence(EdgeSnapshot("https://www.example.com/", NOW)),)
CALLED = Briefing(("SRE",), 1, ("U0SAM",), None)


def after(state: State, event: Event, **facts: object) -> datetime | None:
    return due_at(a_purge(state, **facts), event, NOW)


def test_what_was_asked_for_is_decided_and_sent_at_once_or_when_undo_is_over() -> None:
    assert after(State.REQUESTED, Event.REQUEST) == NOW
    assert after(State.READY, Event.ALLOW) == NOW
    assert after(State.READY, Event.APPROVE, send_at=LATER) == LATER


def test_who_waits_is_reminded_at_half_time_and_then_expires() -> None:
    waiting = {"expires_at": LATER, "briefing": CALLED}
    assert after(State.WAITING, Event.WAIT, **waiting) == NOW + (LATER - NOW) / 2
    assert after(State.WAITING, Event.REMIND, **waiting, reminded_at=NOW) == LATER
    assert after(State.WAITING, Event.WAIT, expires_at=LATER, briefing=Briefing()) == LATER


def test_an_intent_is_found_by_whoever_comes_when_its_lease_has_run_out() -> None:
    assert after(State.SENDING, Event.SEND, sent_at=NOW) == NOW


@pytest.mark.parametrize("state", [State.HELD, State.OFFERED], ids=str)
def test_what_is_held_is_due_when_it_said(state: State) -> None:
    assert after(state, Event.HOLD, held_until=LATER) == LATER


@pytest.mark.parametrize("state", [State.JOINED, State.QUEUED], ids=str)
def test_a_follower_looks_once_a_minute_and_not_after_its_time(state: State) -> None:
    a_minute = timedelta(minutes=1)
    assert after(state, Event.JOIN) == NOW + a_minute
    for ends_after in (SECOND, a_minute - SECOND, a_minute, LATER - NOW):
        looks = after(state, Event.QUEUE, held_until=NOW + ends_after)
        assert looks == NOW + min(ends_after, a_minute)


@pytest.mark.parametrize("state", [State.SUBMITTED, State.RUNNING], ids=str)
def test_the_cdn_is_asked_five_seconds_after_it_has_taken_it(state: State) -> None:
    assert after(state, Event.ACCEPT, sent_at=NOW, task_id="1") == NOW + 5 * SECOND


def test_a_lost_task_is_looked_for_where_one_was_sent_and_by_whoever_sent_it() -> None:
    lost = {"settled_at": NOW, "sent_at": NOW}
    assert after(State.UNKNOWN, Event.LOSE, **lost) == NOW + 5 * SECOND
    assert after(State.UNKNOWN, Event.LOSE, **lost, joined_to="P0") is None
    assert after(State.UNKNOWN, Event.LOSE, settled_at=NOW) is None
    assert after(State.UNKNOWN, Event.SEARCHED, **lost) is None
    assert after(State.UNKNOWN, Event.CHOOSE, **lost) is None


def test_the_edge_is_looked_at_once_after_the_end_where_it_was_before() -> None:
    assert after(State.COMPLETE, Event.FINISH, evidence=SEEN) == NOW
    assert after(State.COMPLETE, Event.FINISH) is None
    assert after(State.COMPLETE, Event.PROVE, evidence=SEEN) is None


@pytest.mark.parametrize(
    "state", [State.REFUSED, State.DENIED, State.CANCELLED, State.EXPIRED, State.FAILED], ids=str
)
def test_after_an_end_nothing_is_due(state: State) -> None:
    assert after(state, Event.REFUSE) is None


# Its cards


def steps(purge: Purge, event: Event, **facts: datetime) -> Transition:
    return transition(purge, event, NOW, **facts)  # type: ignore[arg-type]  # facts of a purge


def test_cards_wait_four_tenths_of_a_second_where_the_answer_of_the_cdn_is_near() -> None:
    near = NOW + 0.4 * SECOND
    asked = a_purge(force=False)
    assert steps(asked, Event.ALLOW).messages_due_at == near
    assert steps(a_purge(State.READY), Event.SEND, sent_at=NOW).messages_due_at == near
    assert steps(a_purge(State.WAITING), Event.APPROVE, send_at=LATER).messages_due_at == NOW
    assert steps(asked, Event.REFUSE).messages_due_at == NOW
    assert steps(a_purge(State.SENDING), Event.LOSE).messages_due_at == NOW


def test_a_reminder_changes_no_card() -> None:
    assert not steps(a_purge(State.WAITING), Event.REMIND).changes_cards
    assert steps(a_purge(State.WAITING), Event.DENY).changes_cards


def test_followers_wake_at_an_end_and_when_nothing_is_reported() -> None:
    assert steps(a_purge(State.WAITING), Event.DENY).wakes_followers
    assert steps(a_purge(State.SUBMITTED, task_id="1"), Event.SILENT).wakes_followers
    assert not steps(a_purge(), Event.ALLOW).wakes_followers


# It is new once


def test_a_purge_is_new_when_it_is_asked_for_and_never_again() -> None:
    asked = a_purge(force=False)
    decided = transition(asked, Event.ALLOW, NOW)
    assert not decided.is_new
    for begun in (requested(asked, "url"), requested(asked, "url", decided)):
        assert begun.is_new
        assert begun.audit[0].event == "request"
        assert begun.messages[0].wanted_version == begun.purge.version
