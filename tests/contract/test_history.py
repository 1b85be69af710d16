"""The history on both databases: what a page holds, turning it there and back, and by which index.

Two thousand purges, ten a second, so that many are of the same moment; a reference that
looks at every one of them says what there is to see.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from sqlalchemy import event, insert

from bot.core.command.queries import Cursor, Key
from bot.core.policy.fields import covers_domain
from bot.core.purge.purge import Failure, Purge, State
from bot.store.reads.history import PAGE, SCAN_BATCHES, WINDOW, History, Page, Search, Sent
from bot.store.schema.mapping import purge_to_row
from bot.store.schema.tables import purges
from bot.store.store import Store
from tests.support.audit_trail import open_store
from tests.support.databases import Postgresql, Sqlite

NOON = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
COUNT = 2000
RARE = "rare.example.org"
DOMAINS = ("www.example.com", "img.example.com", "a.shop.example.com", "shop.example.com")
PEOPLE = ("U0ANA", "U0SAM", "U0KIM")

Seen = Callable[[Purge], bool]


def a_purge(number: int, **facts: Any) -> Purge:
    plain = Purge(
        id=f"P{number:013}",
        trigger_id=f"trigger.{number}",
        team_id="T0TOWN",
        channel_id="C0WEB",
        user_id=PEOPLE[number % 3],
        domain=DOMAINS[number % 4],
        tags=("secret",) if number % 7 == 0 else ("hero",),
        force=number % 5 == 0,
        requested_at=NOON + timedelta(seconds=number // 10),
        state=State.SUBMITTED,
    )
    return replace(plain, **facts)


@cache
def many() -> list[Purge]:
    rare: dict[int, dict[str, Any]] = {
        3: {"domain": RARE, "user_id": "U0ANA", "tags": ("hero",)},
        100: {"user_id": "U0LEO"},
        700: {"domain": RARE, "user_id": "U0SAM", "tags": ("hero",)},
        1200: {"user_id": "U0LEO"},
        1503: {"domain": RARE, "user_id": "U0LEO", "tags": ("hero",)},
    }
    return [a_purge(number, **rare.get(number, {})) for number in range(COUNT)]


def write(store: Store, written: list[Purge]) -> None:
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(
            insert(purges), [purge_to_row(each) | {"attempts": 0} for each in written]
        )


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def full(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give a database with all of the purges in it, that is only read."""
    databases: Sqlite | Postgresql = request.getfixturevalue(request.param)
    with databases.copy() as url, closing(open_store(url)) as opened:
        write(opened, many())
        yield opened


SEARCHES = {
    "everything": Search("U0SAM", ("*",)),
    "a domain": Search("U0SAM", ("*",), domain="img.example.com"),
    "a rare domain": Search("U0SAM", ("*",), domain=RARE),
    "a domain that nobody purged": Search("U0SAM", ("*",), domain="none.example.com"),
    "a person": Search("U0SAM", ("*",), user_id="U0ANA"),
    "a person who asked for few": Search("U0SAM", ("*",), user_id="U0LEO"),
    "a person and a domain": Search("U0SAM", ("*",), "img.example.com", "U0ANA"),
    "a person and a rare domain": Search("U0SAM", ("*",), RARE, "U0ANA"),
    "since a moment": Search("U0SAM", ("*",), since=NOON + timedelta(seconds=150)),
    "a domain since a moment": Search(
        "U0SAM", ("*",), "img.example.com", since=NOON + timedelta(seconds=170)
    ),
    "may see two domains": Search("U0LEO", ("img.example.com", "www.example.com")),
    "may see two domains, of another": Search("U0KIM", DOMAINS[:2], domain=RARE),
    "may see a rare domain": Search("U0GUS", (RARE,)),
    "may see what is below": Search("U0LEO", ("*.shop.example.com",)),
    "may see what is below a rare one": Search("U0GUS", ("*.example.org",)),
    "may see what is below a rare one, and has own": Search("U0LEO", ("*.example.org",)),
    "may see many domains": Search("U0LEO", (*(f"d{n}.example.com" for n in range(9)), RARE)),
    "may see nothing": Search("U0GUS"),
    "may see their own": Search("U0ANA"),
    "may see their own, of a domain": Search("U0ANA", domain="img.example.com"),
    "may see their own, of a person": Search("U0ANA", user_id="U0ANA"),
    "may see their own, asks of others": Search("U0ANA", user_id="U0SAM"),
    "may see their own, asks of others by domain": Search("U0ANA", (), RARE, "U0SAM"),
    "may see below, asks of a person": Search("U0GUS", ("*.example.org",), user_id="U0ANA"),
    "has two IDs": Search("U0ANA", aliases=("U0LEO",)),
    "has two IDs, of a domain": Search("U0ANA", domain=RARE, aliases=("U0LEO",)),
    "has two IDs, asks by one": Search("U0ANA", user_id="U0LEO", aliases=("U0LEO",)),
    "has two IDs, asks by one of a domain": Search("U0LEO", (), RARE, "U0LEO", None, ("U0ANA",)),
    "has two IDs, may see all": Search("U0ANA", ("*",), user_id="U0ANA", aliases=("U0LEO",)),
    "has two IDs, may see below": Search("U0ANA", ("*.example.org",), aliases=("U0LEO",)),
    "has two IDs, asks of others": Search("U0ANA", user_id="U0SAM", aliases=("U0LEO",)),
}
each_search = pytest.mark.parametrize("search", SEARCHES.values(), ids=SEARCHES)


