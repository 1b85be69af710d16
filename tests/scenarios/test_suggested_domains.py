"""A domain that was mistyped: the one that was meant is suggested, to those who may purge it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.demo.town import Town
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.messages import cards, only_card, whispers, words
from tests.support.policies import WithPolicy
from tests.support.purgebot import running
from tests.support.waiting import until

QUESTION = "DescribeUserDomains"


def told(place: Town, command: str, person: str = "U0ANA") -> str:
    """Give all that this person alone was told after a command."""
    before = len(whispers(place, person))
    Person(place, person).types(f"/purge {command}")
    return "\n".join(whispers(place, person)[before:])


def questions(place: Town) -> int:
    return len(place.get("cdn/requests", {"action": QUESTION})["requests"])


def looks(place: Town) -> None:
    """Let the bot look at the CDN, and at the domains of its account, if a look is due."""
    place.looks()
    assert place.bot is not None
    place.bot.account.refresh()


@pytest.mark.parametrize("at_hand", [False, True])
def test_who_mistypes_a_domain_of_theirs_is_told_which_they_may_mean(
    place: Town, ana: Person, at_hand: bool
) -> None:
    if at_hand:
        ana.types("/purge help")
    answer = told(place, "www.exampel.com hero")
    assert "refused: nothing was purged" in answer
    assert "Did you mean: `/purge www.example.com hero`" in answer
    assert cards(place) == []


def test_the_whole_command_is_put_right(place: Town) -> None:
    answer = told(place, 'ww.example.com hero,banner --force --reason "new prices"')
    assert (
        'Did you mean: `/purge www.example.com hero,banner --force --reason "new prices"`' in answer
    )


@pytest.mark.parametrize(
    ("person", "command"),
    [
        pytest.param("U0ANA", "shop.example.com hero", id="a domain of others"),
        pytest.param("U0ANA", "docs.exmaple.org hero", id="like a domain of others"),
        pytest.param(
            "U0LEO", "www.exampel.com hero", id="like one where not this tag may be purged"
        ),
        pytest.param("U0LEO", "www.exampel.com campaign-x --force", id="or not by force"),
        pytest.param("U0ADA", "www.exampel.com hero", id="like one that may be seen only"),
        pytest.param("U0GUS", "www.exampel.com hero", id="a guest"),
        pytest.param("U0ANA", "www2.example.com hero", id="a numbered sibling"),
    ],
)
def test_nothing_is_suggested_that_this_person_may_not_purge(
    place: Town, person: str, command: str
) -> None:
    looks(place)
    answer = told(place, command, person)
    assert "refused: nothing was purged" in answer
    assert "Did you mean" not in answer


def test_one_who_may_purge_some_tags_there_is_helped_with_those(place: Town) -> None:
    answer = told(place, "www.exampel.com campaign-spring", "U0LEO")
    assert "`/purge www.example.com campaign-spring`" in answer


def test_who_looks_at_the_refusal_of_another_is_told_of_no_domain(place: Town) -> None:
    answer = told(place, "www.exampel.com hero")
    purge = answer.rpartition("Purge `")[2].partition("`")[0]
    assert "www.example.com" not in told(place, f"status {purge}", "U0ADA")
    assert "refused" in whispers(place, "U0ADA")[-1]


# What the CDN does not know


def test_a_domain_that_the_account_has_not_is_told_with_the_one_that_it_has(
    place: Town, sam: Person
) -> None:
    sam.types("/purge www.exampel.com hero")
    card = words(only_card(place))
    assert "`cdn-domain-unknown`" in card or "has no such domain" in card
    assert "www.example.com" not in card
    (answer,) = whispers(place, "U0SAM")
    assert "Did you mean: `/purge www.example.com hero`" in answer
    assert whispers(place, "U0ANA") == []


def test_a_domain_like_none_of_the_account_is_told_alone(place: Town, sam: Person) -> None:
    sam.types("/purge quite.another.example hero")
    assert "has no such domain" in words(only_card(place))
    assert whispers(place, "U0SAM") == []


def test_without_the_right_to_list_domains_there_is_less_help_and_no_alarm(
    place: Town, sam: Person
) -> None:
    place.post("cdn/settings", {"denied_actions": [QUESTION]})
    sam.types("/purge dosc.example.org hero")
    assert "has no such domain" in words(only_card(place))
    assert whispers(place, "U0SAM") == []
    sam.types("/purge www.exampel.com hero")  # this one a rule names
    assert "`/purge www.example.com hero`" in whispers(place, "U0SAM")[-1]
    looks(place)
    place.waits(minutes=11)
    looks(place)
    assert cards(place, "U0SAM", "C0OPS") == []
    asked = questions(place)
    for _ in range(5):
        looks(place)
    assert questions(place) == asked


def test_the_account_is_asked_once_in_minutes(place: Town, sam: Person) -> None:
    for command in ("www.exampel.com hero", "shpo.example.com hero", "dosc.example.org hero"):
        sam.types(f"/purge {command}")
    assert questions(place) == 1
    assert len(whispers(place, "U0SAM")) == 3
    place.post("cdn/settings", {"domains": ["new.example.com"]})
    place.waits(minutes=11)
    assert "`/purge new.example.com hero`" in told(place, "nwe.example.com hero", "U0SAM")


def test_all_pages_of_the_account_are_read(place: Town, sam: Person) -> None:
    names = [f"a{number}.example.com" for number in range(700)]
    place.post("cdn/settings", {"domains": [*names, "last.example.com"]})
    sam.types("/purge lats.example.com hero")
    assert "`/purge last.example.com hero`" in whispers(place, "U0SAM")[-1]


SUBDOMAINS = """
  - rule: Leads purge everything below example.com
    roles: [leads]
    allow: [purge]
    domains: ["*.example.com"]
