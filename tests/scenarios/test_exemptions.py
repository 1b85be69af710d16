"""Exemptions are exact and demands are wide, whatever the CDN makes of case, `*` and encoding."""

from __future__ import annotations

import re

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import cards, whispers, words
from tests.support.policies import LEADS, WithPolicy

THUMBNAILS = """
  - approval: Thumbnails may be forced
    domains: [www.example.com]
    tags: ["thumb-*"]
    required: no
"""
IMAGES = """
  - approval: Images may be forced
    domains: [img.example.com]
    required: no
"""
BREAK_GLASS = """
  - approval: Prices are forced by two, and by SRE alone where it burns
    domains: [www.example.com]
    tags: ["price-*"]
    count: 2
    break_glass: [sre]
"""
NO_CHECKOUT = """
  - rule: Nobody forces the checkout
    roles: "*"
    deny: [force]
    domains: [www.example.com]
    tags: ["checkout*"]
"""
BREAKS = '--break-glass --reason "wrong prices"'


def asks(place: Town, *commands: str, person: str = "U0ANA") -> None:
    for command in commands:
        Person(place, person).types(f"/purge {command}")
    place.waits(seconds=1)


def tags_sent(place: Town) -> list[str]:
    return [sent["params"]["CacheTag"] for sent in place.purges_sent()]


def quorums(place: Town) -> list[str]:
    """Give how many approvals each card asks for, "-" where it does not wait."""
    asked = (re.search("it takes (.+?)[.\n]", words(card) + "\n") for card in cards(place))
    return [found[1] if found else "-" for found in asked]


def test_an_exempt_tag_goes_out_unasked(with_policy: WithPolicy) -> None:
    place = with_policy(THUMBNAILS)
    asks(place, "www.example.com thumb-1,thumb-%zz --force", "www.example.com thumb-ä --force")
    assert tags_sent(place) == ["thumb-1,thumb-%zz", "thumb-ä"]


@pytest.mark.parametrize(
    "variants",
    [
        pytest.param(["tag:*", "tag:thumb-*", "tag:*humb-1", "thumb-1,tag:*"], id="a star"),
        pytest.param(
            ["tag:＊", "tag:thumb-＊", "tag:thumb-﹡", "tag:thumb-∗"], id="what looks like a star"
        ),
        pytest.param(["thumb-%2A", "thumb-%2a", "thumb-%25252A", "%2A"], id="an encoded star"),
        pytest.param(
            ["thumb-%EF%BC%8A", "tag:thumb-％2A", "thumb-%C0%AA"], id="a star in two coats"
        ),
        pytest.param(["THUMB-1", "Thumb-1", "thumB-1"], id="another case"),
        pytest.param(["%74humb-1", "ｔhumb-1", "thumb%2D1", "%2574humb-1"], id="coded"),
        pytest.param(["thumb-1%2Cprice-1", "tag:thumb-1，price-1"], id="two tags in one"),
        pytest.param(["thumb", "hero", "xthumb-1"], id="another tag"),
    ],
)
def test_what_only_resembles_an_exempt_tag_waits(
    with_policy: WithPolicy, variants: list[str]
) -> None:
    place = with_policy(THUMBNAILS)
    asks(place, *(f"www.example.com {variant} --force" for variant in variants))
    assert tags_sent(place) == []
    assert ["waits for approval" in words(card) for card in cards(place)] == [True] * len(variants)
    Person(place, "U0SAM").approves(cards(place)[0])
    assert tags_sent(place) == [variants[0].removeprefix("tag:")]


def test_an_exemption_of_a_whole_domain_is_none_of_a_star(with_policy: WithPolicy) -> None:
    place = with_policy(IMAGES)
    asks(place, "img.example.com hero --force", "img.example.com HERO-%41 --force")
    assert tags_sent(place) == ["hero", "HERO-%41"]
    asks(place, "img.example.com tag:* --force", "img.example.com %2A,big --force")
    assert len(tags_sent(place)) == 2
    assert quorums(place)[2:] == ["-", "-"]
    assert all("waits for approval" in words(card) for card in cards(place)[2:])


