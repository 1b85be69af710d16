"""A card that was deleted: whoever has to decide finds another, and nobody else is bothered."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import (
    APPROVE,
    DENY,
    buttons,
    cards,
    notes_below,
    only_card,
    whispers,
    words,
)
from tests.support.policies import LEADS_APPROVE, WithPolicy

CANCEL = "purge:cancel"
IN_OPS = """
  - approval: SRE are called where they are
    domains: [www.example.com]
    count: 1
    call: {channel: C0OPS}
"""


def deletes(place: Town, card: dict[str, Any], channel: str = "C0WEB") -> None:
    """Let whoever may delete messages of apps do so."""
    workspace = place.slack.workspace
    message = workspace.find_message(channel, card["ts"])
    assert message is not None
    workspace.delete(message)


def goes_on(place: Town, seconds: int, every: int = 5) -> None:
    for _ in range(seconds // every):
        place.waits(seconds=every)


# While somebody has to decide


def test_the_reminder_calls_people_to_a_card_that_is_there(place: Town, ana: Person) -> None:
    deletes(place, ana.purges("www.example.com hero --force"))
    place.waits(minutes=16)
    goes_on(place, 20)
    card = only_card(place)
    assert "Approve" in buttons(card)
    (reminder,) = notes_below(place)[card["ts"]]
    assert "still waits" in words(reminder)
    goes_on(place, 60)
    assert len(cards(place)) == 1, "it is posted anew once"


def test_what_is_decided_on_the_new_card_is_shown_on_it(place: Town, ana: Person) -> None:
    deletes(place, ana.purges("www.example.com hero --force"))
    place.waits(minutes=16)
    goes_on(place, 10)
    place.presses("U0SAM", APPROVE, only_card(place))
    goes_on(place, 200)
    card = only_card(place)
    assert "Forced purge complete" in words(card)
    assert "is complete" in words(notes_below(place)[card["ts"]][-1])
    assert len(place.purges_sent()) == 1


def test_a_card_that_is_there_is_not_posted_again(place: Town, ana: Person) -> None:
    ts = ana.purges("www.example.com hero --force")["ts"]
    place.waits(minutes=16)
    goes_on(place, 60)
    assert only_card(place)["ts"] == ts


def test_also_where_people_are_called_in_a_channel_of_their_own(with_policy: WithPolicy) -> None:
    place = with_policy(IN_OPS)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    deletes(place, only_card(place, "U0KIM", "C0OPS"), "C0OPS")
    place.waits(minutes=16)
    goes_on(place, 20)
    card = only_card(place, "U0KIM", "C0OPS")
    assert "still waits" in words(notes_below(place, "U0KIM", "C0OPS")[card["ts"]][0])
    place.presses("U0KIM", APPROVE, card, "C0OPS")
    goes_on(place, 10)
    assert "Task `" in words(only_card(place, "U0KIM", "C0OPS"))
    assert "Task `" in words(only_card(place))


def test_a_vote_that_changes_the_card_finds_it_gone(with_policy: WithPolicy) -> None:
    place = with_policy(IN_OPS.replace("count: 1", "count: 2"))
    deletes(place, Person(place, "U0ANA").purges("www.example.com hero --force"))
    place.presses("U0KIM", APPROVE, only_card(place, "U0KIM", "C0OPS"), "C0OPS")
    goes_on(place, 10)
    assert "Approved 1 of 2" in words(only_card(place))


@pytest.mark.parametrize("why", ["cant_update_message", "edit_window_closed"])
def test_a_card_that_can_never_be_edited_again_is_posted_anew(
    place: Town, ana: Person, why: str
) -> None:
    ana.purges("www.example.com hero --force")
    no = {"method": "chat.update", "error": why, "times": 1}
    place.post("slack/faults", {"web_api": [no]})
    place.presses("U0SAM", APPROVE, only_card(place))
    goes_on(place, 10)
    assert "Task `" in words(cards(place)[-1])
    assert cards(place, "U0ANA", "D0ANABOT") == []


def test_two_restarts_later_it_is_still_one_card(place: Town, ana: Person) -> None:
    deletes(place, ana.purges("www.example.com hero --force"))
    place.stop_bot()
    place.waits(minutes=16)
    place.start_bot()
    goes_on(place, 10)
    place.stop_bot()
    place.start_bot()
    goes_on(place, 30)
    assert "Approve" in buttons(only_card(place))


def test_the_answer_to_the_new_card_may_get_lost(place: Town, ana: Person) -> None:
    deletes(place, ana.purges("www.example.com hero --force"))
    place.post("slack/faults", {"lose_reply_of": "chat.postMessage"})
    place.waits(minutes=16)
    goes_on(place, 30)
    assert "Approve" in buttons(only_card(place))


# When it goes on, and afterwards


def test_progress_brings_no_card_back_and_the_end_does_once(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"task_seconds": 90})
    deletes(place, ana.purges("www.example.com hero"))
    goes_on(place, 60)
    assert cards(place) == []
    goes_on(place, 90)
    assert "Purge complete" in words(only_card(place))
    assert "is complete" in words(cards(place, "U0ANA", "D0ANABOT")[-1])


def test_what_nobody_knows_comes_back_for_somebody_to_decide(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="error", code="Throttling.User", times=1)
    card = ana.purges("www.example.com hero")
    assert "held" in words(card)
    deletes(place, card)
    place.breaks(kind="lose_answer", times=1)
    goes_on(place, 200)
    assert "Leave it" in buttons(only_card(place))


def test_a_card_deleted_after_the_end_stays_deleted(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    goes_on(place, 120)
    done = only_card(place)
    assert "Purge complete" in words(done)
    place.says("U0SAM", "/purge www.example.com hero --force", "C0OPS")
    deletes(place, done)
    goes_on(place, 3600, every=120)
    assert cards(place) == []


def test_nobody_is_reminded_where_it_was_decided_meanwhile(with_policy: WithPolicy) -> None:
    place = with_policy(IN_OPS)
    deletes(place, Person(place, "U0ANA").purges("www.example.com hero --force"))
    place.presses("U0KIM", APPROVE, only_card(place, "U0KIM", "C0OPS"), "C0OPS")
    place.waits(minutes=16)
    goes_on(place, 20)
    assert "still waits" not in str([notes_below(place), notes_below(place, "U0KIM", "C0OPS")])


# /purge status


def status(place: Town, person: str, purge_id: str, channel: str = "C0WEB") -> dict[str, Any]:
    Person(place, person, channel).types(f"/purge status {purge_id}")
    return [seen for seen in place.sees(person, channel) if seen["ephemeral"]][-1]


def id_of(card: dict[str, Any]) -> str:
    return words(card).rpartition("Purge `")[2].partition("`")[0]


def test_who_may_decide_can_do_so_where_they_ask(place: Town, ana: Person) -> None:
    card = ana.purges("www.example.com hero --force")
    deletes(place, card)
    answer = status(place, "U0SAM", id_of(card))
    assert buttons(answer) == ["Approve", "Deny"]
    place.presses("U0SAM", APPROVE, answer)
    goes_on(place, 10)
    assert len(place.purges_sent()) == 1
    assert "Approved by <@U0SAM>" in words(only_card(place))


def test_the_answer_then_says_what_became_of_it(place: Town, sam: Person, ana: Person) -> None:
    answer = status(place, "U0SAM", id_of(ana.purges("www.example.com hero --force")))
    sam.approves(answer)
    told = [seen for seen in place.sees("U0SAM") if seen["ephemeral"]]
    assert len(told) == 1
    assert buttons(told[0]) == []
    assert "Approved by <@U0SAM>" in words(told[0])
    assert "Approved by <@U0SAM>" in words(only_card(place))


def test_a_denial_there_takes_a_reason_as_everywhere(place: Town, ana: Person) -> None:
    answer = status(place, "U0SAM", id_of(ana.purges("www.example.com hero --force")))
    place.denies("U0SAM", answer, "the match is on")
    place.settle()
    assert "the match is on" in words(only_card(place))
    told = [seen for seen in place.sees("U0SAM") if seen["ephemeral"]]
    assert [buttons(seen) for seen in told] == [[]]
    assert place.purges_sent() == []


@pytest.mark.parametrize("person", ["U0ANA", "U0ADA"])
def test_who_may_see_it_and_not_decide_sees_no_buttons(
    place: Town, ana: Person, person: str
) -> None:
    place.post("slack/join", {"channel": "C0WEB", "user": person})
    answer = status(place, person, id_of(ana.purges("www.example.com hero --force")))
    assert "waits for approval" in words(answer)
    assert buttons(answer) == []


def test_who_may_neither_see_nor_decide_hears_of_nothing(place: Town, ana: Person) -> None:
    answer = status(place, "U0LEO", id_of(ana.purges("www.example.com hero --force")))
    assert "I know no purge" in words(answer)
    assert buttons(answer) == []


def test_who_may_decide_sees_what_waits_for_them_whatever_else_they_may_see(
    with_policy: WithPolicy,
) -> None:
    place = with_policy(roles=LEADS, rules=LEADS_APPROVE)
    card = Person(place, "U0ANA").purges("www.example.com hero --force")
    answer = status(place, "U0LEO", id_of(card))
    assert buttons(answer) == ["Approve", "Deny"]
    place.presses("U0LEO", APPROVE, answer)
    goes_on(place, 10)
    assert len(place.purges_sent()) == 1
    assert "I know no purge" in words(status(place, "U0LEO", id_of(card)))


LEADS = """
  leads:
    title: Leads
    users: [U0LEO]
