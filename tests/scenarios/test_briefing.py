"""Who decides, who is called and where, and what they are told about the origin."""

from __future__ import annotations

import pytest

from bot.playground.town import Town
from tests.policies import WithPolicy
from tests.talk import APPROVE, buttons, cards, notes, only_card, whispers, words

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


def asks(place: Town, command: str = "www.example.com hero --force", person: str = "U0ANA") -> str:
    """Give the words of the newest card after a request."""
    place.says(person, f"/purge {command}")
    place.settle()
    return words(cards(place)[-1])


# Who can decide


def test_the_card_says_who_can_decide_and_how_many_they_are(place: Town) -> None:
    assert "Can decide: <!subteam^S0SRE> (2 people), but not the requester" in asks(place)


def test_the_requester_is_not_counted(place: Town) -> None:
    assert "Can decide: <!subteam^S0SRE> (1 person)" in asks(
        place, "img.example.com a --force", "U0SAM"
    )


def test_a_group_of_the_requester_alone_can_not_decide_and_is_refused_at_once(place: Town) -> None:
    place.post("slack/person", {"id": "U0KIM", "groups": []})
    place.says("U0SAM", "/purge www.example.com hero --force")
    place.settle()
    assert cards(place) == []
    assert "Nobody but you could approve" in whispers(place, "U0SAM")[-1]


def test_fewer_people_than_the_policy_asks_for_are_told_at_once(with_policy: WithPolicy) -> None:
    place = with_policy(TWO_LEADS)
    place.says("U0ANA", "/purge www.example.com hero --force")
    place.settle()
    assert cards(place) == []
    assert "more people than there are" in whispers(place)[-1]


# Who is called


def test_the_card_stands_where_people_are_called_and_can_be_decided_there(place: Town) -> None:
    asks(place, "shop.example.com prices --force", "U0SAM")
    there = only_card(place, "U0KIM", "C0OPS")
    assert "Can decide: <!subteam^S0SRE>" in words(there)
    assert "in <#C0WEB>" in words(there)
    place.presses("U0KIM", APPROVE, there, "C0OPS")
    place.settle()
    place.waits(seconds=11)
    assert len(place.purges_sent()) == 1
    for channel in ("C0WEB", "C0OPS"):
        card = only_card(place, "U0KIM", channel)
        assert "Approved by <@U0KIM>" in words(card)
        assert buttons(card) == []


def test_the_card_of_the_request_calls_nobody_then(place: Town) -> None:
    card = asks(place, "shop.example.com prices --force", "U0SAM")
    assert "Called in <#C0OPS>" in card
    assert "Site reliability engineers" in card
    assert "subteam" not in card


def test_only_the_groups_named_are_called_and_the_others_can_decide_quietly(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(ON_CALL)
    card = asks(place)
    assert "<!subteam^S0ONCALL>: please decide" in card
    assert "S0SRE" not in card
    assert "Can decide: Site reliability engineers or Leads (3 people)" in card


def test_the_reminder_goes_where_people_are_called(place: Town) -> None:
    asks(place, "shop.example.com prices --force", "U0SAM")
    place.waits(minutes=16)
    assert "still waits" in notes(place, "U0KIM", "C0OPS")[-1]
    assert notes(place) == []


def test_where_their_channel_cannot_be_reached_they_are_called_below_the_card(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(AWAY)
    asks(place)
    assert "could not post it in your channel" in notes(place)[-1]
    assert "<!subteam^S0SRE>" in notes(place)[-1]
    place.waits(minutes=16)
    assert "still waits" in notes(place)[-1]
    place.presses("U0SAM", APPROVE, only_card(place))
    place.settle()
    assert len(place.purges_sent()) == 1


def test_a_crash_while_calling_makes_no_second_card_there(place: Town) -> None:
    place.post("slack/faults", {"lose_reply_of": [{"method": "chat.postMessage", "times": 2}]})
    place.says("U0SAM", "/purge shop.example.com prices --force")
    place.waits(minutes=1)
    assert len(cards(place, "U0KIM", "C0OPS")) == 1
    assert len(cards(place)) == 1


# What the origin has to do


def test_a_domain_that_was_not_purged_of_late_is_said_to_be_quiet(place: Town) -> None:
    assert "not purged in the last 24 hours" in asks(place)


def test_purges_of_the_last_hour_and_day_are_counted(place: Town) -> None:
    asks(place, "www.example.com old")
    place.waits(hours=2)
    for tag in ("a", "b"):
        asks(place, f"www.example.com {tag}")
    asks(place, "img.example.com elsewhere")
    place.waits(minutes=30)
    card = asks(place)
    assert "0 forced and 2 plain in the last hour, 0 and 3 in the last 24 hours." in card


def test_what_was_sent_a_moment_ago_may_be_at_work(place: Town) -> None:
    asks(place, "www.example.com a")
    assert "*1 may be at work right now.*" in asks(place)


def test_what_the_cdn_refused_is_no_work_for_the_origin(place: Town) -> None:
    place.breaks(kind="error", code="InvalidDomain.NotFound", times=1)
    asks(place, "www.example.com a")
    assert "not purged in the last 24 hours" in asks(place)


@pytest.mark.parametrize(("hour", "peak"), [(19, True), (23, False)], ids=["within", "outside"])
def test_peak_hours_are_told(place: Town, hour: int, peak: bool) -> None:
    """The shop's evening is from 18:00 to 22:00 in Madrid, which is ahead of UTC all year."""
    now = place.now()
    place.waits(hours=(hour - 1 - now.hour) % 24)
    card = asks(place, "shop.example.com prices --force", "U0SAM")
    assert ("Peak hours when it was asked: The shop's evening" in card) == peak
    assert "The shop's evening" not in asks(place)


# One approval, one purge


def test_an_approval_is_for_one_purge_and_not_for_another_of_the_same(place: Town) -> None:
    asks(place)
    asks(place)
    first, second = cards(place)
    place.presses("U0SAM", APPROVE, first)
    place.settle()
    assert len(place.purges_sent()) == 1
    assert buttons(cards(place)[1]) != []
    assert second["ts"] == cards(place)[1]["ts"]


def test_a_second_request_of_ones_own_is_no_way_round(place: Town) -> None:
    asks(place, person="U0SAM")
    asks(place, person="U0SAM")
    for card in cards(place):
        place.presses("U0SAM", APPROVE, card)
        place.settle()
    assert place.purges_sent() == []
