"""/purge status, history and quota: who is told what, and what when something is away."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from bot.config.settings import Mode
from bot.core.decisions.transition import Transition
from bot.core.purge.purge import Event
from bot.demo.town import Town
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.http_door import http_door
from tests.support.messages import buttons, cards, only_card, whispers, words
from tests.support.policies import WithPolicy

NEWER, OLDER = "history:newer", "history:older"


def card_id(card: dict[str, Any]) -> str:
    return words(card).rpartition("Purge `")[2].partition("`")[0]


def page(place: Town, person: str = "U0SAM") -> dict[str, Any]:
    """Give the newest thing that this person alone sees."""
    return [seen for seen in place.sees(person) if seen["ephemeral"]][-1]


def tags(message: dict[str, Any]) -> list[str]:
    """Give the first tag of each purge of the list."""
    told = [block["text"]["text"] for block in message["blocks"] if block["type"] == "section"]
    return [re.findall("`([^`]*)`", lines)[1] for lines in told[1:]]


def turns(place: Town, action_id: str, person: str = "U0SAM") -> dict[str, Any]:
    Person(place, person).presses(action_id, page(place, person))
    return page(place, person)


@pytest.fixture
def busy(place: Town) -> Town:
    """Give a town in which Sam has purged 25 tags, t00 to t24, a minute each."""
    for number in range(25):
        place.says("U0SAM", f"/purge www.example.com t{number:02}", "C0OPS")
        place.waits(minutes=1)
    return place


# Status


def test_a_requester_is_told_what_became_of_their_purge(ana: Person) -> None:
    purge = card_id(ana.purges("www.example.com hero"))
    told = ana.asks(f"status {purge}")
    assert "Purge sent" in told
    assert "`hero`" in told
    assert f"`{purge}`" in told
    assert "in <#C0WEB>" in told


def test_a_purge_is_found_by_the_cdns_task_as_well(place: Town, ana: Person, sam: Person) -> None:
    purge = card_id(ana.purges("www.example.com hero"))
    (sent,) = place.purges_sent()
    assert f"`{purge}`" in sam.asks(f"status {sent['task_id']}")


def test_only_the_asker_reads_the_answer(place: Town, ana: Person, sam: Person) -> None:
    purge = card_id(ana.purges("www.example.com hero"))
    sam.asks(f"status {purge}")
    assert whispers(place, "U0ANA") == []
    assert len(cards(place)) == 1


def test_one_who_may_not_see_a_purge_is_told_no_more_than_of_one_that_is_not(
    place: Town, ada: Person, ana: Person, sam: Person
) -> None:
    purge = card_id(sam.purges("shop.example.com hero"))
    (sent,) = place.purges_sent()
    unknown = ana.asks("status P0000000000000")
    assert "know no purge" in unknown
    assert "<!subteam^S0SRE>" in unknown
    for real in (purge, sent["task_id"]):
        told = ana.asks(f"status {real}")
        assert told == unknown.replace("P0000000000000", real)
    assert "sent: the CDN has taken it" in ada.asks(f"status {purge}")


def test_a_purge_of_ones_own_is_seen_without_a_right_to_see_others(
    leo: Person, sam: Person
) -> None:
    own = card_id(leo.purges("www.example.com campaign-spring"))
    other = card_id(sam.purges("www.example.com campaign-spring"))
    assert "sent: the CDN has taken it" in leo.asks(f"status {own}")
    assert "know no purge" in leo.asks(f"status {other}")


def test_a_refusal_of_ones_own_can_be_asked_about(place: Town, ana: Person) -> None:
    ana.types("/purge shop.example.com hero")
    purge = whispers(place, "U0ANA")[-1].partition("Purge `")[2].partition("`")[0]
    assert "refused" in ana.asks(f"status {purge}")


def test_a_right_that_is_lost_shows_nothing_any_more(place: Town, ana: Person, sam: Person) -> None:
    purge = card_id(sam.purges("www.example.com hero"))
    assert "sent: the CDN has taken it" in ana.asks(f"status {purge}")
    place.post("slack/person", {"id": "U0ANA", "groups": []})
    place.waits(minutes=2)
    assert "know no purge" in ana.asks(f"status {purge}")


@pytest.mark.parametrize(("asker", "offered"), [("U0SAM", ["Approve", "Deny"]), ("U0ANA", [])])
def test_a_status_that_waits_has_buttons_for_its_deciders_and_leaves_the_card_alone(
    place: Town, ana: Person, asker: str, offered: list[str]
) -> None:
    purge = card_id(ana.purges("www.example.com hero --force"))
    before = only_card(place)
    assert "waits for approval" in Person(place, asker).asks(f"status {purge}")
    assert buttons(page(place, asker)) == offered
    assert only_card(place) == before


def test_facts_at_hand_answer_in_the_acknowledgement_itself(place: Town, ana: Person) -> None:
    purge = card_id(ana.purges("www.example.com hero"))
    place.says("U0ANA", f"/purge status {purge}")  # and the worker does nothing
    assert "sent: the CDN has taken it" in whispers(place, "U0ANA")[-1]


def test_facts_not_at_hand_are_found_out_and_the_question_survives_a_crash(
    place: Town, ana: Person
) -> None:
    purge = card_id(ana.purges("www.example.com hero"))
    place.waits(minutes=5)
    place.says("U0ANA", f"/purge status {purge}")
    assert whispers(place, "U0ANA") == []
    place.stop_bot()
    place.start_bot()
    place.settle()
    assert "complete" in whispers(place, "U0ANA")[-1]


def test_a_question_of_somebody_whom_slack_will_not_name_is_answered_so(
    place: Town, ana: Person
) -> None:
    place.post("slack/faults", {"web_api": [{"error": "http_500", "times": None}]})
    ana.types("/purge history")
    assert whispers(place, "U0ANA") == []
    place.waits(minutes=2)
    assert "Slack did not tell me" in whispers(place, "U0ANA")[-1]


@pytest.mark.parametrize("question", ["status P0000000000000", "history", "quota"])
def test_a_guest_is_told_nothing(place: Town, sam: Person, question: str) -> None:
    place.post("slack/person", {"id": "U0GUS", "groups": ["S0SRE"]})
    sam.purges("www.example.com hero")
    for _ in range(2):  # with the facts about the guest not at hand, and at hand
        told = Person(place, "U0GUS").asks(question)
        assert "Only full members" in told
        assert "hero" not in told


@pytest.mark.parametrize("question", ["status", "status last", "status latest"])
def test_the_status_of_the_latest_is_that_of_ones_own(
    place: Town, ana: Person, sam: Person, question: str
) -> None:
    ana.purges("www.example.com hero")
    place.waits(seconds=10)
    own = card_id(ana.purges("www.example.com banner"))
    place.waits(seconds=10)
    sam.purges("www.example.com logo")
    told = ana.asks(question)
    assert f"`{own}`" in told
    assert "`banner`" in told
    assert "logo" not in told


def test_who_has_purged_nothing_is_told_so_and_shown_nobody_elses(kim: Person, sam: Person) -> None:
    sam.purges("www.example.com hero")
    told = kim.asks("status")
    assert "You have not asked for a purge yet" in told
    assert "hero" not in told


def test_a_guest_is_told_of_no_latest_purge(place: Town) -> None:
    assert "Only full members" in Person(place, "U0GUS").asks("status")


# What waits


def test_what_waits_for_approval_is_listed_for_those_who_may_see_it(
    place: Town, ana: Person, kim: Person, leo: Person, sam: Person
) -> None:
    ana.purges("www.example.com done")
    first = card_id(ana.purges("www.example.com hero --force"))
    place.waits(seconds=10)
    second = card_id(sam.purges("docs.example.org hero --force"))
    told = kim.asks("pending")
    assert "wait for approval" in told
    assert told.index(second) < told.index(first)
    assert "done" not in told
    assert second not in ana.asks("pending")
    assert first in whispers(place, "U0ANA")[-1]
    assert "Nothing waits" in leo.asks("pending")


def test_what_is_decided_or_expired_waits_no_longer(place: Town, ana: Person, sam: Person) -> None:
    ana.purges("www.example.com hero --force")
    assert "hero" in sam.asks("pending")
    place.waits(minutes=31)
    assert "Nothing waits" in sam.asks("waiting")


def test_of_many_that_wait_the_newest_are_shown_and_the_others_counted(
    place: Town, kim: Person
) -> None:
    for number in range(12):
        place.says(
            "U0SAM" if number % 2 else "U0ANA", f"/purge www.example.com t{number:02} --force"
        )
        place.waits(minutes=1)
    told = kim.asks("pending")
    assert tags(page(place, "U0KIM")) == [f"t{number:02}" for number in range(11, 1, -1)]
    assert "And 2 more" in told


def test_a_guest_is_told_nothing_of_what_waits(place: Town, ana: Person) -> None:
    ana.purges("www.example.com hero --force")
    told = Person(place, "U0GUS").asks("pending")
    assert "Only full members" in told
    assert "hero" not in told


# History


@pytest.mark.parametrize("question", ["history me", "history --user me", "history --user @me"])
def test_my_own_history_holds_what_i_asked_for(
    place: Town, ana: Person, sam: Person, question: str
) -> None:
    sam.purges("www.example.com logo")
    own = card_id(ana.purges("www.example.com hero"))
    told = ana.asks(question)
    assert own in page(place, "U0ANA")["text"]
    assert "by <@U0ANA>" in told
    assert "logo" not in page(place, "U0ANA")["text"]


def test_my_own_history_goes_on_when_its_page_is_turned(place: Town, ana: Person) -> None:
    for number in range(12):
        place.says("U0ANA", f"/purge www.example.com t{number:02}")
        place.waits(minutes=1)
    ana.asks("history me")
    assert tags(turns(place, OLDER, "U0ANA")) == ["t01", "t00"]


def test_a_history_is_empty_before_the_first_purge(place: Town, sam: Person) -> None:
    assert "No purges* that you may see" in sam.asks("history")
    assert buttons(page(place)) == []


def test_a_history_shows_what_was_purged_by_whom_and_how_it_ended(
    place: Town, ana: Person, sam: Person
) -> None:
    first = card_id(ana.purges("www.example.com hero,banner"))
    place.waits(minutes=1)
    second = card_id(ana.purges("img.example.com logo --force"))
    sam.asks("history")
    assert tags(page(place)) == ["logo", "hero"]
    _, *lines = page(place)["text"].splitlines()
    assert lines[1] == "*forced* `img.example.com` · `logo`"
    assert lines[4] == "`www.example.com` · `hero`, `banner`"
    assert "waits for approval" in lines[0]
    assert "complete" in lines[3]
    assert (lines[2], lines[5]) == (f"<@U0ANA> · `{second}`", f"<@U0ANA> · `{first}`")


def test_a_history_holds_what_the_policy_shows_and_ones_own(
    place: Town, leo: Person, sam: Person
) -> None:
    sam.at("C0OPS").purges("shop.example.com prices")
    sam.at("C0OPS").purges("www.example.com hero")
    leo.purges("www.example.com campaign-spring")
    for person, seen in (
        ("U0SAM", ["campaign-spring", "hero", "prices"]),
        ("U0ADA", ["campaign-spring", "hero", "prices"]),
        ("U0ANA", ["campaign-spring", "hero"]),
        ("U0LEO", ["campaign-spring"]),
    ):
        place.waits(seconds=1)
        Person(place, person).asks("history")
        assert tags(page(place, person)) == seen, person


@pytest.mark.parametrize(
    ("words_of_it", "seen"),
    [
        ("www.example.com", ["c", "a"]),
        ("--user U0ANA", ["d", "c"]),
        ("--user <@U0ANA|ana>", ["d", "c"]),
        ("www.example.com --user U0ANA", ["c"]),
        ("--since 90m", ["d", "c"]),
        ("--since 1w", ["d", "c", "b", "a"]),
        ("www.example.com --since 90m --user U0ANA", ["c"]),
    ],
)
def test_a_history_is_narrowed(place: Town, sam: Person, words_of_it: str, seen: list[str]) -> None:
    place.says("U0SAM", "/purge www.example.com a", "C0OPS")
    place.waits(seconds=1)
    place.says("U0SAM", "/purge shop.example.com b", "C0OPS")
    place.waits(hours=3)
    place.says("U0ANA", "/purge www.example.com c", "C0RANDOM")
    place.waits(seconds=1)
    place.says("U0ANA", "/purge img.example.com d", "C0RANDOM")
    place.waits(seconds=1)
    sam.asks(f"history {words_of_it}")
    assert tags(page(place)) == seen


def test_to_ask_for_others_shows_no_more_than_the_policy_does(
    place: Town, ana: Person, kim: Person, leo: Person, sam: Person
) -> None:
    sam.at("C0OPS").purges("shop.example.com prices")
    assert "No purges" in ana.asks("history shop.example.com")
    assert "No purges" in leo.asks("history --user U0SAM")
    kim.asks("history shop.example.com --user U0SAM")
    assert tags(page(place, "U0KIM")) == ["prices"]


def test_pages_are_turned_in_place_there_and_back(busy: Town) -> None:
    names = [f"t{number:02}" for number in reversed(range(25))]
    Person(busy, "U0SAM").asks("history www.example.com")
    asked = page(busy)
    assert (tags(asked), buttons(asked)) == (names[:10], ["Older"])
    second = turns(busy, OLDER)
    assert (tags(second), buttons(second)) == (names[10:20], ["Newer", "Older"])
    third = turns(busy, OLDER)
    assert (tags(third), buttons(third)) == (names[20:], ["Newer"])
    assert tags(turns(busy, NEWER)) == names[10:20]
    back = turns(busy, NEWER)
    assert (tags(back), buttons(back)) == (names[:10], ["Older"])
    assert back["ts"] == asked["ts"]
    assert len(whispers(busy, "U0SAM")) == 1


def test_the_first_page_again_has_what_came_in_meanwhile(busy: Town) -> None:
    Person(busy, "U0SAM").asks("history")
    turns(busy, OLDER)
    busy.says("U0SAM", "/purge www.example.com fresh", "C0OPS")
    busy.waits(minutes=1)
    assert tags(turns(busy, NEWER))[0] == "t24"
    top = tags(turns(busy, NEWER))
    assert (top[:2], len(top)) == (["fresh", "t24"], 10)


def test_a_right_that_is_lost_between_two_pages_counts(busy: Town) -> None:
    Person(busy, "U0ANA").asks("history")
    assert tags(page(busy, "U0ANA"))[0] == "t24"
    busy.post("slack/person", {"id": "U0ANA", "groups": []})
    busy.waits(minutes=2)
    told = turns(busy, OLDER, "U0ANA")
    assert "No purges" in words(told)


def test_a_member_who_became_a_guest_turns_no_page(busy: Town) -> None:
    Person(busy, "U0ANA").asks("history")
    busy.post("slack/person", {"id": "U0ANA", "kind": "guest"})
    busy.waits(minutes=2)
    assert "Only full members" in words(turns(busy, OLDER, "U0ANA"))


def test_a_press_by_somebody_else_or_with_odd_words_shows_nothing(open_town: OpenTown) -> None:
    """Slack shows the page to nobody else; should it, the press shows nothing all the same."""
    place = open_town(mode=Mode.HTTP)
    with http_door(place) as door:
        for number in range(11):
            place.says("U0SAM", f"/purge shop.example.com t{number:02}")
            place.waits(seconds=1)
        Person(place, "U0SAM").asks("history")
        place.presses("U0SAM", OLDER, page(place))
        press = door.last("interactive")
        (action,) = press["actions"]
        other = {**press["user"], "id": "U0KIM"}
        of_another = {**press, "user": other, "trigger_id": "1.1.1"}
        assert door.deliver("interactive", of_another).status_code == 200
        odd = {**action, "value": "U0SAM older or newer"}
        odd_words = {**press, "actions": [odd], "trigger_id": "1.1.2"}
        assert door.deliver("interactive", odd_words).status_code == 200
        forged = {**action, "value": action["value"].replace("U0SAM", "U0ANA", 1)}
        by_ana = {**press, "actions": [forged], "trigger_id": "1.1.3"}
        by_ana["user"] = {**press["user"], "id": "U0ANA"}
        assert door.deliver("interactive", by_ana).status_code == 200
        assert place.bot is not None
        place.bot.worker.drain()
        place.stop_bot()  # and whoever answers has answered
        written = [row["arguments"] for row in place.get("slack/calls")["calls"]]
    told = [json.dumps(each) for each in written if isinstance(each, dict) and "blocks" in each]
    assert sum("somebody else's question" in each for each in told) == 2
    assert sum("No purges" in each for each in told) == 1


def test_the_history_comes_in_lines_of_which_none_is_cut_on_a_phone(busy: Town) -> None:
    told = Person(busy, "U0SAM").asks("history")
    assert {block["type"] for block in page(busy)["blocks"]} == {"section", "context", "actions"}
    assert [f"`t{number}`" in told for number in (24, 15, 14)] == [True, True, False]
    assert ":outbox_tray: *sent*" in told
    assert buttons(page(busy)) == ["Older"]
    assert "`t14`" in words(turns(busy, OLDER))
    assert len(whispers(busy, "U0SAM")) == 1


def test_a_question_delivered_twice_is_answered_once(place: Town, sam: Person) -> None:
    place.post("slack/faults", {"deliver_twice": True})
    sam.types("/purge history")
    assert len(whispers(place, "U0SAM")) == 1


WATCHERS = """
  watchers:
    title: Watchers
    users: [U0LEO]
