"""`advance`: which state follows which, and what no fact can bring about.

ARROWS is the drawing in `bot.core.purge.states`, written out by hand a second time: whoever changes the
one has to change the other.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Unpack

import pytest

from bot.core.errors import BotError
from bot.core.purge.purge import TRANSITIONS, Event, Facts, Purge, State, advance
from tests.support import builders

ARROWS = """
    requested   refuse       → refused
    requested   wait         → waiting
    requested   allow        → ready
    requested   break-glass  → ready
    requested   join         → joined
    requested   queue        → queued

    waiting     approve      → ready
    waiting     deny         → denied
    waiting     expire       → expired
    waiting     cancel       → cancelled
    waiting     count        → waiting
    waiting     remind       → waiting

    ready       send         → sending
    ready       cancel       → cancelled
    ready       refuse       → refused
    ready       offer        → offered
    ready       join         → joined
    ready       queue        → queued
    ready       lose         → unknown

    held        send         → sending
    held        cancel       → cancelled
    held        refuse       → refused
    held        offer        → offered
    held        join         → joined
    held        queue        → queued
    held        lose         → unknown
    held        reject       → failed

    offered     postpone     → held
    offered     cancel       → cancelled
    offered     reject       → failed
    offered     lose         → unknown

    sending     accept       → submitted
    sending     reject       → failed
    sending     lose         → unknown
    sending     hold         → held
    sending     offer        → offered

    queued      release      → ready
    queued      join         → joined
    queued      cancel       → cancelled

    joined      release      → requested
    joined      finish       → complete
    joined      fail         → failed
    joined      give-up      → unreported
    joined      lose         → unknown
    joined      silent       → joined

    submitted   progress     → running
    submitted   silent       → submitted
    submitted   finish       → complete
    submitted   fail         → failed
    submitted   give-up      → unreported

    running     progress     → running
    running     finish       → complete
    running     fail         → failed
    running     give-up      → unreported

    complete    prove        → complete
    complete    choose       → complete

    unknown     find         → submitted
    unknown     searched     → unknown
    unknown     choose       → unknown
"""
ENDS = {"refused", "denied", "expired", "cancelled", "complete", "unreported", "failed", "unknown"}
NEED_A_TASK = {"submitted", "running", "complete", "unreported"}

DRAWN = {
    (State(before), Event(event)): State(after)
    for before, event, _, after in (line.split() for line in ARROWS.splitlines() if line)
}
OTHERS = [(state, event) for state in State for event in Event if (state, event) not in DRAWN]
INTO_A_TASK = [turn for turn, after in DRAWN.items() if after.value in NEED_A_TASK]

ASKED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ENDED = ASKED + timedelta(minutes=1)
NOW = ASKED + timedelta(minutes=2)


def name(case: State | tuple[State, Event]) -> str:
    return "-".join(case) if isinstance(case, tuple) else case.value


def a_purge(state: State, task_id: str | None = "1") -> Purge:
    return builders.a_purge(
        state,
        requested_at=ASKED,
        version=7,
        task_id=task_id,
        settled_at=ENDED if state.value in ENDS else None,
    )


def refused(purge: Purge, event: Event, **facts: Unpack[Facts]) -> str:
    """Give the words of the refusal; the purge that was there is what it was."""
    before = replace(purge)
    with pytest.raises(BotError) as error:
        advance(purge, event, NOW, **facts)
    assert error.value.info.code == "purge-wrong-turn"
    assert purge == before
    return str(error.value)


def test_the_table_of_transitions_is_the_drawing() -> None:
    assert TRANSITIONS == DRAWN


@pytest.mark.parametrize(("turn", "after"), DRAWN.items(), ids=name)
def test_an_arrow_leads_where_it_is_drawn(turn: tuple[State, Event], after: State) -> None:
    before, event = turn
    found = advance(a_purge(before), event, NOW)
    assert (found.state, found.version) == (after, 8)


@pytest.mark.parametrize("task_id", [None, "1"], ids=["without a task", "with a task"])
def test_what_is_not_drawn_is_refused_and_changes_nothing(task_id: str | None) -> None:
    assert len(OTHERS) == len(State) * len(Event) - len(DRAWN)
    for before, event in OTHERS:
        words = refused(a_purge(before, task_id), event, task_id="2", percent=100)
        assert f"A purge that is {before} cannot {event}." in words


@pytest.mark.parametrize("task_id", [None, ""], ids=["none", "empty"])
@pytest.mark.parametrize("turn", INTO_A_TASK, ids=name)
def test_nothing_is_taken_or_done_by_the_cdn_without_a_task_id(
    turn: tuple[State, Event], task_id: str | None
) -> None:
    before, event = turn
    assert "without a task ID" in refused(a_purge(before, task_id=None), event, task_id=task_id)
    assert "without a task ID" in refused(a_purge(before, task_id="1"), event, task_id=task_id)
    assert advance(a_purge(before, task_id=None), event, NOW, task_id="2").task_id == "2"


def test_a_task_id_is_not_needed_elsewhere() -> None:
    for (before, event), after in DRAWN.items():
        if after.value not in NEED_A_TASK:
            assert advance(a_purge(before, task_id=None), event, NOW).state is after


@pytest.mark.parametrize(("turn", "after"), DRAWN.items(), ids=name)
def test_it_is_settled_exactly_at_its_end_since_it_first_came_there(
    turn: tuple[State, Event], after: State
) -> None:
    before, event = turn
    found = advance(a_purge(before), event, NOW)
    since = ENDED if before.value in ENDS else NOW
    assert found.settled_at == (since if after.value in ENDS else None)
    assert found.settled is (after.value in ENDS)


def test_every_state_has_a_way_in_and_no_end_but_what_is_unknown_a_way_out() -> None:
    assert {*DRAWN.values(), State.REQUESTED} == set(State)
    leaves = {before.value for (before, _), after in DRAWN.items() if after is not before}
    assert leaves & ENDS == {"unknown"}
    assert leaves | ENDS == {state.value for state in State}


def test_every_event_is_drawn() -> None:
    assert {event for _, event in DRAWN} | {Event.REQUEST} == set(Event)