"""


def test_a_rule_with_a_wildcard_takes_the_accounts_domains_that_it_covers(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(rules=SUBDOMAINS)
    looks(place)
    assert "`/purge shop.example.com hero`" in told(place, "shop.exmaple.com hero", "U0ADA")
    assert "Did you mean" not in told(place, "docs.exmaple.org hero", "U0ADA")


EXACT = """
version: 1
rules:
  - rule: Everybody purges the site
    roles: "*"
    allow: [purge]
    domains: [www.example.com]
"""


def test_where_all_rules_name_their_domains_the_account_is_not_asked(
    open_town: OpenTown, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(EXACT)
    place = open_town(policy=policy)
    looks(place)
    assert "`/purge www.example.com hero`" in told(place, "www.exampel.com hero")
    assert questions(place) == 0


@pytest.mark.parametrize("minutes", ["10", "0"])
def test_a_running_bot_asks_by_itself_unless_nothing_is_to_be_asked_unasked(
    site: Town, tmp_path: Path, minutes: str
) -> None:
    variables = site.variables() | {"PURGEBOT_CANARY_MINUTES": minutes}
    with running(tmp_path, variables) as bot:
        bot.until("started")
        if minutes == "0":
            site.says("U0SAM", "/purge dosc.example.org hero")
            until(site, lambda: "Did you mean" in str(whispers(site, "U0SAM")))
        else:
            until(site, lambda: questions(site) == 1)
            site.says("U0SAM", "/purge docs.example.org hero")
            until(site, lambda: "the CDN has taken it" in str(cards(site)))
        assert bot.end() == 0
    assert questions(site) == 1


def test_a_status_does_not_go_on_from_a_suggestion_that_it_leaves_out(place: Town) -> None:
    assert "If `www.exampel.com` is right:" in told(place, "www.exampel.com hero")
    for person in ("U0ANA", "U0ADA"):
        answer = told(place, "history" if person == "U0ADA" else "status last", person)
        assert "Did you mean" not in answer
        assert "is right:" not in answer
    assert "Ask <!subteam^S0SRE>" in told(place, "status last")
