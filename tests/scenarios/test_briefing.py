"""Who decides, who is called and where, and what they are told about the origin."""

from __future__ import annotations

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import buttons, cards, notes, only_card, whispers, words
from tests.support.policies import WithPolicy

TWO_LEADS = """
  - approval: Two leads
    domains: [www.example.com]
    roles: [leads]
    count: 2
"""
ON_CALL = """
  - approval: Whoever is on call is called
    domains: [www.example.com]
    call: {groups: [S0ONCALL]}
"""
AWAY = """
  - approval: They sit in a channel that the bot is not in
    domains: [www.example.com]
    call: {channel: C0LAUNCH}
"""


# Who can decide


def test_the_card_says_who_can_decide_and_how_many_they_are(ana: Person) -> None:
    assert "Can decide: <!subteam^S0SRE> (2 people), but not the requester" in words(
        ana.purges("www.example.com hero --force")
    )


def test_the_requester_is_not_counted(sam: Person) -> None:
    assert "Can decide: <!subteam^S0SRE> (1 person)" in words(
        sam.purges("img.example.com a --force")
    )


def test_a_group_of_the_requester_alone_can_not_decide_and_is_refused_at_once(
    place: Town, sam: Person
) -> None:
    place.post("slack/person", {"id": "U0KIM", "groups": []})
    sam.types("/purge www.example.com hero --force")
    assert cards(place) == []
    assert "Nobody but you could approve" in whispers(place, "U0SAM")[-1]


def test_fewer_people_than_the_policy_asks_for_are_told_at_once(with_policy: WithPolicy) -> None:
    place = with_policy(TWO_LEADS)
    Person(place, "U0ANA").types("/purge www.example.com hero --force")
    assert cards(place) == []
    assert "more people than there are" in whispers(place)[-1]


# Who is called


def test_the_card_stands_where_people_are_called_and_can_be_decided_there(
    place: Town, kim: Person, sam: Person
) -> None:
    sam.purges("shop.example.com prices --force")
    there = only_card(place, "U0KIM", "C0OPS")
    assert "Can decide: <!subteam^S0SRE>" in words(there)
    assert "in <#C0WEB>" in words(there)
    kim.at("C0OPS").approves(there)
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1
    for channel in ("C0WEB", "C0OPS"):
        card = only_card(place, "U0KIM", channel)
        assert "Approved by <@U0KIM>" in words(card)
        assert buttons(card) == []


def test_the_card_of_the_request_calls_nobody_then(sam: Person) -> None:
    card = words(sam.purges("shop.example.com prices --force"))
    assert "Called in <#C0OPS>" in card
    assert "Site reliability engineers" in card
    assert "subteam" not in card


def test_only_the_groups_named_are_called_and_the_others_can_decide_quietly(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(ON_CALL)
    card = words(Person(place, "U0ANA").purges("www.example.com hero --force"))
    assert "<!subteam^S0ONCALL>: please decide" in card
    assert "S0SRE" not in card
    assert "Can decide: Site reliability engineers or Leads (3 people)" in card


def test_the_reminder_goes_where_people_are_called(place: Town, sam: Person) -> None:
    sam.purges("shop.example.com prices --force")
    place.waits(minutes=16)
    assert "still waits" in notes(place, "U0KIM", "C0OPS")[-1]
    assert notes(place) == []


def test_where_their_channel_cannot_be_reached_they_are_called_below_the_card(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(AWAY)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    assert "could not post it in your channel" in notes(place)[-1]
    assert "<!subteam^S0SRE>" in notes(place)[-1]
    place.waits(minutes=16)
    assert "still waits" in notes(place)[-1]
    Person(place, "U0SAM").approves(only_card(place))
    assert len(place.purges_sent()) == 1


def test_a_crash_while_calling_makes_no_second_card_there(place: Town) -> None:
    place.post("slack/faults", {"lose_reply_of": [{"method": "chat.postMessage", "times": 2}]})
    place.says("U0SAM", "/purge shop.example.com prices --force")
    place.waits(minutes=1)
    assert len(cards(place, "U0KIM", "C0OPS")) == 1
    assert len(cards(place)) == 1


# What the origin has to do


def test_a_domain_that_was_not_purged_of_late_is_said_to_be_quiet(ana: Person) -> None:
    assert "not purged in the last 24 hours" in words(ana.purges("www.example.com hero --force"))


def test_purges_of_the_last_hour_and_day_are_counted(place: Town, ana: Person) -> None:
    ana.purges("www.example.com old")
    place.waits(hours=2)
    for tag in ("a", "b"):
        ana.purges(f"www.example.com {tag}")
    ana.purges("img.example.com elsewhere")
    place.waits(minutes=30)
    card = words(ana.purges("www.example.com hero --force"))
    assert (
        "0 forced and 2 plain in the last hour, 0 forced and 3 plain in the last 24 hours." in card
    )


def test_what_was_sent_a_moment_ago_may_be_at_work(ana: Person) -> None:
    ana.purges("www.example.com a")
    assert "*1 may be at work right now.*" in words(ana.purges("www.example.com hero --force"))


def test_what_the_cdn_refused_is_no_work_for_the_origin(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="InvalidDomain.NotFound", times=1)
    ana.purges("www.example.com a")
    assert "not purged in the last 24 hours" in words(ana.purges("www.example.com hero --force"))


@pytest.mark.parametrize(("hour", "peak"), [(19, True), (23, False)], ids=["within", "outside"])
def test_peak_hours_are_told(place: Town, ana: Person, sam: Person, hour: int, peak: bool) -> None:
    """The shop's evening is from 18:00 to 22:00 in Madrid, which is ahead of UTC all year."""
    now = place.now()
    place.waits(hours=(hour - 1 - now.hour) % 24)
    card = words(sam.purges("shop.example.com prices --force"))
    assert ("Peak hours when it was asked: The shop's evening" in card) == peak
    assert "The shop's evening" not in words(ana.purges("www.example.com hero --force"))


# One approval, one purge


def test_an_approval_is_for_one_purge_and_not_for_another_of_the_same(
    place: Town, sam: Person, ana: Person
) -> None:
    ana.purges("www.example.com hero --force")
    sam.approves(only_card(place))
    place.waits(minutes=2)
    ana.purges("www.example.com hero --force")
    assert len(place.purges_sent()) == 1
    assert buttons(cards(place)[-1]) == ["Approve", "Deny", "Cancel (requester only)"]


def test_a_second_request_of_ones_own_is_no_way_round(place: Town, sam: Person) -> None:
    sam.purges("www.example.com hero --force")
    sam.types("/purge www.example.com hero --force")
    for card in cards(place):
        sam.approves(card)
    assert place.purges_sent() == []
