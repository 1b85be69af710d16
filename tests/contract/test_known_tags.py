"""Which tags are known, and which of very many a new one may be a slip of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from threading import Thread

import pytest

from bot.core.suggestions.similarity import slip_of
from bot.store.migrations import migrate
from bot.store.reads import known_tags as tags
from bot.store.store import Store

SITE = "www.example.com"


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    with closing(Store(database_url)) as opened:
        migrate(opened.engine)
        yield opened


def learn(store: Store, *known: str, domain: str = SITE) -> None:
    pairs = [(domain, tag) for tag in known]
    with store.engine.execution_options(writing=True).begin() as connection:
        store.tags.learn(connection, pairs)


def test_what_was_learnt_is_known_on_its_domain_alone_and_as_it_is_written(store: Store) -> None:
    learn(store, "hero", "banner")
    learn(store, "hero", "hero")
    assert store.tags.unknown(SITE, ("logo", "hero", "Hero")) == ("logo", "Hero")
    assert store.tags.unknown("img.example.com", ("hero",)) == ("hero",)


def test_many_tags_are_learnt_and_looked_up_at_once(store: Store) -> None:
    many = tuple(f"sku-{number}" for number in range(1200))
    learn(store, *many[1:])
    assert store.tags.unknown(SITE, many) == (many[0],)


def test_an_overlong_tag_is_neither_known_nor_new(store: Store) -> None:
    learn(store, "x" * 201, "y" * 200)
    assert store.tags.unknown(SITE, ("x" * 201, "y" * 200, "z" * 5000)) == ()


def test_many_are_counted_no_further_than_asked(store: Store) -> None:
    learn(store, "a", "b", "c")
    assert store.tags.are_many(SITE, 3)
    assert not store.tags.are_many(SITE, 4)
    assert not store.tags.are_many("img.example.com", 1)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("HERO", "hero"),
        ("hreo", "hero"),
        ("campagin-sping", "campaign-spring"),
        ("campaign_spring", "campaign-spring"),
        ("100%_offer", "100%_offers"),
        ("produkt-4711", "product-4711"),
    ],
)
def test_what_a_slip_may_mean_is_found(store: Store, written: str, meant: str) -> None:
    learn(store, "hero", "campaign-spring", "product-4711", "product-4712", "100%_offers")
    assert slip_of(written, store.tags.like(SITE, written)) == meant


@pytest.mark.parametrize("wildcard", ["%%%%", "____", "a%_z"])
def test_a_tag_is_compared_as_it_is(store: Store, wildcard: str) -> None:
    learn(store, "hero", "aooz")
    assert slip_of(wildcard, store.tags.like(SITE, wildcard)) is None


@pytest.mark.parametrize("wildcard", ["%%%%", "____"])
def test_nothing_else_begins_or_ends_like_a_wildcard(store: Store, wildcard: str) -> None:
    learn(store, "hero", "aooz")
    assert store.tags.like(SITE, wildcard) == []


@pytest.mark.parametrize("written", ["product-qqqw", "prodcut-qqqqw", "product-qqqqwx"])
def test_among_very_many_that_begin_alike_the_nearest_is_found(
    store: Store, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    monkeypatch.setattr(tags, "MOST_ALIKE", 50)
    letters = "abcdefghij"
    learn(store, *(f"product-{a}{b}{c}zz" for a in letters for b in letters for c in letters))
    learn(store, "product-qqqqw")
    assert slip_of(written, store.tags.like(SITE, written)) == "product-qqqqw"


def test_two_that_learn_the_same_at_once_both_come_through(store: Store) -> None:
    many = [(SITE, f"tag-{number}") for number in range(300)]

    def work(pairs: list[tuple[str, str]]) -> None:
        for _ in range(5):
            with store.engine.execution_options(writing=True).begin() as connection:
                store.tags.learn(connection, pairs)

    workers = [Thread(target=work, args=(pairs,)) for pairs in (many, many[::-1])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert store.tags.unknown(SITE, tuple(tag for _, tag in many)) == ()
