"""Hands in the database that change a request before people approve it: what they see is not sent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import buttons, notes, only_card, words
from tests.support.policies import WithPolicy
from tests.support.processes import card_of
from tests.support.row_forgery import aims, alters

TWO = "  - {approval: Two decide, domains: [www.example.com], count: 2}"


def is_doubted(place: Town) -> None:
    assert place.purges_sent() == []
    assert "`record-doubtful`" in words(only_card(place))
    assert "was not sent" in notes(place)[-1]


def test_an_approval_of_one_tag_sends_no_other(place: Town, ana: Person, sam: Person) -> None:
    aims(place, card_of(ana.purges("www.example.com hero --force")), "www.example.com", ["price"])
    sam.approves()
    is_doubted(place)


def test_an_approval_of_a_plain_purge_sends_no_forced_one(with_policy: WithPolicy) -> None:
    place = with_policy('  - {approval: All takes a yes, actions: [purge, force], domains: ["*"]}')
    alters(place, card_of(Person(place, "U0ANA").purges("www.example.com hero")), force=True)
    Person(place, "U0SAM").approves()
    is_doubted(place)


def test_the_approval_of_one_does_not_confirm_one_that_a_hand_wrote(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(TWO)
    at = place.now().isoformat()
    written = {"user_id": "U0KIM", "at": at, "roles": ["sre"], "channel_id": "C0WEB"}
    alters(
        place,
        card_of(Person(place, "U0ANA").purges("www.example.com hero --force")),
        yeses=[written],
    )
    Person(place, "U0SAM").approves()
    is_doubted(place)


def test_two_who_approve_are_enough(with_policy: WithPolicy) -> None:
    place = with_policy(TWO)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    Person(place, "U0KIM").approves()
    place.waits(seconds=3)
    Person(place, "U0SAM").approves()
    assert len(place.purges_sent()) == 1


def test_what_was_sent_is_not_sent_again_by_approving_it_anew(
    place: Town, ana: Person, sam: Person
) -> None:
    place.post("cdn/settings", {"task_seconds": 3600})
    purge_id = card_of(ana.purges("www.example.com hero --force"))
    sam.approves()
    place.waits(minutes=11)  # so that the same is not held up by what runs still
    open_until = place.now() + timedelta(minutes=30)
    alters(place, purge_id, state="requested", settled_at=None, yeses=[], expires_at=open_until)
    place.settle()
    place.waits(seconds=3)
    assert "Approve" in buttons(only_card(place))
    sam.approves()
    place.waits(seconds=3)
    assert len(place.purges_sent()) == 1
    assert "`record-doubtful`" in words(only_card(place))


@pytest.mark.parametrize("send_at", ["none", "past"])
def test_who_takes_the_time_for_undo_away_does_not(
    place: Town, kim: Person, sam: Person, send_at: str
) -> None:
    purge_id = card_of(sam.purges("shop.example.com hero --force"))
    kim.approves()
    moment = None if send_at == "none" else place.now()
    alters(place, purge_id, send_at=moment, lane=2)
    place.settle()
    place.waits(seconds=8)
    assert place.purges_sent() == []
    place.waits(seconds=3)
    assert len(place.purges_sent()) == 1
