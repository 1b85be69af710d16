"""A decision is saved whole by whoever is first; who comes too late is told so, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from bot.core.decisions.transition import Transition, ephemeral_of, transition
from bot.core.interaction import Interaction, InteractionKind
from bot.core.message import Notice
from bot.core.purge.purge import Event, Purge, State
from bot.store.audit.verify import verify
from bot.store.change import Change, InteractionAnswered, NewInteraction, NewPosts
from bot.store.queue.due import JobKind
from bot.store.schema import tables
from bot.store.store import Store
from tests.support.audit_trail import NOON, A, B, begin, open_store
from tests.support.builders import an_interaction
from tests.support.waiting import poll

PRESS = an_interaction(InteractionKind.APPROVE, "U0SAM", at=NOON)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def written(store: Store) -> list[Any]:
    """Give all that was written down."""
    with store.engine.connect() as connection:
        return [
            sorted(map(repr, connection.execute(select(table)).all()))
            for table in tables.metadata.sorted_tables
        ]


def refused(purge: Purge) -> Transition:
    """Give a decision that also tells somebody something."""
    told = ephemeral_of(PRESS, Notice("not-allowed"))
    return transition(purge, Event.REFUSE, NOON).telling(told)


def press(store: Store) -> Interaction:
    assert store.apply(NewInteraction(PRESS, NOON))
    return PRESS


def check_too_late(store: Store, *changes: Change, owner: str | None = None) -> None:
    before = written(store)
    assert store.apply(*changes, owner=owner) is False
    assert written(store) == before


def test_of_two_decisions_on_one_version_the_first_counts(store: Store) -> None:
    purge = begin(store, A)
    decided = refused(purge)
    assert store.apply(decided) is True
    assert store.purge(A) == decided.purge
    check_too_late(store, transition(purge, Event.ALLOW, NOON))


def test_two_processes_take_turns_with_one_purge(store: Store, database_url: str) -> None:
    """What a process remembers of the purge and of its trail is older than what the other wrote."""
    begun = begin(store, A)
    waits = transition(begun, Event.WAIT, NOON, needs="one of the SRE", quorum=1)
    assert store.apply(waits)
    other = Store(database_url)
    try:
        found = other.purge(A)
        assert found is not None
        other.apply(transition(found, Event.REMIND, NOON, reminded_at=NOON, quorum=2))
        read = store.purge(A)
        assert read is not None
        denied = transition(read, Event.DENY, NOON, decided_by="U0SAM", quorum=1)
        assert store.apply(denied)
        assert store.purge(A) == other.purge(A) == denied.purge
        assert [each.entry.event for each in store.audit.chain(A)] == [
            *("request", "wait", "remind", "deny")
        ]
        assert verify(store.engine).finding is None
    finally:
        other.close()


def test_a_purge_is_written_down_once_for_one_command(store: Store) -> None:
    purge = begin(store, A)
    entry = transition(purge, Event.WAIT, NOON).audit
    check_too_late(store, Transition(purge, Event.REQUEST, NOON, entry, is_new=True))


def test_only_who_has_the_lease_saves_what_they_did(store: Store) -> None:
    purge = begin(store, A)
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(update(tables.purges).values(due_at=NOON))
    (claimed,) = store.jobs.claim(JobKind.PURGE, NOON, "one", 1)
    assert claimed.value == purge
    check_too_late(store, refused(purge), owner="another")
    assert store.apply(refused(purge), owner="one") is True


def test_a_press_is_answered_once_and_with_it_its_decision_is_saved(store: Store) -> None:
    purge, other = begin(store, A), begin(store, B)
    answered = InteractionAnswered(press(store).trigger_id)
    assert store.apply(answered, refused(purge)) is True
    check_too_late(store, answered, refused(other))
    check_too_late(store, refused(other), answered)


def test_a_press_that_comes_too_late_for_its_purge_is_still_to_be_answered(store: Store) -> None:
    purge = begin(store, A)
    answered = InteractionAnswered(press(store).trigger_id)
    assert store.apply(refused(purge)) is True
    check_too_late(store, answered, transition(purge, Event.ALLOW, NOON))
    told = NewPosts((ephemeral_of(PRESS, Notice("press-late")),), NOON)
    assert store.apply(answered, told) is True


def test_a_press_is_written_down_once(store: Store) -> None:
    press(store)
    check_too_late(store, NewInteraction(PRESS, NOON))


def to_be_sent(store: Store, purge_id: str) -> Transition:
    """Give the intent to send a purge, which is valid only if no equal one was sent lately."""
    allowed = transition(begin(store, purge_id), Event.ALLOW, NOON)
    assert store.apply(allowed)
    intent = transition(allowed.purge, Event.SEND, NOON, sent_at=NOON)
    return replace(intent, alone_since=NOON - timedelta(minutes=1))


def test_an_equal_purge_that_was_sent_before_is_seen(store: Store) -> None:
    first, second = to_be_sent(store, A), to_be_sent(store, B)
    assert store.apply(first)
    check_too_late(store, second)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_of_two_processes_that_send_equal_purges_at_once_one_does(
    store: Store, database_url: str
) -> None:
    """Whoever comes second waits for the first, and then sees what that one saved."""
    first, second = to_be_sent(store, A), to_be_sent(store, B)
    turn = int(first.purge.target[:15], 16)
    with closing(Store(database_url)) as other, ThreadPoolExecutor(2) as pool:
        with store.engine.begin() as third:
            third.execute(select(func.pg_advisory_xact_lock(turn)))
            both = [pool.submit(store.apply, first), pool.submit(other.apply, second)]
            waiting = text(
                "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
                " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
            )
            poll(lambda: third.execute(waiting).scalar_one() == len(both))
        assert sorted(each.result() for each in both) == [False, True]
    states = sorted(purge.state for each in (A, B) if (purge := store.purge(each)))
    assert states == [State.READY, State.SENDING]