def test_a_plain_purge_of_a_star_still_asks_nobody(with_policy: WithPolicy) -> None:
    place = with_policy(THUMBNAILS)
    asks(place, "www.example.com tag:thumb-*")
    assert tags_sent(place) == ["thumb-*"]


def test_the_glass_is_broken_for_the_tags_that_the_approval_names(with_policy: WithPolicy) -> None:
    place = with_policy(BREAK_GLASS)
    asks(place, f"www.example.com price-1,price-2 --force {BREAKS}", person="U0SAM")
    assert tags_sent(place) == ["price-1,price-2"]


@pytest.mark.parametrize(
    "variant",
    ["tag:*", "tag:price-*", "PRICE-1", "price-%2A", "%70rice-1", "price-1,tag:*"],
)
def test_the_glass_holds_for_what_the_approval_covers_only_widely(
    with_policy: WithPolicy, variant: str
) -> None:
    place = with_policy(BREAK_GLASS)
    asks(place, f"www.example.com {variant} --force {BREAKS}", person="U0SAM")
    assert tags_sent(place) == []
    assert "does not let you skip the approval" in whispers(place, "U0SAM")[-1]


def test_a_demand_is_made_of_whatever_may_mean_its_tag(with_policy: WithPolicy) -> None:
    place = with_policy(BREAK_GLASS)
    variants = [
        "price-1",
        "PRICE-1",
        "tag:pr*",
        "%70rice-1",
        "%2570rice-1",
        "ｐrice-1",
        "pri%C2%ADce-1",
    ]
    asks(place, *(f"www.example.com {variant} --force" for variant in variants))
    assert quorums(place) == ["2 approvals"] * len(variants)
    assert tags_sent(place) == []


def test_a_demand_is_not_made_of_another_tag(with_policy: WithPolicy) -> None:
    place = with_policy(BREAK_GLASS)
    others = ["price", "hero-price-1", "%71rice-1", "tag:100%", "tag:%zz", "%ff"]
    asks(place, *(f"www.example.com {other} --force" for other in others))
    assert quorums(place) == ["-"] * len(others)
    assert all("waits for approval" in words(card) for card in cards(place))


@pytest.mark.parametrize(
    "variants",
    [
        pytest.param(["checkout-1", "CHECKOUT", "checkoUt"], id="case"),
        pytest.param(["%63heckout", "%2563heckout", "checkout%zz", "tag:%C5%BF*"], id="encoded"),
        pytest.param(["ｃheckout", "%EF%BD%83heckout", "tag:％63heckout"], id="full-width"),
        pytest.param(["check%E2%80%8Bout", "%00checkout", "check%C2%ADout"], id="unseen"),
        pytest.param(
            ["tag:*", "tag:che*", "tag:＊", "%2A", "hero%252A", "hero%2Ccheckout"], id="a star"
        ),
    ],
)
def test_a_forbidden_tag_is_refused_however_it_is_written(
    with_policy: WithPolicy, variants: list[str]
) -> None:
    place = with_policy("", rules=NO_CHECKOUT, roles=LEADS)
    for variant in variants:
        asks(place, f"www.example.com {variant} --force")
        assert "Nobody forces the checkout" in whispers(place)[-1], variant
    assert len(whispers(place)) == len(variants)
    assert cards(place) == []


def test_a_forbidden_tag_with_something_unseen_in_it_is_no_tag(with_policy: WithPolicy) -> None:
    place = with_policy("", rules=NO_CHECKOUT, roles=LEADS)
    asks(place, "www.example.com check\u200bout --force")
    assert cards(place) == []
    assert tags_sent(place) == []


def test_what_only_resembles_a_forbidden_tag_may_be_asked_for(with_policy: WithPolicy) -> None:
    place = with_policy("", rules=NO_CHECKOUT, roles=LEADS)
    others = ["check-out", "hero", "%64heckout", "my-checkout", "check%out", "%E2%80%8Bhero"]
    asks(place, *(f"www.example.com {other} --force" for other in others))
    assert ["waits for approval" in words(card) for card in cards(place)] == [True] * len(others)
    assert whispers(place) == []
    asks(place, "www.example.com checkout,Checkout-2")
    assert tags_sent(place) == ["checkout,Checkout-2"]