def own_ids(search: Search) -> set[str]:
    return {search.own_id, *search.aliases}


def seen_by(search: Search) -> Seen:
    def seen(purge: Purge) -> bool:
        shown = covers_domain(search.patterns, purge.domain)
        return purge.user_id in own_ids(search) or (shown and "secret" not in purge.tags)

    return seen


def reference(search: Search) -> list[str]:
    """Give the IDs of all that there is to see, newest first."""
    seen = seen_by(search)
    by = own_ids(search) if search.user_id in own_ids(search) else {search.user_id}
    asked = [
        purge
        for purge in many()
        if search.domain in {None, purge.domain}
        and (search.user_id is None or purge.user_id in by)
        and (search.since is None or purge.requested_at >= search.since)
        and seen(purge)
    ]
    asked.sort(key=lambda purge: (purge.requested_at, purge.id), reverse=True)
    return [purge.id for purge in asked]


def ids(page: Page) -> list[str]:
    return [purge.id for purge in page.purges]


@cache
def older_pages(history: History, search: Search) -> list[Page]:
    """Turn to the end, once for all that look at a history that does not change."""
    pages = [history.page(search, seen_by(search))]
    while (key := pages[-1].older) is not None:
        pages.append(history.page(search, seen_by(search), Cursor(key)))
        assert len(pages) < COUNT, "it goes in circles"
    return pages


@each_search
def test_all_pages_together_hold_everything_once_newest_first(full: Store, search: Search) -> None:
    pages = older_pages(full.history, search)
    assert [each for page in pages for each in ids(page)] == reference(search)
    assert all(len(page.purges) == PAGE or page.cut_short for page in pages[:-1])
    assert not pages[-1].cut_short


@each_search
def test_the_pages_back_are_those_that_one_came_by(full: Store, search: Search) -> None:
    """Where pages were cut short the way back may be cut elsewhere, but shows the same."""
    pages = older_pages(full.history, search)
    back = [pages[-1]]
    while (key := back[-1].newer) is not None:
        back.append(full.history.page(search, seen_by(search), Cursor(key, newer=True)))
        assert len(back) < COUNT, "it goes in circles"
    assert ids(back[-1]) == reference(search)[: len(back[-1].purges)]
    shown = {each for page in back for each in ids(page)}
    assert shown == set(reference(search))
    if not any(page.cut_short for page in pages):
        assert [ids(page) for page in reversed(back)] == [ids(page) for page in pages]


def test_the_first_page_has_no_newer_and_the_last_no_older(full: Store) -> None:
    pages = older_pages(full.history, SEARCHES["a person"])
    assert len(pages) > 3
    assert pages[0].newer is None
    assert all(page.newer is not None for page in pages[1:])
    assert pages[-1].older is None


