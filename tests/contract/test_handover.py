"""What this process has saved and can go on with itself is leased to it, and nobody else has it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.core.decisions.transition import Transition, requested, transition
from bot.core.interaction import InteractionKind
from bot.core.message import Post
from bot.core.purge.purge import Event, Purge, State
from bot.store.change import NewInteraction
from bot.store.migrations import migrate
from bot.store.queue.due import JobKind
from bot.store.queue.owner import LEASE
from bot.store.schema import tables
from bot.store.store import Store
from tests.support.builders import NOW, a_purge, an_interaction
from tests.support.taking_over import Taker, ready

LATER = NOW + LEASE + timedelta(seconds=1)
PRESS = an_interaction(InteractionKind.APPROVE, "U0SAM")


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store(database_url, sends_per_s=10)
    migrate(opened.engine)
    opened.jobs.handover = Taker()
    yield opened
    opened.close()


@pytest.fixture
def taker(store: Store) -> Taker:
    assert isinstance(store.jobs.handover, Taker)
    return store.jobs.handover


def claimed(store: Store, kind: JobKind, at: datetime = NOW) -> list[object]:
    return [step.value for step in store.jobs.claim(kind, at, "another", 9)]


def sending(store: Store, taker: Taker) -> Purge:
    """Give a purge that is being sent by whoever took it over."""
    assert store.apply(ready())
    (step,) = taker.given
    taker.given.clear()
    assert isinstance(step.value, Purge)
    intent = transition(step.value, Event.SEND, NOW, sent_at=NOW, attempt=1)
    assert store.apply(intent, owner="us")
    return intent.purge


def accepted(purge: Purge) -> Transition:
    return transition(purge, Event.ACCEPT, NOW, task_id="17772470184")


def test_what_is_to_be_sent_at_once_is_handed_over_and_nobody_else_gets_it(
    store: Store, taker: Taker
) -> None:
    begun = ready()
    assert store.apply(begun)
    assert [step.value for step in taker.given] == [begun.purge]
    assert claimed(store, JobKind.SEND) == []


def test_what_was_handed_over_to_one_that_died_is_there_for_others(
    store: Store, taker: Taker
) -> None:
    assert store.apply(ready())
    assert claimed(store, JobKind.SEND, LATER) == [taker.given[0].value]


def test_while_it_lives_its_lease_is_renewed(store: Store, taker: Taker) -> None:
    assert store.apply(ready())
    store.jobs.beat("us", NOW + LEASE / 2)
    assert claimed(store, JobKind.SEND, LATER) == []
    store.jobs.release(taker.given[0].value)


def test_what_nobody_has_room_for_waits_to_be_claimed(store: Store, taker: Taker) -> None:
    taker.room = 0
    begun = ready()
    assert store.apply(begun)
    assert taker.given == []
    assert taker.told == [NOW]
    assert claimed(store, JobKind.SEND) == [begun.purge]


def test_what_was_not_saved_is_not_handed_over(store: Store, taker: Taker) -> None:
    assert store.apply(ready())
    assert store.apply(ready()) is False
    assert len(taker.given) == 1
    assert taker.room == 8


@pytest.mark.parametrize("event", [Event.WAIT, Event.REFUSE], ids=str)
def test_what_has_to_wait_or_has_ended_is_not_handed_over(
    store: Store, taker: Taker, event: Event
) -> None:
    purge = a_purge()
    decided = transition(purge, event, NOW, expires_at=NOW + timedelta(minutes=30))
    assert store.apply(requested(purge, "https://hooks.slack.com/1", decided))
    assert taker.given == []
    assert taker.room == 9


def test_nor_is_what_can_still_be_taken_back(store: Store, taker: Taker) -> None:
    undo = NOW + timedelta(seconds=10)
    purge = a_purge(State.WAITING)
    assert store.apply(replace(transition(purge, Event.COUNT, NOW), is_new=True))
    assert store.apply(transition(replace(purge, version=2), Event.APPROVE, NOW, send_at=undo))
    assert taker.given == []
    assert claimed(store, JobKind.SEND, undo - timedelta(seconds=1)) == []
    assert len(claimed(store, JobKind.SEND, undo)) == 1


def test_a_rate_holds_for_what_is_handed_over(store: Store, taker: Taker) -> None:
    for number in range(12):
        taker.room = 1
        assert store.apply(ready(f"P{number}"))
    assert len(taker.given) == 10  # ten a second, and at most as many at once
    assert claimed(store, JobKind.SEND) == []
    assert len(claimed(store, JobKind.SEND, NOW + timedelta(seconds=1))) == 2


def test_what_was_not_saved_makes_the_rate_no_greater(database_url: str) -> None:
    """Several tokens are taken at once; a transaction that is undone has taken none."""
    store, taker = Store(database_url, sends_per_s=50), Taker()
    migrate(store.engine)
    store.jobs.handover = taker
    for number in range(60):
        taker.room = 1
        store.apply(ready(f"P{number}"))
        if number and number % 4 == 0:  # when the five that were taken at once are used up
            taker.room = 1
            assert store.apply(ready(f"P{number}")) is False
    store.close()
    assert 10 <= len(taker.given) <= 50


def test_a_press_is_handed_over_and_without_room_it_waits(store: Store, taker: Taker) -> None:
    assert store.apply(NewInteraction(PRESS, NOW))
    assert [step.value for step in taker.given] == [PRESS]
    assert claimed(store, JobKind.ANSWER) == []
    taker.room = 0
    assert store.apply(NewInteraction(replace(PRESS, trigger_id="second"), NOW))
    assert claimed(store, JobKind.ANSWER) == [replace(PRESS, trigger_id="second")]


def test_a_press_that_has_its_answer_is_not(store: Store, taker: Taker) -> None:
    assert store.apply(NewInteraction(PRESS, None))
    assert taker.given == []


def test_with_the_answer_of_the_cdn_goes_the_card_that_waited_for_it(
    store: Store, taker: Taker
) -> None:
    outcome = accepted(sending(store, taker))
    assert store.apply(outcome, owner="us")
    (step,) = taker.given
    assert isinstance(step.value, Post)
    assert step.shows == outcome.purge
    assert step.value.trying_since is None
    assert claimed(store, JobKind.POST) == []


def test_whoever_finds_that_card_later_looks_whether_it_was_posted(
    store: Store, taker: Taker
) -> None:
    assert store.apply(accepted(sending(store, taker)), owner="us")
    (found,) = claimed(store, JobKind.POST, LATER)
    assert isinstance(found, Post)
    assert found.trying_since == NOW


def test_without_room_the_card_is_due_at_once(store: Store, taker: Taker) -> None:
    being_sent = sending(store, taker)
    taker.room = 0
    assert store.apply(accepted(being_sent), owner="us")
    (found,) = claimed(store, JobKind.POST)
    assert isinstance(found, Post)
    assert found.trying_since is None


def test_a_card_that_somebody_has_in_hand_is_left_to_them(store: Store, taker: Taker) -> None:
    being_sent = sending(store, taker)
    (theirs,) = claimed(store, JobKind.POST, NOW + timedelta(seconds=1))
    assert store.apply(accepted(being_sent), owner="us")
    assert taker.given == []
    question = select(tables.posts.c.lease_holder)
    assert [row.lease_holder for row in store.read(question)] == ["another"]
    assert isinstance(theirs, Post)


def test_whoever_lost_the_lease_hands_nothing_over(store: Store, taker: Taker) -> None:
    being_sent = sending(store, taker)
    room = taker.room
    assert store.apply(accepted(being_sent), owner="another") is False
    assert taker.given == []
    assert taker.room == room
