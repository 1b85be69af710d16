"""A lost answer: looked for where the CDN allows it, never sent again by itself, decided by people."""

from __future__ import annotations

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import buttons, cards, notes, only_card, whispers, words

AGAIN = "purge:again"
LEAVE = "purge:leave"


@pytest.fixture
def lost(place: Town, ana: Person) -> Town:
    """Give the town after a plain purge was lost whose task the CDN does not list."""
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com hero")
    return place


def test_the_card_says_at_once_that_nobody_knows(lost: Town) -> None:
    assert "outcome unknown" in words(only_card(lost))
    assert buttons(only_card(lost)) == ["Purge again", "Leave it"]


def test_a_task_that_can_only_be_this_one_is_found(place: Town, ana: Person) -> None:
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com hero")
    place.waits(seconds=6)
    place.waits(minutes=2)
    assert "Purge complete" in words(only_card(place))
    assert place.purges_sent()[0]["task_id"] in words(only_card(place))
    assert len(place.purges_sent()) == 1


def test_of_two_tasks_that_can_be_it_none_is_taken_for_it(place: Town) -> None:
    place.breaks(kind="lose_answer", times=2)
    for tag in ("hero", "logo"):
        place.says("U0ANA", f"/purge www.example.com {tag}")
    place.settle()
    place.waits(minutes=3)
    assert ["outcome unknown" in words(card) for card in cards(place)] == [True, True]


def test_a_task_of_another_purge_is_not_taken_for_it(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com known")
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com lost")
    place.waits(minutes=3)
    place.waits(minutes=1)
    tasks = [sent["task_id"] for sent in place.purges_sent()]
    assert [task in words(card) for task, card in zip(tasks, cards(place), strict=True)] == [
        True,
        True,
    ]


def test_when_it_is_not_found_its_requester_is_asked_to_decide(lost: Town) -> None:
    assert notes(lost) == []
    lost.waits(minutes=3)
    (note,) = notes(lost)
    assert "<@U0ANA>" in note
    assert "nobody knows whether the CDN took it" in note
    lost.waits(hours=3)
    assert len(notes(lost)) == 1
    assert len(lost.purges_sent()) == 1


def test_purge_again_is_a_request_of_its_own(lost: Town) -> None:
    Person(lost, "U0SAM").presses(AGAIN, only_card(lost))
    lost.waits(seconds=2)
    first, second = cards(lost)
    assert buttons(first) == []
    assert "<@U0SAM> asked for it again" in words(first)
    assert "Purge sent" in words(second)
    assert "Asked by <@U0SAM>" in words(second)
    assert len(lost.purges_sent()) == 2


def test_a_forced_one_needs_a_new_approval_to_be_purged_again(
    place: Town, ana: Person, sam: Person
) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com hero --force")
    sam.approves(only_card(place))
    place.waits(hours=1)
    assert len(place.purges_sent()) == 1
    ana.presses(AGAIN, only_card(place))
    assert "Forced purge waits for approval" in words(cards(place)[-1])
    assert len(place.purges_sent()) == 1


def test_leave_it_is_the_end_of_it(lost: Town) -> None:
    Person(lost, "U0ANA").presses(LEAVE, only_card(lost))
    lost.waits(seconds=2)
    assert buttons(only_card(lost)) == []
    assert "<@U0ANA> decided to leave it" in words(only_card(lost))


def test_whoever_may_not_purge_it_can_choose_neither(lost: Town) -> None:
    for button in (AGAIN, LEAVE):
        Person(lost, "U0ADA").presses(button, only_card(lost))
    assert len(cards(lost)) == 1
    assert buttons(only_card(lost)) == ["Purge again", "Leave it"]
    assert len(whispers(lost, "U0ADA")) == 2


def test_of_two_who_choose_at_once_the_first_counts(lost: Town) -> None:
    card = only_card(lost)
    lost.presses("U0ANA", AGAIN, card)
    Person(lost, "U0SAM").presses(AGAIN, card)
    assert len(lost.purges_sent()) == 2
    assert "Too late" in whispers(lost, "U0SAM")[-1]


def test_a_purge_that_was_never_sent_is_not_given_the_task_of_another_lost_one(
    place: Town,
    ana: Person,
) -> None:
    """As two bots leave them that die at once: one before it sends, the other after."""
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com sent")
    place.breaks(kind="http", status=502, times=1)
    ana.types("/purge www.example.com never")
    place.waits(minutes=3)
    assert ["outcome unknown" in words(card) for card in cards(place)] == [True, True]


def test_a_task_that_was_found_says_so(place: Town, ana: Person) -> None:
    place.breaks(kind="lose_answer", times=1)
    ana.types("/purge www.example.com hero")
    place.waits(seconds=6)
    place.waits(seconds=3)
    assert "answer was lost; its task was found at" in words(only_card(place))


@pytest.mark.parametrize("executed", [True, False])
def test_after_a_try_that_may_have_worked_a_refusal_does_not_say_that_nothing_was_done(
    place: Town, ana: Person, executed: bool
) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="error", code="InternalError", executed=executed)
    place.breaks(kind="error", code="Forbidden.RAM")
    ana.types("/purge www.example.com hero")
    place.waits(minutes=1)
    assert len(place.purges_sent()) == 2
    assert "outcome unknown" in words(only_card(place))