def test_what_comes_in_meanwhile_moves_no_page(store: Store) -> None:
    search = SEARCHES["everything"]
    write(store, many()[:50])
    first = store.history.page(search, seen_by(search))
    assert first.older is not None
    before = store.history.page(search, seen_by(search), Cursor(first.older))
    write(store, [a_purge(COUNT + n, tags=("hero",)) for n in range(15)])
    again = store.history.page(search, seen_by(search), Cursor(first.older))
    assert ids(again) == ids(before)
    assert again.newer is not None
    newer = store.history.page(search, seen_by(search), Cursor(again.newer, newer=True))
    assert ids(newer) == ids(first)
    assert newer.newer is not None
    top = store.history.page(search, seen_by(search), Cursor(newer.newer, newer=True))
    while top.newer is not None:
        top = store.history.page(search, seen_by(search), Cursor(top.newer, newer=True))
    assert ids(top) == ids(store.history.page(search, seen_by(search)))
    assert len(top.purges) == PAGE


def test_a_place_before_the_moment_asked_for_shows_nothing_from_before_it(full: Store) -> None:
    search = SEARCHES["since a moment"]
    page = full.history.page(search, seen_by(search), Cursor(Key(NOON, "P"), newer=True))
    assert ids(page) == reference(search)[-PAGE:]


def test_a_right_that_is_lost_between_two_pages_counts_at_the_second(full: Store) -> None:
    sees_all, sees_none = Search("U0GUS", ("*",)), Search("U0GUS")
    first = full.history.page(sees_all, seen_by(sees_all))
    assert first.older is not None
    assert full.history.page(sees_none, seen_by(sees_none), Cursor(first.older)).purges == ()
    assert full.history.page(sees_all, seen_by(sees_all), Cursor(first.older)).purges != ()


def test_a_page_that_would_take_too_long_is_cut_short_and_says_so(full: Store) -> None:
    """Not a row of the newest thousands may be seen: it stops, and can be continued."""
    page = full.history.page(Search("U0GUS", ("*",)), lambda _: False)
    assert page.purges == ()
    assert page.cut_short
    assert page.older is not None
    rare = full.history.page(Search("U0GUS", ("*.nobody.example",)), lambda _: True)
    assert (rare.purges, rare.cut_short) == ((), COUNT > 4 * WINDOW - 1)


def test_an_empty_history_is_one_empty_page(store: Store) -> None:
    assert store.history.page(Search("U0SAM", ("*",)), lambda _: True) == Page(())


def test_a_place_that_is_no_purge_is_a_place_all_the_same(full: Store) -> None:
    search = SEARCHES["everything"]
    nowhere = Cursor(Key(NOON - timedelta(days=1), "P"))
    assert full.history.page(search, seen_by(search), nowhere).purges == ()
    back = full.history.page(search, seen_by(search), replace(nowhere, newer=True))
    assert ids(back) == reference(search)[-PAGE:]


# By which index


@pytest.fixture
def asked(full: Store) -> Iterator[list[tuple[str, Any]]]:
    """Give the list into which every statement from now on is written, with its values."""
    statements: list[tuple[str, Any]] = []

    def listen(*arguments: Any) -> None:
        if arguments[2].startswith(("SELECT", "WITH")):
            statements.append((arguments[2], arguments[3]))

    event.listen(full.engine, "before_cursor_execute", listen)
    yield statements
    event.remove(full.engine, "before_cursor_execute", listen)


def plans(store: Store, statements: list[tuple[str, Any]]) -> list[str]:
    """Give how the database carries the statements out."""
    explain = "EXPLAIN QUERY PLAN " if store.is_sqlite else "EXPLAIN "
    with store.engine.connect() as connection:
        if not store.is_sqlite:
            # In a small table it is quicker to read everything; in a large one it is not.
            connection.exec_driver_sql("ANALYZE purges")
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [
            "\n".join(str(row) for row in connection.exec_driver_sql(explain + words, values))
            for words, values in list(statements)
        ]


