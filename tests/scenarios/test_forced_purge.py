"""A forced purge waits for somebody else's yes."""

from __future__ import annotations

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import APPROVE, DENY, buttons, notes, only_card, whispers, words
from tests.support.waiting import until

FORCED = 'www.example.com hero --force --reason "new campaign"'
GROUPS_AWAY = {
    "web_api": [{"method": "usergroups.users.list", "error": "internal_error", "times": 99}]
}


def test_a_forced_purge_waits_with_buttons_and_says_what_force_does(
    place: Town, ana: Person
) -> None:
    card = ana.purges(FORCED)
    assert "waits for approval" in words(card)
    assert "That can overload it" in words(card)
    assert "new campaign" in words(card)
    assert buttons(card) == ["Approve", "Deny", "Cancel (requester only)"]
    assert place.purges_sent() == []


def test_approved_by_somebody_else_it_is_sent_and_the_card_names_them(
    place: Town, sam: Person, ana: Person
) -> None:
    sam.approves(ana.purges(FORCED))
    (sent,) = place.purges_sent()
    assert sent["params"]["Force"] == "true"
    card = only_card(place)
    assert "Approved by <@U0SAM>" in words(card)
    assert sent["task_id"] in words(card)
    assert buttons(card) == []


def test_its_card_goes_from_waiting_to_the_outcome_without_an_edit_between(
    place: Town, sam: Person, ana: Person
) -> None:
    sam.approves(ana.purges(FORCED))
    place.waits(seconds=1)
    assert "sent: the CDN has taken it" in words(only_card(place))
    assert edits(place) == 1


def test_where_the_cdn_takes_long_the_card_says_meanwhile_that_it_is_approved(
    live_place: Town,
) -> None:
    card = Person(live_place, "U0ANA").purges(FORCED)
    live_place.breaks(kind="slow_answer", seconds=2, action="RefreshObjectCacheByCacheTag")
    live_place.presses("U0SAM", APPROVE, card)
    assert live_place.bot is not None
    live_place.bot.worker.start()
    until(live_place, lambda: "sending to the CDN" in words(only_card(live_place)))
    assert "Approved by <@U0SAM>" in words(only_card(live_place))


def test_that_of_a_denied_one_is_edited_at_once(place: Town, ana: Person) -> None:
    place.denies(
        "U0SAM",
        ana.purges(FORCED),
        "the match is on",
    )
    place.settle()
    assert edits(place) == 1


def edits(place: Town) -> int:
    """How often the bot has edited a card."""
    return len(place.get("slack/calls", {"method": "chat.update"})["calls"])


def test_denied_it_purges_nothing_and_the_card_names_who_denied(place: Town, ana: Person) -> None:
    place.denies(
        "U0SAM",
        ana.purges(FORCED),
        "the match is on",
    )
    place.settle()
    assert place.purges_sent() == []
    assert "Denied by <@U0SAM>" in words(only_card(place))
    assert "Why it was denied:\nthe match is on" in words(only_card(place))
    assert "denied by <@U0SAM>. Nothing was purged.\nWhy:\nthe match is on" in notes(place)[-1]


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
def test_others_may_not_approve_and_are_told_why(
    place: Town, ana: Person, person: str, says: str
) -> None:
    Person(place, person).approves(ana.purges(FORCED))
    assert place.purges_sent() == []
    assert "waits for approval" in words(only_card(place))
    (told,) = whispers(place, person)
    assert says in told
    assert "<!subteam^S0SRE>" in told


def test_a_requester_who_may_approve_may_still_not_approve_their_own(
    place: Town, sam: Person
) -> None:
    sam.types("/purge www.example.com hero --force")
    sam.approves(only_card(place))
    assert place.purges_sent() == []
    assert "your own request" in whispers(place, "U0SAM")[-1]


def test_of_two_presses_the_first_counts_and_the_second_is_told_so(
    place: Town, kim: Person, ana: Person
) -> None:
    card = ana.purges(FORCED)
    place.presses("U0SAM", APPROVE, card)
    kim.presses(DENY, card)
    assert len(place.purges_sent()) == 1
    assert "Too late" in whispers(place, "U0KIM")[-1]


def test_a_press_delivered_twice_counts_once(place: Town, sam: Person, ana: Person) -> None:
    card = ana.purges(FORCED)
    place.post("slack/faults", {"deliver_twice": True})
    sam.approves(card)
    assert len(place.purges_sent()) == 1
    assert whispers(place, "U0SAM") == []


def test_unanswered_it_expires_and_the_card_says_so(place: Town, ana: Person) -> None:
    ana.purges(FORCED)
    place.waits(minutes=31)
    assert "expired" in words(only_card(place))
    assert buttons(only_card(place)) == []
    assert place.purges_sent() == []


def test_a_press_after_the_expiry_is_late_even_before_the_card_says_so(
    place: Town, sam: Person, ana: Person
) -> None:
    card = ana.purges(FORCED)
    place.waits(minutes=31, settle=False)
    sam.approves(card)
    assert place.purges_sent() == []
    assert "expired" in words(only_card(place))
    assert "Too late" in whispers(place, "U0SAM")[-1]


def test_just_before_its_expiry_it_can_still_be_approved(
    place: Town, sam: Person, ana: Person
) -> None:
    card = ana.purges(FORCED)
    place.waits(minutes=29)
    sam.approves(card)
    (sent,) = place.purges_sent()
    assert sent["task_id"] in words(only_card(place))


def test_a_waiting_card_works_after_a_restart(place: Town, sam: Person, ana: Person) -> None:
    card = ana.purges(FORCED)
    place.stop_bot()
    place.start_bot()
    sam.approves(card)
    assert len(place.purges_sent()) == 1
    assert "Approved by <@U0SAM>" in words(only_card(place))


def test_a_request_that_expired_while_the_bot_was_down_is_put_right_at_start(
    place: Town, ana: Person
) -> None:
    ana.purges(FORCED)
    place.stop_bot()
    place.waits(minutes=40)
    place.start_bot()
    place.settle()
    assert "expired" in words(only_card(place))


def test_stale_groups_never_approve_a_forced_purge(place: Town, sam: Person, ana: Person) -> None:
    card = ana.purges(FORCED)
    place.post("slack/faults", GROUPS_AWAY)
    place.waits(minutes=2)
    sam.approves(card)
    place.waits(minutes=2)
    assert place.purges_sent() == []
    assert "press-rights-unknown" in whispers(place, "U0SAM")[-1]


def test_stale_groups_still_serve_a_plain_purge_for_a_while(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    place.post("slack/faults", GROUPS_AWAY)
    place.waits(minutes=5)
    ana.types("/purge www.example.com banner")
    assert len(place.purges_sent()) == 2


def test_a_forced_purge_works_in_a_channel_without_the_bot(
    place: Town, ana: Person, sam: Person
) -> None:
    ana.at("C0LAUNCH").types("/purge www.example.com hero --force")
    sam.at("C0LAUNCH").approves(only_card(place, "U0SAM", "C0LAUNCH"))
    card = words(only_card(place, "U0ANA", "C0LAUNCH"))
    assert "Approved by <@U0SAM>" in card
    assert place.purges_sent()[0]["task_id"] in card
