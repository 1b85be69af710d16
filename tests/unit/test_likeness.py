"""Which new word is a slip in writing a known one, and which is a thing of its own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.suggestions.similarity import slip_of, slips_of_domain


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("heroo", "hero"),
        ("hreo", "hero"),
        ("her", "hero"),
        ("hera", "hero"),
        ("Hero", "hero"),
        ("HREO", "hero"),
        ("baner", "banner"),
        ("banners", "banner"),
        ("navigaton", "navigation"),
        ("navgaiton", "navigation"),
        ("campagin-spring", "campaign-spring"),
        ("campaign-sprin", "campaign-spring"),
        ("campaign_spring", "campaign-spring"),
        ("campaignspring", "campaign-spring"),
        ("page:front-heroo", "page:front-hero"),
        ("produkt-4711", "product-4711"),
        ("frontpgae2026", "frontpage2026"),
        ("größe", "größen"),
    ],
)
def test_a_slip_is_seen(written: str, meant: str) -> None:
    assert slip_of(written, [meant, "quite-another"]) == meant


@pytest.mark.parametrize(
    ("written", "known"),
    [
        ("hero", "hero"),
        ("article-13", "article-12"),
        ("page-02", "page-01"),
        ("page-1", "page-11"),
        ("v2", "v1"),
        ("t01", "t00"),
        ("tag-2", "tag-1"),
        ("sku4711", "sku4712"),
        ("hero2", "hero"),
        ("block-b", "block-a"),
        ("home-de", "home-en"),
        ("size-xl", "size-l"),
        ("new", "now"),
        ("ab", "abc"),
        ("heeroo", "hero"),
        ("campaign-x", "campaign"),
        ("campaign-autumn", "campaign-spring"),
        ("late", "lost"),
        ("navigatoooon", "navigation"),
        ("abcdefgh-ijklmnop", "abcdefxx-ijklmnyy"),
    ],
)
def test_what_is_a_thing_of_its_own_is_no_slip(written: str, known: str) -> None:
    assert slip_of(written, [known]) is None


def test_of_several_the_nearest_is_meant() -> None:
    assert slip_of("navigatio", ["navigating", "navigation", "navigations"]) == "navigation"


def test_nothing_is_meant_where_nothing_is_known() -> None:
    assert slip_of("heroo", []) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("www.exampel.com", "www.example.com"),
        ("ww.example.com", "www.example.com"),
        ("wwww.example.com", "www.example.com"),
        ("www.example.con", "www.example.com"),
        ("www.example.cmo", "www.example.com"),
        ("wwwexample.com", "www.example.com"),
        ("www-example.com", "www.example.com"),
        ("shpo.example.com", "shop.example.com"),
    ],
)
def test_a_slip_in_a_domain_is_seen(written: str, meant: str) -> None:
    assert slips_of_domain(written, ["docs.example.org", meant]) == [meant]


@pytest.mark.parametrize(
    "known", ["img.example.com", "shop.example.com", "www.example.org", "www2.example.com"]
)
def test_another_domain_is_no_slip(known: str) -> None:
    assert slips_of_domain("www.example.com", [known]) == []


@pytest.mark.parametrize(("one", "other"), [("eu", "us"), ("a", "b"), ("de", "en")])
def test_short_labels_that_mean_something_else_are_no_slip(one: str, other: str) -> None:
    assert slips_of_domain(f"{one}.example.com", [f"{other}.example.com"]) == []


@given(st.text("abcdefgh", min_size=4, max_size=30), st.data())
def test_whatever_is_one_slip_away_is_seen(meant: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(meant) - 2))
    head, first, second, tail = meant[:place], meant[place], meant[place + 1], meant[place + 2 :]
    written = data.draw(
        st.sampled_from(
            [
                f"{head}{second}{first}{tail}",
                f"{head}{first}{first}{second}{tail}",
                f"{head}{second}{tail}",
                f"{head}x{second}{tail}",
            ]
        )
    )
    assert slip_of(written, [meant]) == (None if written == meant else meant)


@given(st.text(max_size=40), st.text("0123456789", min_size=1, max_size=3), st.text(max_size=40))
def test_other_digits_are_never_a_slip(head: str, digits: str, tail: str) -> None:
    other = str(int(digits) + 1)
    assert slip_of(f"{head}{digits}{tail}", [f"{head}{other}{tail}"]) is None
