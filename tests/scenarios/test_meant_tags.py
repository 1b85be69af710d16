"""What nobody means as a tag is purged as none: the answer says why, and the command put right."""

from __future__ import annotations

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import cards, only_card, whispers, words
from tests.support.policies import WithPolicy

NO_CHECKOUT = """
  - rule: Nobody forces the page of the checkout
    roles: "*"
    deny: [force]
    domains: [www.example.com]
    tags: ["tag:/checkout/*"]
"""


def tags_sent(place: Town) -> list[str]:
    return [sent["params"]["CacheTag"] for sent in place.purges_sent()]


@pytest.mark.parametrize(
    "list_of_two", ["hero，banner", "hero、banner", "hero، banner", "hero,banner"]
)
def test_a_comma_of_any_keyboard_stands_between_two_tags(
    place: Town, ana: Person, list_of_two: str
) -> None:
    ana.types(f"/purge www.example.com {list_of_two}")
    assert tags_sent(place) == ["hero,banner"]
    assert "tags `hero`, `banner`" in words(only_card(place))


@pytest.mark.parametrize(
    ("typed", "code", "meant"),
    [
        ("hero；banner", "command-tag-sign", "hero,banner"),
        ("hero.", "command-tag-sign", "hero"),
        ("hero。", "command-tag-sign", "hero"),
        ("node：12", "command-tag-sign", "node:12"),
        ("*hero* _banner_", "command-tag-star", "hero,banner"),
        ("[hero] [--force]", "command-force-like", None),
        ("(hero, banner)", "command-tag-sign", "hero,banner"),
        ("• hero", "command-tag-sign", "hero"),
        ("<@U0SAM>", "command-tag-sign", None),
        ("#web-publishing", "command-tag-sign", None),
        (":fire:", "command-tag-sign", None),
        ("*", "command-tag-star", None),
        ("thumb-*", "command-tag-star", None),
        ("https://www.example.com/news/today", "command-tag-address", None),
        ("/news/today", "command-tag-address", None),
        ("index.html", "command-tag-address", None),
        ("ana@example.com", "command-tag-address", None),
        ("shop.example.com hero", "command-domain-second", None),
        ("hero shop.example.com", "command-domain-second", None),
        ("hero /purge shop.example.com x", "command-second", None),
        ("hero\nshop.example.com x", "command-lines", None),
        ("hero && curl x", "command-tag-sign", None),
        ("hero --urgent", "command-option-unknown", None),
        ("hero --frce", "command-option-misspelt", "hero --force"),
        ("hero --help", "command-option-help", None),
    ],
)
def test_a_slip_is_refused_and_put_right_where_one_can_tell_how(
    place: Town, ana: Person, typed: str, code: str, meant: str | None
) -> None:
    ana.types(f"/purge www.example.com {typed}")
    (told,) = whispers(place)
    assert f"Nothing was purged · `{code}`" in told
    assert ("Did you mean" in told) == (meant is not None)
    if meant is not None:
        assert f"Did you mean: `/purge www.example.com {meant}`" in told
    assert tags_sent(place) == []
    assert cards(place) == []


@pytest.mark.parametrize("command", ["/purge www.example.com hero", "`www.example.com` hero"])
def test_a_slip_before_the_tags_is_put_right_too(place: Town, ana: Person, command: str) -> None:
    ana.types(f"/purge {command}")
    assert "Did you mean: `/purge www.example.com hero`" in whispers(place)[-1]
    assert tags_sent(place) == []


@pytest.mark.parametrize(
    "tag",
    ["index.html", "*", "thumb-*", "hero.", "#news", "/news/today", "shop.example.com", "a，b"],
)
def test_with_tag_before_it_exactly_that_tag_is_purged(place: Town, ana: Person, tag: str) -> None:
    ana.types(f"/purge www.example.com tag:{tag}")
    assert tags_sent(place) == [tag]
    assert "sent: the CDN has taken it" in words(only_card(place))


@pytest.mark.parametrize(
    "tag", ["product-123", "node:12", "page/news", "v1.2", "section=home", "首页"]
)
def test_tags_as_they_are_in_use_need_nothing_before_them(
    place: Town, ana: Person, tag: str
) -> None:
    ana.types(f"/purge www.example.com {tag}")
    assert tags_sent(place) == [tag]


def test_an_error_shows_what_was_typed_without_formatting_it(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com :fire:")
    ana.types("/purge www.example.com <!channel>")
    first, second = whispers(place)
    assert "`:fire:`" in first
    assert "&lt;!channel&gt;" in second
    assert "<!channel>" not in second


def test_an_address_is_answered_with_where_the_tags_are_found(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com /news/today")
    assert "response header" in whispers(place)[-1]


@pytest.mark.parametrize("how", ["--help", "-h", "?"])
def test_whoever_asks_for_help_as_they_know_it_gets_it(place: Town, ana: Person, how: str) -> None:
    ana.types(f"/purge {how}")
    (told,) = whispers(place)
    assert "hero,banner" in told
    assert "not their addresses" in told


def test_an_odd_tag_is_forced_as_it_was_typed(place: Town, sam: Person, ana: Person) -> None:
    ana.types("/purge www.example.com tag:index.html --force")
    sam.approves(only_card(place))
    assert tags_sent(place) == ["index.html"]


def test_a_correction_holds_what_an_odd_tag_needs(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com tag:index.html,logo. --force")
    assert (
        "Did you mean: `/purge www.example.com tag:index.html,logo --force`" in whispers(place)[-1]
    )


@pytest.mark.parametrize(("tag", "refused"), [("/checkout/cart", True), ("/news", False)])
def test_the_policy_names_odd_tags_as_a_command_does(
    with_policy: WithPolicy, tag: str, *, refused: bool
) -> None:
    place = with_policy("", rules=NO_CHECKOUT)
    Person(place, "U0ANA").types(f"/purge www.example.com tag:{tag} --force")
    told = "".join(whispers(place))
    assert ("Nobody forces the page of the checkout" in told) == refused
    assert len(cards(place)) == int(not refused)