@pytest.mark.parametrize(
    ("search", "index"),
    [
        ("everything", "ix_purges_requested"),
        ("since a moment", "ix_purges_requested"),
        ("a domain", "ix_purges_domain_requested"),
        ("a person", "ix_purges_user_requested"),
        ("a person and a domain", "ix_purges_user_domain_requested"),
        ("may see what is below", "ix_purges_requested"),
        ("may see their own", "ix_purges_user_requested"),
    ],
)
@pytest.mark.parametrize("newer", [False, True], ids=["older", "newer"])
def test_a_page_is_looked_for_along_an_index(
    full: Store, asked: list[tuple[str, Any]], search: str, index: str, newer: bool
) -> None:
    cursor = Cursor(Key(NOON + timedelta(seconds=100), "P"), newer)
    full.history.page(SEARCHES[search], lambda _: True, cursor)
    found = plans(full, asked)
    assert any(index in plan for plan in found)
    assert not any("SCAN purges" in plan or "Seq Scan on purges" in plan for plan in found)


@pytest.mark.parametrize(
    "search",
    [
        Search("U0GUS", (), "img.example.com", "U0ANA"),
        Search("U0GUS", ("www.example.com",), "img.example.com", "U0ANA"),
        Search("U0GUS", (), user_id="U0ANA"),
    ],
)
def test_for_what_cannot_be_seen_nobody_looks(
    full: Store, asked: list[tuple[str, Any]], search: Search
) -> None:
    """That a page was cut short would tell that there is something."""
    assert full.history.page(search, lambda _: False) == Page(())
    assert asked == []


def test_many_domains_do_not_cost_a_look_each(full: Store, asked: list[tuple[str, Any]]) -> None:
    many_domains = tuple(f"d{number}.example.com" for number in range(100))
    full.history.page(Search("U0LEO", many_domains), lambda _: True)
    assert len(asked) <= 4 * len(SCAN_BATCHES)


@pytest.mark.parametrize(
    ("wanted", "index"), [("17772470184", "ix_purges_task"), ("P1M82J8FAHK949", "ix_purges_task")]
)
def test_a_purge_is_found_along_an_index(
    full: Store, asked: list[tuple[str, Any]], wanted: str, index: str
) -> None:
    full.history.find(wanted)
    by_id, by_task = plans(full, asked)
    assert "autoindex_purges_1" in by_id or "purges_pkey" in by_id
    assert index in by_task


def test_the_purges_of_a_day_are_counted_along_an_index(
    full: Store, asked: list[tuple[str, Any]]
) -> None:
    full.history.sent_since(NOON)
    (plan,) = plans(full, asked)
    assert "ix_purges_sent" in plan
    assert "Seq Scan on purges" not in plan


# One purge, and how many


def test_a_purge_is_found_by_its_id_and_by_its_task(store: Store) -> None:
    one = a_purge(1, task_id="17772470184")
    write(store, [one, a_purge(2, task_id="17772470185")])
    assert store.history.find(one.id) == [one]
    assert store.history.find("17772470184") == [one]
    assert store.history.find("17772470186") == store.history.find("") == []


def test_of_purges_with_one_task_the_newest_comes_first(store: Store) -> None:
    write(store, [a_purge(n * 10, task_id="1") for n in (2, 3, 1)])
    assert [each.id[-2:] for each in store.history.find("1")] == ["30", "20", "10"]


def test_what_was_sent_is_counted_by_sort_and_not_what_the_cdn_refused(store: Store) -> None:
    refused = {"state": State.FAILED, "failure": Failure("cdn-quota")}
    day, before = {"sent_at": NOON}, {"sent_at": NOON - timedelta(seconds=1)}
    write(
        store,
        [
            a_purge(1, **day, force=False, task_id="2"),
            a_purge(2, **day, force=False, task_id="3", domain="b.example"),
            a_purge(3, **day, force=True, state=State.UNKNOWN),
            a_purge(4, **day, force=True, state=State.FAILED, task_id="1"),
            a_purge(5, **day, force=True, **refused),
            a_purge(6, **day, force=False, **refused),
            a_purge(7, **before, force=True, task_id="4"),
            a_purge(9, **day, force=True, state=State.HELD),
            a_purge(8, sent_at=None, force=True, state=State.WAITING),
        ],
    )
    assert store.history.sent_since(NOON) == Sent(plain=2, forced=2)
    assert store.history.sent_since(NOON + timedelta(days=1)) == Sent(0, 0)


def test_nothing_was_sent_when_nothing_was_asked_for(store: Store) -> None:
    assert store.history.sent_since(NOON) == Sent(0, 0)
