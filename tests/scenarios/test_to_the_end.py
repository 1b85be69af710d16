"""After submission: the card follows the task to its end, and never says more than is known."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from bot.demo.town import Town
from tests.support.conversation import Person
from tests.support.messages import buttons, cards, notes, only_card, whispers, words

ESCALATE = "purge:escalate"


def looks(place: Town) -> list[dict[str, Any]]:
    """Give the questions about tasks that reached the CDN."""
    asked = place.get("cdn/requests", {"action": "DescribeRefreshTaskById"})
    rows: list[dict[str, Any]] = asked["requests"]
    return rows


def test_the_card_moves_with_the_task(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"task_seconds": 100})
    ana.types("/purge www.example.com hero")
    assert "It is not complete yet" in words(only_card(place))
    seen = []
    for _ in range(12):
        place.waits(seconds=10)
        seen.append(words(only_card(place)))
    running = [card for card in seen if "Purge running at the CDN" in card]
    assert any("██" in card for card in running)
    assert "Purge complete" in seen[-1]
    assert "Took 1 min" in seen[-1]


def test_the_requester_is_mentioned_once_when_it_is_complete(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    assert notes(place) == []
    place.waits(minutes=2)
    place.waits(hours=2)
    (note,) = notes(place)
    assert note.startswith("<@U0ANA>, your purge of `www.example.com` is complete.")


@pytest.mark.parametrize("end", ["Failed", "Timeout", "Canceled"])
def test_a_task_that_ends_badly_has_failed_in_our_words(place: Town, ana: Person, end: str) -> None:
    place.post("cdn/settings", {"task_end": end, "task_description": "Origin Timeout sesame"})
    ana.types("/purge www.example.com hero")
    place.waits(minutes=2)
    card = words(only_card(place))
    assert "Purge failed: the CDN did not complete it" in card
    assert "cdn-task-failed" not in card
    assert "sesame" not in card
    assert "failed at the CDN" in notes(place)[-1]


def test_a_status_that_nobody_knows_is_no_end(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    (sent,) = place.purges_sent()
    place.post(f"cdn/tasks/{sent['task_id']}", {"status": "Refreshing", "process": "50%"})
    place.waits(minutes=30)
    assert "Purge running at the CDN" in words(only_card(place))
    assert notes(place) == []


def test_several_tasks_are_one_purge_that_ends_with_the_last(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"joined_ids": True})
    ana.types("/purge www.example.com hero")
    first, second = place.purges_sent()[0]["task_id"].split(",")
    place.post(f"cdn/tasks/{first}", {"status": "Complete", "process": "100%"})
    place.post(f"cdn/tasks/{second}", {"status": "Refreshing", "process": "0%"})
    place.waits(minutes=2)
    assert "50 %" in words(only_card(place))
    place.post(f"cdn/tasks/{second}", {"status": "Complete", "process": "100%"})
    place.waits(minutes=2)
    assert "Purge complete" in words(only_card(place))


@pytest.mark.parametrize("failed", [0, 1])
def test_of_several_tasks_one_that_failed_fails_the_purge_when_all_are_at_an_end(
    place: Town, ana: Person, failed: int
) -> None:
    place.post("cdn/settings", {"joined_ids": True})
    ana.types("/purge www.example.com hero")
    tasks = place.purges_sent()[0]["task_id"].split(",")
    place.post(f"cdn/tasks/{tasks[failed]}", {"status": "Failed"})
    place.post(f"cdn/tasks/{tasks[1 - failed]}", {"status": "Refreshing", "process": "50%"})
    place.waits(minutes=2)
    assert "Purge running at the CDN" in words(only_card(place))
    place.post(f"cdn/tasks/{tasks[1 - failed]}", {"status": "Complete", "process": "100%"})
    place.waits(minutes=2)
    assert "Purge failed: the CDN did not complete it" in words(only_card(place))
    assert "failed at the CDN" in notes(place)[-1]


def test_a_task_that_the_cdn_does_not_report_is_said_to_be_so(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    ana.types("/purge www.example.com hero")
    place.waits(minutes=11)
    assert "The CDN does not report its progress; it usually takes 5 to 6 minutes" in words(
        only_card(place)
    )
    (note,) = notes(place)
    assert "does not report its progress" in note


def test_it_is_looked_for_later_all_the_same_and_nobody_is_told_twice(
    place: Town, ana: Person
) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    ana.types("/purge www.example.com hero")
    place.waits(minutes=11)
    place.post("cdn/settings", {"knows_tag_tasks": True})
    place.waits(minutes=10)
    assert "Purge complete" in words(only_card(place))
    assert len(notes(place)) == 1


def test_what_was_never_reported_ends_after_three_days(place: Town, ana: Person) -> None:
    place.post("cdn/settings", {"knows_tag_tasks": False})
    ana.types("/purge www.example.com hero")
    for _ in range(40):
        place.waits(hours=2)
    assert "the CDN reported no end" in words(only_card(place))
    asked = len(looks(place))
    place.waits(days=2)
    assert len(looks(place)) == asked


def test_ten_tasks_are_one_question(place: Town, ana: Person) -> None:
    for number in range(10):
        ana.types(f"/purge www.example.com tag-{number}")
    place.waits(seconds=5)
    place.waits(seconds=1)
    assert len(looks(place)) <= 2


def test_a_question_that_the_cdn_does_not_answer_changes_nothing_and_is_asked_again(
    place: Town,
    ana: Person,
) -> None:
    ana.types("/purge www.example.com hero")
    place.breaks(kind="error", code="ServiceUnavailable", action="DescribeRefreshTaskById")
    place.waits(minutes=1)
    assert "Purge sent" in words(only_card(place))
    place.heals()
    place.waits(minutes=10)
    assert "Purge complete" in words(only_card(place))


def test_a_restart_in_between_loses_no_task(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    place.stop_bot()
    place.waits(minutes=5, settle=False)
    place.start_bot()
    place.settle()
    place.waits(seconds=3)
    assert "Purge complete" in words(only_card(place))
    assert len(notes(place)) == 1


def test_a_card_is_edited_at_most_every_two_seconds_and_the_last_state_arrives(
    place: Town,
    ana: Person,
) -> None:
    ana.types("/purge www.example.com hero")
    (sent,) = place.purges_sent()
    for percent in range(10, 100, 10):
        place.post(
            f"cdn/tasks/{sent['task_id']}", {"status": "Refreshing", "process": f"{percent}%"}
        )
        place.waits(seconds=5)
    place.post(f"cdn/tasks/{sent['task_id']}", {"status": "Complete", "process": "100%"})
    place.waits(minutes=1)
    times = [float(row["at"]) for row in only_card(place)["history"]]
    assert all(later - sooner >= 2 for sooner, later in pairwise(times[1:]))
    assert "Purge complete" in words(only_card(place))


# Still stale


def test_a_plain_purge_explains_what_it_keeps_and_offers_more(place: Town, ana: Person) -> None:
    ana.types("/purge www.example.com hero")
    place.waits(minutes=2)
    assert "the same `Last-Modified`" in words(only_card(place))
    assert buttons(only_card(place)) == ["Still stale? Request a forced purge"]


def test_what_is_offered_carries_everything_over_and_waits_like_any_other(
    place: Town, sam: Person, ana: Person
) -> None:
    ana.types('/purge www.example.com hero,logo --reason "new logo"')
    place.waits(minutes=2)
    ana.presses(ESCALATE, only_card(place))
    place.waits(seconds=2)
    first, second = cards(place)
    assert buttons(first) == []
    assert "<@U0ANA> asked for a forced purge" in words(first)
    assert "Forced purge waits for approval" in words(second)
    assert "`hero`, `logo`" in words(second)
    assert "new logo" in words(second)
    sam.approves(second)
    assert [sent["params"]["Force"] for sent in place.purges_sent()] == ["false", "true"]


def test_of_two_who_request_a_forced_purge_the_first_counts(
    place: Town, ana: Person, sam: Person
) -> None:
    ana.types("/purge www.example.com hero")
    place.waits(minutes=2)
    card = only_card(place)
    place.presses("U0ANA", ESCALATE, card)
    place.presses("U0SAM", ESCALATE, card)
    place.settle()
    place.waits(seconds=2)
    first, _ = cards(place)
    assert "<@U0ANA> asked for a forced purge" in words(first)
    assert "Too late" in whispers(place, "U0SAM")[-1]


def test_whoever_may_not_force_is_refused_and_the_offer_stays(
    place: Town, leo: Person, ana: Person
) -> None:
    ana.types("/purge www.example.com hero")
    place.waits(minutes=2)
    leo.presses(ESCALATE, only_card(place))
    assert len(cards(place)) == 1
    assert buttons(only_card(place)) == ["Still stale? Request a forced purge"]


def test_a_forced_purge_has_nothing_more_to_offer(place: Town, sam: Person, ana: Person) -> None:
    ana.types("/purge www.example.com hero --force")
    sam.approves(only_card(place))
    place.waits(minutes=2)
    assert "Forced purge complete" in words(only_card(place))
    assert buttons(only_card(place)) == []
