"""A plain purge, from the command to the card."""

from __future__ import annotations

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import cards, only_card, whispers, words


def test_an_editor_purges_and_the_channel_sees_the_task_id(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    (sent,) = place.purges_sent()
    card = words(only_card(place, "U0LEO"))
    assert "sent: the CDN has taken it" in card
    assert sent["task_id"] in card
    assert "`hero`" in card
    assert "<@U0ANA>" in card
    assert sent["params"] == {"DomainName": "www.example.com", "CacheTag": "hero", "Force": "false"}


def test_a_purge_is_sent_once_and_posted_once_however_often_the_worker_looks(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero,banner footer")
    for _ in range(3):
        place.waits(minutes=2)
    assert [sent["params"]["CacheTag"] for sent in place.purges_sent()] == ["hero,banner,footer"]
    assert len(cards(place)) == 1


def test_a_stranger_to_the_domain_is_refused_with_the_reason_and_who_could_help(
    place: Town,
    ana: Person,
) -> None:
    ana.types("/purge shop.example.com hero")
    (told,) = whispers(place, "U0ANA")
    assert "refused" in told
    assert "<!subteam^S0SRE>" in told
    assert place.purges_sent() == []
    assert cards(place) == []


def test_a_refusal_is_for_the_requester_alone(place: Town, ana: Person) -> None:
    ana.types("/purge shop.example.com hero")
    assert whispers(place, "U0SAM") == []


def test_a_guest_may_not_purge_even_in_a_group_that_may(place: Town) -> None:
    place.post("slack/person", {"id": "U0GUS", "groups": ["S0EDITORS"]})
    Person(place, "U0GUS").types("/purge www.example.com hero")
    assert place.purges_sent() == []


def test_the_second_command_of_a_person_is_decided_at_once(place: Town, ana: Person) -> None:
    """The facts are at hand then: the refusal comes with the acknowledgement itself."""
    ana.types("/purge www.example.com hero")
    place.says("U0ANA", "/purge shop.example.com hero")
    assert "refused" in whispers(place, "U0ANA")[-1]


def test_a_mistake_is_explained_and_nothing_is_purged(place: Town, ana: Person) -> None:
    place.says("U0ANA", "/purge *.example.com hero")
    ana.types("/purge www.example.com hero --froce")
    first, second = whispers(place, "U0ANA")
    assert "command-domain-wildcard" in first
    assert "`/purge www.example.com hero --force`" in second
    assert place.purges_sent() == []


def test_a_mention_in_a_tag_pings_nobody(place: Town, sam: Person) -> None:
    sam.types("/purge www.example.com tag:<!channel>")
    card = only_card(place)
    assert "&lt;!channel&gt;" in words(card)
    assert "<!channel>" not in words(card) + card["text"]


def test_the_daily_quota_is_explained(place: Town, ana: Person) -> None:
    place.breaks(kind="error", code="QuotaExceeded.Refresh", times=1)
    ana.types("/purge www.example.com hero")
    card = words(only_card(place))
    assert "not sent: the CDN's quota is used up" in card
    assert "CDN request" in card


def test_a_lost_answer_is_unknown_and_never_sent_again(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com hero")
    place.waits(hours=2)
    assert "outcome unknown" in words(only_card(place))
    assert len(place.purges_sent()) == 1


@pytest.mark.parametrize(
    ("channel", "reader"),
    [("C0RANDOM", "U0LEO"), ("C0LAUNCH", "U0SAM"), ("D0ANASAM", "U0SAM")],
    ids=["public", "private", "direct message"],
)
def test_the_answer_arrives_where_the_bot_is_no_member(
    place: Town, ana: Person, channel: str, reader: str
) -> None:
    ana.at(channel).types("/purge www.example.com hero")
    assert "sent: the CDN has taken it" in words(only_card(place, reader, channel))


def test_help_shows_only_what_one_may_do(place: Town) -> None:
    place.says("U0LEO", "/purge help")
    Person(place, "U0SAM").types("/purge")
    (leo,) = whispers(place, "U0LEO")
    (sam,) = whispers(place, "U0SAM")
    assert "--force" not in leo
    assert "www.example.com" in leo
    assert "--force" in sam


def test_the_same_delivery_twice_is_one_purge(place: Town, ana: Person) -> None:
    place.post("slack/faults", {"deliver_twice": True})
    ana.types("/purge www.example.com hero")
    assert len(place.purges_sent()) == 1
    assert len(cards(place)) == 1