"""


def test_the_requester_sees_none_even_if_they_could_decide_for_others(
    place: Town, sam: Person
) -> None:
    sam.types("/purge www.example.com hero --force")
    purge_id = id_of(only_card(place))
    assert buttons(status(place, "U0SAM", purge_id)) == []
    assert buttons(status(place, "U0KIM", purge_id)) == ["Approve", "Deny"]


def test_who_has_said_yes_is_not_asked_again(with_policy: WithPolicy) -> None:
    place = with_policy(IN_OPS.replace("count: 1", "count: 2"))
    purge_id = id_of(Person(place, "U0ANA").purges("www.example.com hero --force"))
    place.presses("U0SAM", APPROVE, status(place, "U0SAM", purge_id))
    goes_on(place, 10)
    assert "Approved 1 of 2" in words(only_card(place))
    assert buttons(status(place, "U0SAM", purge_id)) == ["Deny"]
    assert buttons(status(place, "U0KIM", purge_id)) == ["Approve", "Deny"]


def test_nothing_is_to_be_decided_any_more_once_it_is(
    place: Town, kim: Person, ana: Person
) -> None:
    card = ana.purges("www.example.com hero --force")
    answer = status(place, "U0KIM", id_of(card))
    place.presses("U0SAM", APPROVE, card)
    goes_on(place, 10)
    assert buttons(status(place, "U0KIM", id_of(card))) == []
    kim.approves(answer)
    assert "Too late" in whispers(place, "U0KIM")[-1]
    assert len(place.purges_sent()) == 1


def test_rights_are_looked_at_again_at_the_press(place: Town, sam: Person, ana: Person) -> None:
    answer = status(place, "U0SAM", id_of(ana.purges("www.example.com hero --force")))
    place.post("slack/person", {"id": "U0SAM", "groups": []})
    sam.approves(answer)
    assert place.purges_sent() == []
    assert "may not decide" in whispers(place, "U0SAM")[-1]


@pytest.mark.parametrize("action", [APPROVE, DENY])
def test_it_works_where_the_bot_is_no_member_and_leaves_the_card_where_it_was(
    place: Town, ana: Person, action: str
) -> None:
    ana.at("C0RANDOM").types("/purge www.example.com hero --force")
    card = only_card(place, "U0SAM", "C0RANDOM")
    answer = status(place, "U0SAM", id_of(card), "C0RANDOM")
    if action == APPROVE:
        place.presses("U0SAM", APPROVE, answer, "C0RANDOM")
    else:
        place.denies("U0SAM", answer, "the match is on", "C0RANDOM")
    goes_on(place, 10)
    first, last = cards(place, "U0ANA", "C0RANDOM")
    assert first["ts"] == card["ts"]
    assert ("sent: the CDN has taken it" if action == APPROVE else "denied") in words(last)


@pytest.mark.parametrize("action", [APPROVE, DENY, "form"])
def test_who_comes_too_late_with_an_answer_sees_in_it_what_became_of_it(
    place: Town, kim: Person, ana: Person, action: str
) -> None:
    card = ana.purges("www.example.com hero --force")
    answer = status(place, "U0KIM", id_of(card))
    deletes(place, card)
    if action == "form":
        kim.presses(DENY, answer)
    place.presses("U0SAM", APPROVE, status(place, "U0SAM", id_of(card)))
    goes_on(place, 5)
    if action == "form":
        place.sends_form("U0KIM", "the match is on")
    else:
        place.presses("U0KIM", action, answer)
    place.settle()
    shown, told = [seen for seen in place.sees("U0KIM") if seen["ephemeral"]]
    assert buttons(shown) == []
    assert "Approved by <@U0SAM>" in words(shown)
    assert "Too late" in words(told)
