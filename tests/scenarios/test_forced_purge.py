"""A forced purge waits for somebody else's yes."""

from __future__ import annotations

from typing import Any

import pytest

from bot.playground.town import Town
from tests.talk import APPROVE, DENY, buttons, notes, only_card, whispers, words

GROUPS_AWAY = {
    "web_api": [{"method": "usergroups.users.list", "error": "internal_error", "times": 99}]
}


def ask_for_force(place: Town) -> dict[str, Any]:
    place.says("U0ANA", '/purge www.example.com hero --force --reason "new campaign"')
    place.settle()
    return only_card(place)


def test_a_forced_purge_waits_with_buttons_and_says_what_force_does(place: Town) -> None:
    card = ask_for_force(place)
    assert "waits for approval" in words(card)
    assert "overload the origin" in words(card)
    assert "new campaign" in words(card)
    assert buttons(card) == ["Approve", "Deny", "Cancel request"]
    assert place.purges_sent() == []


def test_approved_by_somebody_else_it_is_sent_and_the_card_names_them(place: Town) -> None:
    place.presses("U0SAM", APPROVE, ask_for_force(place))
    place.settle()
    (sent,) = place.purges_sent()
    assert sent["params"]["Force"] == "true"
    card = only_card(place)
    assert "Approved by <@U0SAM>" in words(card)
    assert sent["task_id"] in words(card)
    assert buttons(card) == []


def test_its_card_goes_from_waiting_to_the_outcome_without_an_edit_between(place: Town) -> None:
    sam_approves_at_once(place)
    assert edits_due(place) == 0
    place.settle()
    assert "submitted" in words(only_card(place))


def test_where_the_cdn_takes_long_the_card_says_meanwhile_that_it_is_approved(place: Town) -> None:
    sam_approves_at_once(place)
    place.waits(seconds=1, settle=False)
    assert edits_due(place) == 1


def test_that_of_a_denied_one_is_edited_at_once(place: Town) -> None:
    place.denies("U0SAM", ask_for_force(place), "the match is on")
    assert edits_due(place) == 1


def sam_approves_at_once(place: Town) -> None:
    """Let Sam, of whom the bot knows enough to decide at the press, approve a forced purge."""
    card = ask_for_force(place)
    place.presses("U0SAM", DENY, card)  # the form that it opens is not sent
    place.settle()
    place.presses("U0SAM", APPROVE, card)


def edits_due(place: Town) -> int:
    """How many cards the bot would edit at this moment, if it did nothing else."""
    assert place.bot is not None
    return place.bot.store.census.queues(place.now())["edits"].waiting


def test_denied_it_purges_nothing_and_the_card_names_who_denied(place: Town) -> None:
    place.denies("U0SAM", ask_for_force(place), "the match is on")
    place.settle()
    assert place.purges_sent() == []
    assert "Denied by <@U0SAM>" in words(only_card(place))
    assert "*Why it was denied:* the match is on" in words(only_card(place))
    assert "denied by <@U0SAM>: “the match is on”" in notes(place)[-1]


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ("U0ANA", "your own request"),
        ("U0LEO", "may not decide"),
        ("U0GUS", "may not decide"),
        ("U0EVE", "may not decide"),
    ],
    ids=["requester", "without the right", "guest", "other workspace"],
)
def test_others_may_not_approve_and_are_told_why(place: Town, person: str, says: str) -> None:
    place.presses(person, APPROVE, ask_for_force(place))
    place.settle()
    assert place.purges_sent() == []
    assert "waits for approval" in words(only_card(place))
    (told,) = whispers(place, person)
    assert says in told
    assert "<!subteam^S0SRE>" in told


def test_a_requester_who_may_approve_may_still_not_approve_their_own(place: Town) -> None:
    place.says("U0SAM", "/purge www.example.com hero --force")
    place.settle()
    place.presses("U0SAM", APPROVE, only_card(place))
    place.settle()
    assert place.purges_sent() == []
    assert "your own request" in whispers(place, "U0SAM")[-1]


def test_of_two_presses_the_first_counts_and_the_second_is_told_so(place: Town) -> None:
    card = ask_for_force(place)
    place.presses("U0SAM", APPROVE, card)
    place.presses("U0KIM", DENY, card)
    place.settle()
    assert len(place.purges_sent()) == 1
    assert "Too late" in whispers(place, "U0KIM")[-1]


def test_a_press_delivered_twice_counts_once(place: Town) -> None:
    card = ask_for_force(place)
    place.post("slack/faults", {"deliver_twice": True})
    place.presses("U0SAM", APPROVE, card)
    place.settle()
    assert len(place.purges_sent()) == 1
    assert whispers(place, "U0SAM") == []


def test_unanswered_it_expires_and_the_card_says_so(place: Town) -> None:
    ask_for_force(place)
    place.waits(minutes=31)
    assert "expired" in words(only_card(place))
    assert buttons(only_card(place)) == []
    assert place.purges_sent() == []


def test_a_press_after_the_expiry_is_late_even_before_the_card_says_so(place: Town) -> None:
    card = ask_for_force(place)
    place.waits(minutes=31, settle=False)
    place.presses("U0SAM", APPROVE, card)
    place.settle()
    assert place.purges_sent() == []
    assert "expired" in words(only_card(place))
    assert "Too late" in whispers(place, "U0SAM")[-1]


def test_just_before_its_expiry_it_can_still_be_approved(place: Town) -> None:
    card = ask_for_force(place)
    place.waits(minutes=29)
    place.presses("U0SAM", APPROVE, card)
    place.settle()
    (sent,) = place.purges_sent()
    assert sent["task_id"] in words(only_card(place))


def test_a_waiting_card_works_after_a_restart(place: Town) -> None:
    card = ask_for_force(place)
    place.stop_bot()
    place.start_bot()
    place.presses("U0SAM", APPROVE, card)
    place.settle()
    assert len(place.purges_sent()) == 1
    assert "Approved by <@U0SAM>" in words(only_card(place))


def test_a_request_that_expired_while_the_bot_was_down_is_put_right_at_start(place: Town) -> None:
    ask_for_force(place)
    place.stop_bot()
    place.waits(minutes=40)
    place.start_bot()
    place.settle()
    assert "expired" in words(only_card(place))


def test_stale_groups_never_approve_a_forced_purge(place: Town) -> None:
    card = ask_for_force(place)
    place.post("slack/faults", GROUPS_AWAY)
    place.waits(minutes=2)
    place.presses("U0SAM", APPROVE, card)
    place.settle()
    place.waits(minutes=2)
    assert place.purges_sent() == []
    assert "press-rights-unknown" in whispers(place, "U0SAM")[-1]


def test_stale_groups_still_serve_a_plain_purge_for_a_while(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero")
    place.settle()
    place.post("slack/faults", GROUPS_AWAY)
    place.waits(minutes=5)
    place.says("U0ANA", "/purge www.example.com banner")
    place.settle()
    assert len(place.purges_sent()) == 2


def test_a_forced_purge_works_in_a_channel_without_the_bot(place: Town) -> None:
    place.says("U0ANA", "/purge www.example.com hero --force", "C0LAUNCH")
    place.settle()
    place.presses("U0SAM", APPROVE, only_card(place, "U0SAM", "C0LAUNCH"), "C0LAUNCH")
    place.settle()
    card = words(only_card(place, "U0ANA", "C0LAUNCH"))
    assert "Approved by <@U0SAM>" in card
    assert place.purges_sent()[0]["task_id"] in card