"""
CAMPAIGNS_ONLY = """
  - rule: Watchers see the campaigns
    roles: [watchers]
    allow: [view]
    domains: ["*.example.com"]
    tags: ["campaign-*"]

  - rule: Nobody but SRE need know of the secret ones
    roles: [watchers]
    deny: [view]
    domains: ["*"]
    tags: [campaign-secret]
"""


def test_a_purge_is_seen_only_by_those_who_may_see_all_its_tags(with_policy: WithPolicy) -> None:
    place = with_policy(roles=WATCHERS, rules=CAMPAIGNS_ONLY)
    seen = card_id(Person(place, "U0SAM").purges("shop.example.com campaign-a,campaign-b"))
    hidden = [
        card_id(Person(place, "U0SAM").purges(f"www.example.com {unseen}"))
        for unseen in ("hero", "campaign-a,hero", "campaign-a,campaign-secret")
    ]
    Person(place, "U0LEO").asks("history")
    assert tags(page(place, "U0LEO")) == ["campaign-a"]
    assert "sent: the CDN has taken it" in Person(place, "U0LEO").asks(f"status {seen}")
    for each in hidden:
        assert "know no purge" in Person(place, "U0LEO").asks(f"status {each}")
        assert "sent: the CDN has taken it" in Person(place, "U0KIM").asks(f"status {each}")


def test_a_purge_of_another_workspace_is_no_purge_of_ours(
    place: Town, ana: Person, sam: Person
) -> None:
    purge = card_id(ana.purges("www.example.com hero"))
    assert "sent: the CDN has taken it" in sam.asks(f"status {purge}")
    assert place.bot is not None
    ours = place.bot.store.purge(purge)
    assert ours is not None
    theirs = replace(ours, id="P0000000000001", trigger_id="other", team_id="T0OTHER")
    place.bot.store.apply(Transition(theirs, Event.REQUEST, None, (), is_new=True))
    for person in ("U0SAM", "U0ANA"):
        assert "know no purge" in Person(place, person).asks("status P0000000000001")
        Person(place, person).asks("history")
        assert len(tags(page(place, person))) == 1


# Quota


def test_the_quota_is_what_the_cdn_says_beside_our_own_count(
    place: Town, ana: Person, leo: Person, sam: Person
) -> None:
    place.post("cdn/settings", {"url_per_day": 200})
    ana.purges("www.example.com hero")
    sam.purges("www.example.com logo")
    told = leo.asks("quota")
    assert "200 of 200 left" in told
    assert "reports no quota for purges by tag" in told
    assert "2 plain, 0 forced" in told
    assert "<!date^" in told


def test_what_the_cdn_refused_and_what_was_sent_yesterday_is_not_counted(
    place: Town, ana: Person, sam: Person
) -> None:
    ana.purges("www.example.com hero")
    place.waits(hours=24)
    place.breaks(kind="error", code="QuotaExceeded.Refresh", action="RefreshObjectCacheByCacheTag")
    ana.purges("www.example.com hero")
    assert "day began: none" in sam.asks("quota")


def test_a_forced_purge_is_counted_as_one(place: Town, ana: Person, sam: Person) -> None:
    ana.purges("www.example.com hero --force")
    sam.presses("purge:approve", only_card(place))
    assert "0 plain, 1 forced" in sam.asks("quota")


def test_while_the_cdn_is_away_the_own_count_is_told_and_why(
    place: Town, ana: Person, sam: Person
) -> None:
    ana.purges("www.example.com hero")
    place.breaks(kind="drop_before", action="DescribeRefreshQuota", times=None)
    told = sam.asks("quota")
    assert "`cdn-not-answering`" in told
    assert "1 plain, 0 forced" in told
    place.heals()
    assert "of 10,000 left" in sam.asks("quota")


# Help


@pytest.mark.parametrize(
    ("question", "shown"),
    [
        ("help status", "/purge status P1M82J8FAHK949"),
        ("status help", "/purge status P1M82J8FAHK949"),
        ("help history", "--user me"),
        ("help pending", "wait for approval"),
        ("help quota", "/purge quota"),
        ("help version", "/purge version"),
    ],
)
def test_help_on_a_question_explains_that_one(leo: Person, question: str, shown: str) -> None:
    for _ in range(2):  # with the facts about the asker not at hand, and at hand
        told = leo.asks(question)
        assert shown in told
        assert "hero,banner" not in told


def test_help_on_a_question_is_for_those_who_may_ask_it(place: Town) -> None:
    for _ in range(2):
        told = Person(place, "U0GUS").asks("help history")
        assert "/purge history" not in told
        assert "Guests may not do this" in told


def test_the_version_is_told(place: Town) -> None:
    assert "Purgebot 0.1.0" in Person(place, "U0GUS").asks("version")


def test_a_word_that_is_no_domain_is_answered_with_the_words_that_exist(
    place: Town, ana: Person
) -> None:
    told = ana.asks("pendign")
    assert "`/purge pending`" in told
    assert "status, history, pending" in ana.asks("hero")
    assert cards(place) == []


def test_help_lists_the_questions_for_those_who_may_ask(place: Town, leo: Person) -> None:
    told = leo.asks("help")
    for question in ("/purge status ID", "/purge history", "/purge quota"):
        assert question in told
    assert "/purge history" not in Person(place, "U0GUS").asks("help")


def test_a_question_leaves_the_audit_trail_as_it_is(place: Town, ana: Person, sam: Person) -> None:
    purge = card_id(ana.purges("www.example.com hero"))
    assert place.bot is not None
    before = place.bot.store.audit.chain(purge)
    sam.asks(f"status {purge}")
    sam.asks("history")
    assert place.bot.store.audit.chain(purge) == before
