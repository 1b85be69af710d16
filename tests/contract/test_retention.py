"""Old purges go, with their messages, presses and questions; what the trail says of them stays."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Table, func, insert, select, update

from bot.core.audit import REMOVED, AuditEntry, link
from bot.core.decisions.transition import alert_of, card_of
from bot.core.interaction import Interaction, InteractionKind
from bot.core.purge.purge import Event, Purge, advance
from bot.store import retention
from bot.store.audit.verify import verify
from bot.store.change import NewInteraction, NewPosts
from bot.store.schema.mapping import link_to_row
from bot.store.schema.tables import asks, audit, posts, purges
from bot.store.store import Store
from tests.support.audit_trail import NOON, A, B, C, agree, begin, open_store, step, write_trail

YEAR = timedelta(days=365)
DAY = timedelta(days=1)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def keep(store: Store, after: timedelta, days: int = 365) -> None:
    store.retention.keep(NOON + after, days)


def ended(store: Store, purge_id: str, now: datetime = NOON) -> Purge:
    """Write down a request that is refused."""
    purge = begin(store, purge_id, now)
    after = advance(purge, Event.REFUSE, now)
    assert store.apply(step(after, Event.REFUSE))
    return after


def tell(store: Store, purge: Purge, due_at: datetime | None) -> None:
    """Write down a card that was posted, or is due."""
    assert store.apply(NewPosts((card_of(purge, "", NOON),), NOON))
    with store.engine.execution_options(writing=True).begin() as connection:
        mine = posts.c.purge_id == purge.id
        connection.execute(update(posts).where(mine).values(due_at=due_at))


def press(store: Store, trigger_id: str, at: datetime, due_at: datetime | None = None) -> None:
    people = ("T0TOWN", "T0TOWN", "U0ANA", "C0WEB", "")
    pressed = Interaction(trigger_id, *people, kind=InteractionKind.APPROVE, at=at)
    assert store.apply(NewInteraction(pressed, due_at))


def count(store: Store, table: Table) -> int:
    return int(store.read(select(func.count()).select_from(table)).scalar_one())


def test_what_ended_long_ago_goes_with_all_that_belongs_to_it(store: Store) -> None:
    purge = ended(store, A)
    tell(store, purge, due_at=None)
    press(store, "old", NOON)
    alert = alert_of("cdn-refuses", {}, "C0OPS", NOON)
    assert store.apply(NewPosts((alert,), NOON))
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(update(posts).values(due_at=None))
    keep(store, YEAR + 2 * DAY)
    assert [count(store, table) for table in (purges, posts, asks)] == [0, 0, 0]


def test_what_is_younger_stays(store: Store) -> None:
    purge = ended(store, A)
    tell(store, purge, due_at=None)
    press(store, "old", NOON)
    keep(store, YEAR)
    assert [count(store, table) for table in (purges, posts, asks)] == [1, 1, 1]


def test_without_a_retention_everything_stays(store: Store) -> None:
    ended(store, A)
    keep(store, 100 * YEAR, days=0)
    assert count(store, purges) == 1


def test_what_has_not_come_to_its_end_stays_however_old(store: Store) -> None:
    agree(store)  # approved, and to be sent
    tell(store, ended(store, A), due_at=NOON)  # its card is still to be posted
    searched = ended(store, B)  # it is still looked for
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(update(purges).where(purges.c.id == searched.id).values(due_at=NOON))
    press(store, "due", NOON, due_at=NOON)
    keep(store, 9 * YEAR)
    assert store.purge(C) is not None
    assert store.purge(A) is not None
    assert store.purge(B) is not None
    assert count(store, asks) == 1


def test_the_trail_stays_and_tells_of_the_removal(store: Store) -> None:
    write_trail(store)
    before = [found for _, found in store.audit.read_all()]
    keep(store, 2 * YEAR)
    after = [found for _, found in store.audit.read_all()]
    assert after[: len(before)] == before
    assert [each.entry.event for each in store.audit.chain(B)][-1] == REMOVED
    verdict = verify(store.engine)
    assert (verdict.finding, verdict.purges) == (None, 0)


def test_the_trail_of_what_is_gone_is_pruned_like_any_other(store: Store) -> None:
    write_trail(store)
    keep(store, 2 * YEAR)
    store.audit.keep(NOON + 3 * YEAR, retention_days=1)
    verdict = verify(store.engine)
    assert verdict.finding is None
    assert verdict.pruned >= 8


def test_what_was_pruned_before_it_is_removed_verifies_too(store: Store) -> None:
    write_trail(store)
    store.audit.keep(NOON + YEAR, retention_days=1)
    keep(store, 2 * YEAR)
    assert count(store, purges) == 0
    assert verify(store.engine).finding is None


def test_a_row_that_somebody_else_takes_away_is_still_missed(store: Store) -> None:
    write_trail(store)
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(purges.delete().where(purges.c.id == A))
    keep(store, 2 * YEAR)
    finding = verify(store.engine).finding
    assert finding is not None
    assert (finding.place, finding.wrong) == (f"purge {A}", "is missing: its trail tells of it")


def test_a_purge_that_waits_cannot_be_hidden_by_an_entry_that_says_removed(store: Store) -> None:
    agree(store)
    end = store.audit.chain(C)[-1].end
    forged = link(AuditEntry(C, NOON, REMOVED, detail={"before": NOON.isoformat()}), end)
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(purges.delete())
        connection.execute(insert(audit).values(link_to_row(forged)))
    finding = verify(store.engine).finding
    assert finding is not None
    assert finding.wrong == "was removed before the purge came to its end"


def test_a_row_that_comes_back_is_found(store: Store) -> None:
    ended(store, A)
    with store.engine.connect() as connection:
        row = dict(connection.execute(select(purges)).mappings().one())
    keep(store, 2 * YEAR)
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(insert(purges).values(row))
    finding = verify(store.engine).finding
    assert finding is not None
    assert finding.wrong == "has a row, which was removed"


def test_many_go_a_few_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: each batch is a transaction of its own."""
    monkeypatch.setattr(retention, "BATCH", 3)
    monkeypatch.setattr(retention, "PAGE", 4)
    for number in range(10):
        ended(store, f"P{number}")
        press(store, f"{number}", NOON)
    assert store.retention.remove_purges(NOON + DAY, NOON + DAY) == 3
    keep(store, 2 * YEAR)
    assert [count(store, table) for table in (purges, asks)] == [0, 0]
    assert verify(store.engine).finding is None


def test_several_replicas_remove_each_purge_once(store: Store) -> None:
    for number in range(8):
        ended(store, f"P{number}")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: store.retention.remove_purges(NOON + DAY, NOON + DAY), range(4)))
    removed = [found for _, found in store.audit.read_all() if found.entry.event == REMOVED]
    assert len(removed) == 8
    assert verify(store.engine).finding is None


def test_a_decision_on_what_is_being_removed_is_saved_or_nothing_is(store: Store) -> None:
    purge = ended(store, A)
    store.retention.remove_purges(NOON + DAY, NOON + DAY)
    chosen = replace(purge, version=purge.version + 1)
    assert not store.apply(step(chosen, Event.CHOOSE))
    assert [each.entry.event for each in store.audit.chain(A)] == ["request", "refuse", REMOVED]
