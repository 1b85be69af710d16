"""Several approvals, by whom the policy asks for; taken back, withdrawn, and counted once."""

from __future__ import annotations

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import APPROVE, buttons, notes, only_card, whispers, words
from tests.support.policies import WithPolicy

CANCEL = "purge:cancel"
TWO = """
  - approval: Two of SRE for the site
    domains: [www.example.com]
    count: 2
    expires_after: 10m
"""
ONE_OF_EACH = """
  - approval: One of SRE and one of the leads
    domains: [www.example.com]
    roles: [sre, leads]
    one_of_each: true
"""
PLAIN_TOO = """
  - approval: Somebody looks at prices
    actions: [purge]
    domains: ["*"]
    tags: ["price*"]
"""
NOBODY_ASKED = """
  - approval: Images may be forced alone
    domains: [img.example.com]
    required: no
"""


def press(place: Town, person: str, action: str = APPROVE) -> None:
    Person(place, person).presses(action, only_card(place))
    place.waits(seconds=2)  # a card is edited no more often


def test_two_approvals_take_two_people(with_policy: WithPolicy) -> None:
    place = with_policy(TWO)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    press(place, "U0SAM")
    assert place.purges_sent() == []
    assert "Approved 1 of 2: it takes 2 approvals" in words(only_card(place))
    press(place, "U0SAM")
    assert "approved this already" in whispers(place, "U0SAM")[-1]
    assert place.purges_sent() == []
    press(place, "U0KIM")
    assert len(place.purges_sent()) == 1
    assert "Approved by <@U0SAM>" in words(only_card(place))
    assert "<@U0KIM>" in words(only_card(place))


def test_one_no_ends_it_whatever_was_approved_before(with_policy: WithPolicy) -> None:
    place = with_policy(TWO)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    press(place, "U0SAM")
    place.denies("U0KIM", only_card(place), "the match is on")
    place.waits(seconds=2)
    assert place.purges_sent() == []
    assert "Denied by <@U0KIM>" in words(only_card(place))


def test_one_of_each_role_is_not_two_of_one(with_policy: WithPolicy) -> None:
    place = with_policy(ONE_OF_EACH)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    press(place, "U0SAM")
    press(place, "U0KIM")
    assert place.purges_sent() == []
    press(place, "U0ADA")
    assert len(place.purges_sent()) == 1


def test_the_policy_sets_the_expiry(with_policy: WithPolicy) -> None:
    place = with_policy(TWO)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    place.waits(minutes=11)
    assert "expired" in words(only_card(place))


def test_a_plain_purge_waits_where_the_policy_says_so(with_policy: WithPolicy) -> None:
    place = with_policy(PLAIN_TOO)
    assert buttons(Person(place, "U0ANA").purges("www.example.com price-list")) == [
        "Approve",
        "Deny",
        "Cancel (requester only)",
    ]
    press(place, "U0SAM")
    assert [sent["params"]["Force"] for sent in place.purges_sent()] == ["false"]


def test_a_plain_purge_elsewhere_does_not_wait(with_policy: WithPolicy) -> None:
    place = with_policy(PLAIN_TOO)
    Person(place, "U0ANA").purges("www.example.com hero")
    assert len(place.purges_sent()) == 1


def test_a_forced_purge_needs_nobody_where_the_policy_says_so(with_policy: WithPolicy) -> None:
    place = with_policy(NOBODY_ASKED)
    Person(place, "U0ANA").purges("img.example.com hero --force")
    assert len(place.purges_sent()) == 1


def test_the_requester_may_cancel_and_nothing_is_purged(place: Town, ana: Person) -> None:
    ana.purges("www.example.com hero --force")
    press(place, "U0ANA", CANCEL)
    assert "Cancelled by <@U0ANA>" in words(only_card(place))
    assert place.purges_sent() == []


def test_nobody_else_may_cancel(place: Town, ana: Person) -> None:
    ana.purges("www.example.com hero --force")
    press(place, "U0SAM", CANCEL)
    assert "waits for approval" in words(only_card(place))
    assert "Only its requester" in whispers(place, "U0SAM")[-1]


def test_an_approver_who_lost_the_right_before_pressing_does_not_count(
    place: Town, ana: Person
) -> None:
    ana.purges("www.example.com hero --force")
    place.post("slack/person", {"id": "U0SAM", "groups": []})
    place.waits(minutes=2)
    press(place, "U0SAM")
    assert place.purges_sent() == []
    assert "waits for approval" in words(only_card(place))


def test_a_right_lost_between_yes_and_sending_ends_it(with_policy: WithPolicy) -> None:
    place = with_policy(TWO)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    press(place, "U0SAM")
    place.post("slack/person", {"id": "U0SAM", "groups": []})
    place.waits(minutes=2)
    press(place, "U0KIM")
    assert place.purges_sent() == []
    assert "a right was withdrawn" in words(only_card(place))


def test_a_requester_who_lost_the_right_gets_nothing_sent(place: Town, ana: Person) -> None:
    ana.purges("www.example.com hero --force")
    place.post("slack/person", {"id": "U0ANA", "groups": []})
    place.waits(minutes=2)
    press(place, "U0SAM")
    assert place.purges_sent() == []
    assert "No rule lets you" in words(only_card(place))


def test_a_policy_that_asks_for_more_meanwhile_decides(with_policy: WithPolicy) -> None:
    place = with_policy("")
    Person(place, "U0ANA").purges("www.example.com hero --force")
    more = place.policy.read_text().replace("\npeak_hours:", TWO + "\npeak_hours:")
    place.policy.write_text(more)
    assert place.bot is not None
    place.bot.policy.reload()
    press(place, "U0SAM")
    assert place.purges_sent() == []
    press(place, "U0KIM")
    assert len(place.purges_sent()) == 1


@pytest.mark.parametrize("decision", ["approved", "denied"])
def test_what_waits_can_still_be_decided_when_the_policy_asks_nobody_any_more(
    with_policy: WithPolicy, decision: str
) -> None:
    place = with_policy("")
    card = Person(place, "U0ANA").purges("www.example.com hero --force")
    nobody = NOBODY_ASKED.replace("img.example.com", "www.example.com")
    place.policy.write_text(
        place.policy.read_text().replace("\npeak_hours:", nobody + "\npeak_hours:")
    )
    assert place.bot is not None
    place.bot.policy.reload()
    press(place, "U0LEO")
    assert "You may not decide" in whispers(place, "U0LEO")[-1]
    if decision == "approved":
        press(place, "U0SAM")
    else:
        place.denies("U0SAM", card, "the match is on")
        place.settle()
    assert len(place.purges_sent()) == (decision == "approved")
    place.waits(minutes=10)
    assert f"{decision} by <@U0SAM>" in notes(place)[-1]