def test_a_cdn_that_fails_for_an_hour_leaves_it_unknown(place: Town) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="error", code="InternalError", times=None)
    place.says("U0ANA", "/purge www.example.com hero")
    for _ in range(16):
        place.waits(minutes=5)
    assert "outcome unknown" in words(only_card(place))
    (note,) = notes(place)
    assert "nobody knows whether the CDN took it" in note


def test_a_day_without_quota_does_not_settle_what_an_earlier_try_did(
    place: Town, ana: Person
) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="error", code="InternalError")
    place.breaks(kind="error", code="QuotaExceeded.Refresh")
    ana.types("/purge www.example.com hero")
    place.waits(minutes=1)
    assert "quota is used up" in words(only_card(place))
    place.waits(hours=25)
    assert "outcome unknown" in words(only_card(place))


def test_cancelled_after_a_try_that_may_have_worked_it_promises_nothing(
    place: Town, ana: Person
) -> None:
    place.breaks(kind="error", code="InternalError", executed=True)
    ana.types("/purge www.example.com hero")
    ana.presses("purge:cancel", only_card(place))
    place.waits(seconds=3)
    assert "Purge cancelled: it is not tried again" in words(only_card(place))
    assert "nothing was purged" not in words(only_card(place)).lower()


def test_cancelled_after_a_plain_refusal_it_says_that_nothing_was_done(
    place: Town, ana: Person
) -> None:
    place.breaks(kind="error", code="Throttling.User")
    ana.types("/purge www.example.com hero")
    ana.presses("purge:cancel", only_card(place))
    place.waits(seconds=3)
    assert "Purge cancelled: nothing was purged" in words(only_card(place))


def test_a_try_that_the_cdn_may_have_carried_out_has_a_claim_to_the_task_as_well(
    place: Town,
) -> None:
    place.breaks(kind="error", code="InternalError", executed=True)
    place.breaks(kind="drop_before")
    for tag in ("hero", "logo"):
        place.says("U0ANA", f"/purge www.example.com {tag}")
    place.settle()
    place.waits(seconds=2)
    for _ in range(4):
        place.waits(minutes=1)
    assert sorted("outcome unknown" in words(card) for card in cards(place)) == [False, True]


def test_a_task_of_a_domain_whose_name_ends_alike_is_not_taken_for_it(
    place: Town, ana: Person, sam: Person
) -> None:
    place.post("cdn/settings", {"domains": ["www.example.com", "m.www.example.com"]})
    place.breaks(kind="drop_before")
    ana.types("/purge www.example.com hero")
    sam.types("/purge m.www.example.com hero")
    for _ in range(4):
        place.waits(minutes=1)
    assert "outcome unknown" in words(cards(place)[0])
