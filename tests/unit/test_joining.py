"""Which purge of the same covers another, and what it waits for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.core.purge.joining import (
    QUEUE_AT_MOST,
    Related,
    event_of_duplicate,
    is_double_submit,
    related,
)
from bot.core.purge.purge import Event, Purge, State
from tests.support.builders import NOW, a_purge, another

MINUTE = timedelta(minutes=1)
PURGE = a_purge()
PLAIN = a_purge(force=False)


def found(purge: Purge, *others: Purge) -> Related:
    return related(purge, others, NOW)


@pytest.mark.parametrize("state", [State.READY, State.HELD, State.QUEUED])
def test_what_is_still_to_be_sent_covers_the_same(state: State) -> None:
    other = another(PURGE, state)
    assert found(PURGE, other) == Related(unsent=other)


@pytest.mark.parametrize("state", [State.SENDING, State.SUBMITTED, State.RUNNING])
def test_what_was_sent_and_is_at_work_is_found(state: State) -> None:
    other = another(PURGE, state, sent_at=NOW - MINUTE)
    assert found(PURGE, other) == Related(sent=other)
    assert found(PURGE, another(PURGE, state, sent_at=NOW - QUEUE_AT_MOST)) == Related()


@pytest.mark.parametrize(
    "state",
    sorted(
        set(State)
        - {State.READY, State.HELD, State.QUEUED, State.SENDING, State.SUBMITTED, State.RUNNING}
        - {State.WAITING}
    ),
)
def test_nothing_else_is(state: State) -> None:
    assert found(PURGE, another(PURGE, state, sent_at=NOW - MINUTE)) == Related()


def test_a_forced_one_is_covered_by_a_forced_one_only() -> None:
    for state in (State.READY, State.SUBMITTED):
        plain = another(PLAIN, state, sent_at=NOW - MINUTE)
        forced = another(PURGE, state, sent_at=NOW - MINUTE)
        assert found(PURGE, plain) == Related()
        assert found(PLAIN, forced) != Related()


def test_the_same_waits_only_if_it_is_exactly_the_same() -> None:
    forced = another(PURGE, State.WAITING, expires_at=NOW + MINUTE)
    assert found(PURGE, forced) == Related(waiting=forced)
    assert found(PLAIN, forced) == Related()
    assert found(PURGE, another(PLAIN, State.WAITING, expires_at=NOW + MINUTE)) == Related()
    assert found(PURGE, another(PURGE, State.WAITING, expires_at=NOW)) == Related()


def test_of_several_the_oldest_unsent_and_the_newest_sent_count() -> None:
    first = another(PURGE, State.READY)
    second = a_purge(State.READY, id="P2", requested_at=NOW)
    early = another(PURGE, State.SUBMITTED, sent_at=NOW - 3 * MINUTE)
    late = a_purge(State.SUBMITTED, id="P3", sent_at=NOW - MINUTE)
    for order in ((second, late, first, early), (early, first, late, second)):
        assert found(PURGE, *order) == Related(unsent=first, sent=late)


def test_other_tags_and_the_purge_itself_are_not_the_same() -> None:
    assert found(PURGE, a_purge(State.READY)) == Related()
    assert found(PURGE, another(a_purge(tags=("logo",)), State.READY)) == Related()


@pytest.mark.parametrize(
    ("facts", "covered"),
    [
        ({"requested_at": NOW - MINUTE}, True),
        ({"requested_at": NOW + timedelta(seconds=5)}, True),
        ({"requested_at": NOW + timedelta(seconds=6)}, False),
        ({"requested_at": NOW - MINUTE, "decided_at": NOW + timedelta(seconds=6)}, False),
    ],
    ids=str,
)
def test_what_was_sent_covers_what_was_due_within_the_window(
    facts: dict[str, Any], covered: bool
) -> None:
    sent = another(PURGE, State.SUBMITTED, sent_at=NOW)
    assert is_double_submit(a_purge(**facts), sent, timedelta(seconds=5)) is covered


LEADERS: dict[State, Event | None] = {
    State.REQUESTED: Event.RELEASE,
    State.REFUSED: Event.RELEASE,
    State.WAITING: Event.RELEASE,
    State.DENIED: Event.RELEASE,
    State.EXPIRED: Event.RELEASE,
    State.CANCELLED: Event.RELEASE,
    State.READY: None,
    State.SENDING: None,
    State.HELD: None,
    State.OFFERED: None,
    State.JOINED: None,
    State.QUEUED: None,
    State.SUBMITTED: None,
    State.RUNNING: None,
    State.COMPLETE: Event.FINISH,
    State.UNREPORTED: Event.GIVE_UP,
    State.FAILED: Event.FAIL,
    State.UNKNOWN: None,
}


def test_every_state_of_a_leader_has_its_rule() -> None:
    assert set(LEADERS) == set(State)


@pytest.mark.parametrize(("state", "event"), LEADERS.items())
def test_a_joined_one_ends_as_its_leader_or_is_a_request_again(
    state: State, event: Event | None
) -> None:
    joined = a_purge(State.JOINED, joined_to="P0")
    assert event_of_duplicate(joined, another(PURGE, state), NOW) is event


def test_a_joined_one_whose_leader_is_gone_is_a_request_again() -> None:
    assert event_of_duplicate(a_purge(State.JOINED, joined_to="P0"), None, NOW) is Event.RELEASE


def test_what_a_leader_tells_is_told_once() -> None:
    joined = a_purge(State.JOINED, joined_to="P0")
    told = a_purge(State.JOINED, joined_to="P0", notified_at=NOW)
    silent = another(PURGE, State.SUBMITTED, notified_at=NOW)
    assert event_of_duplicate(joined, silent, NOW) is Event.SILENT
    assert event_of_duplicate(told, silent, NOW) is None
    unknown = another(PURGE, State.UNKNOWN, notified_at=NOW)
    assert event_of_duplicate(joined, unknown, NOW) is Event.LOSE


@pytest.mark.parametrize("state", list(State))
def test_a_queued_one_waits_while_its_leader_is_at_work(state: State) -> None:
    queued = a_purge(State.QUEUED, joined_to="P0", held_until=NOW + MINUTE)
    expected: Event | None = Event.RELEASE
    if state in {State.SENDING, State.SUBMITTED, State.RUNNING}:
        expected = None
    elif state in {State.READY, State.HELD, State.QUEUED}:
        expected = Event.JOIN  # it was put off: its next call covers both
    assert event_of_duplicate(queued, another(PURGE, state), NOW) is expected


def test_and_no_longer_than_was_said() -> None:
    running = another(PURGE, State.RUNNING)
    over = a_purge(State.QUEUED, joined_to="P0", held_until=NOW)
    assert event_of_duplicate(over, running, NOW) is Event.RELEASE
    assert event_of_duplicate(over, None, NOW) is Event.RELEASE
