"""/purge status, history and quota: who is told what, and what when something is away."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bot.playground.town import Town
from bot.settings import Mode
from bot.store.store import Change
from tests.conftest import OpenTown
from tests.door import http_door
from tests.policies import WithPolicy
from tests.talk import buttons, cards, only_card, whispers, words

NEWER, OLDER = "history:newer", "history:older"


def asks(place: Town, person: str, question: str, channel: str = "C0WEB") -> str:
    """Let a person ask, and give the answer in words."""
    place.says(person, f"/purge {question}", channel)
    place.settle()
    return whispers(place, person, channel)[-1]


def purges(place: Town, person: str, what: str, channel: str = "C0WEB") -> str:
    """Let a person purge, and give the purge's ID."""
    place.says(person, f"/purge {what}", channel)
    place.settle()
    return card_id(cards(place, person, channel)[-1])


def card_id(card: dict[str, Any]) -> str:
    return words(card).rpartition("Purge `")[2].partition("`")[0]


def page(place: Town, person: str = "U0SAM") -> dict[str, Any]:
    """Give the newest thing that this person alone sees."""
    return [seen for seen in place.sees(person) if seen["ephemeral"]][-1]


def tags(message: dict[str, Any]) -> list[str]:
    """Give the first tag of each row of the table."""
    (table,) = [block for block in message["blocks"] if block["type"] == "table"]
    return [row[1]["elements"][1]["elements"][0]["text"] for row in table["rows"][1:]]


def turns(place: Town, action_id: str, person: str = "U0SAM") -> dict[str, Any]:
    place.presses(person, action_id, page(place, person))
    place.settle()
    return page(place, person)


@pytest.fixture
def busy(place: Town) -> Town:
    """Give a town in which Sam has purged 25 tags, t00 to t24, a minute each."""
    for number in range(25):
        place.says("U0SAM", f"/purge www.example.com t{number:02}", "C0OPS")
        place.waits(minutes=1)
    return place


# Status


def test_a_requester_is_told_what_became_of_their_purge(place: Town) -> None:
    purge = purges(place, "U0ANA", "www.example.com hero")
    told = asks(place, "U0ANA", f"status {purge}")
    assert "Purge submitted" in told
    assert "`hero`" in told
    assert f"`{purge}`" in told
    assert "in <#C0WEB>" in told


def test_a_purge_is_found_by_the_cdns_task_as_well(place: Town) -> None:
    purge = purges(place, "U0ANA", "www.example.com hero")
    (sent,) = place.purges_sent()
    assert f"`{purge}`" in asks(place, "U0SAM", f"status {sent['task_id']}")


def test_only_the_asker_reads_the_answer(place: Town) -> None:
    purge = purges(place, "U0ANA", "www.example.com hero")
    asks(place, "U0SAM", f"status {purge}")
    assert whispers(place, "U0ANA") == []
    assert len(cards(place)) == 1


def test_one_who_may_not_see_a_purge_is_told_no_more_than_of_one_that_is_not(place: Town) -> None:
    purge = purges(place, "U0SAM", "shop.example.com hero")
    (sent,) = place.purges_sent()
    unknown = asks(place, "U0ANA", "status P0000000000000")
    assert "know no purge" in unknown
    assert "<!subteam^S0SRE>" in unknown
    for real in (purge, sent["task_id"]):
        told = asks(place, "U0ANA", f"status {real}")
        assert told == unknown.replace("P0000000000000", real)
    assert "submitted" in asks(place, "U0ADA", f"status {purge}")


def test_a_purge_of_ones_own_is_seen_without_a_right_to_see_others(place: Town) -> None:
    own = purges(place, "U0LEO", "www.example.com campaign-spring")
    other = purges(place, "U0SAM", "www.example.com campaign-spring")
    assert "submitted" in asks(place, "U0LEO", f"status {own}")
    assert "know no purge" in asks(place, "U0LEO", f"status {other}")


def test_a_refusal_of_ones_own_can_be_asked_about(place: Town) -> None:
    place.says("U0ANA", "/purge shop.example.com hero")
    place.settle()
    purge = whispers(place, "U0ANA")[-1].partition("Purge `")[2].partition("`")[0]
    assert "refused" in asks(place, "U0ANA", f"status {purge}")


def test_a_right_that_is_lost_shows_nothing_any_more(place: Town) -> None:
    purge = purges(place, "U0SAM", "www.example.com hero")
    assert "submitted" in asks(place, "U0ANA", f"status {purge}")
    place.post("slack/person", {"id": "U0ANA", "groups": []})
    place.waits(minutes=2)
    assert "know no purge" in asks(place, "U0ANA", f"status {purge}")


def test_a_status_that_waits_has_no_buttons_and_leaves_the_card_alone(place: Town) -> None:
    purge = purges(place, "U0ANA", "www.example.com hero --force")
    assert "waits for approval" in asks(place, "U0SAM", f"status {purge}")
    assert buttons(page(place)) == []
    assert buttons(only_card(place)) != []


def test_facts_at_hand_answer_in_the_acknowledgement_itself(place: Town) -> None:
    purge = purges(place, "U0ANA", "www.example.com hero")
    place.says("U0ANA", f"/purge status {purge}")  # and the worker does nothing
    assert "submitted" in whispers(place, "U0ANA")[-1]


def test_facts_not_at_hand_are_found_out_and_the_question_survives_a_crash(place: Town) -> None:
    purge = purges(place, "U0ANA", "www.example.com hero")
    place.waits(minutes=5)
    place.says("U0ANA", f"/purge status {purge}")
    assert whispers(place, "U0ANA") == []
    place.stop_bot()
    place.start_bot()
    place.settle()
    assert "complete" in whispers(place, "U0ANA")[-1]


def test_a_question_of_somebody_whom_slack_will_not_name_is_answered_so(place: Town) -> None:
    place.post("slack/faults", {"web_api": [{"error": "http_500", "times": None}]})
    place.says("U0ANA", "/purge history")
    place.settle()
    assert whispers(place, "U0ANA") == []
    place.waits(minutes=2)
    assert "Slack did not tell me" in whispers(place, "U0ANA")[-1]


@pytest.mark.parametrize("question", ["status P0000000000000", "history", "quota"])
def test_a_guest_is_told_nothing(place: Town, question: str) -> None:
    place.post("slack/person", {"id": "U0GUS", "groups": ["S0SRE"]})
    purges(place, "U0SAM", "www.example.com hero")
    for _ in range(2):  # with the facts about the guest not at hand, and at hand
        told = asks(place, "U0GUS", question)
        assert "Only full members" in told
        assert "hero" not in told


# History


def test_a_history_is_empty_before_the_first_purge(place: Town) -> None:
    assert "No purges* that you may see" in asks(place, "U0SAM", "history")
    assert buttons(page(place)) == []


def test_a_history_shows_what_was_purged_by_whom_and_how_it_ended(place: Town) -> None:
    first = purges(place, "U0ANA", "www.example.com hero,banner")
    place.waits(minutes=1)
    second = purges(place, "U0ANA", "img.example.com logo --force")
    asks(place, "U0SAM", "history")
    assert tags(page(place)) == ["logo", "hero"]
    assert page(place)["text"].splitlines()[1:] == [
        "`img.example.com` · `logo` *forced*",
        page(place)["text"].splitlines()[2],
        "`www.example.com` · `hero`, `banner`",
        page(place)["text"].splitlines()[4],
    ]
    assert second in page(place)["text"].splitlines()[2]
    assert "waits for approval" in page(place)["text"].splitlines()[2]
    assert first in page(place)["text"].splitlines()[4]
    assert "complete" in page(place)["text"].splitlines()[4]


def test_a_history_holds_what_the_policy_shows_and_ones_own(place: Town) -> None:
    purges(place, "U0SAM", "shop.example.com prices", "C0OPS")
    purges(place, "U0SAM", "www.example.com hero", "C0OPS")
    purges(place, "U0LEO", "www.example.com campaign-spring")
    for person, seen in (
        ("U0SAM", ["campaign-spring", "hero", "prices"]),
        ("U0ADA", ["campaign-spring", "hero", "prices"]),
        ("U0ANA", ["campaign-spring", "hero"]),
        ("U0LEO", ["campaign-spring"]),
    ):
        place.waits(seconds=1)
        asks(place, person, "history")
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
def test_a_history_is_narrowed(place: Town, words_of_it: str, seen: list[str]) -> None:
    place.says("U0SAM", "/purge www.example.com a", "C0OPS")
    place.waits(seconds=1)
    place.says("U0SAM", "/purge shop.example.com b", "C0OPS")
    place.waits(hours=3)
    place.says("U0ANA", "/purge www.example.com c", "C0RANDOM")
    place.waits(seconds=1)
    place.says("U0ANA", "/purge img.example.com d", "C0RANDOM")
    place.waits(seconds=1)
    asks(place, "U0SAM", f"history {words_of_it}")
    assert tags(page(place)) == seen


def test_to_ask_for_others_shows_no_more_than_the_policy_does(place: Town) -> None:
    purges(place, "U0SAM", "shop.example.com prices", "C0OPS")
    assert "No purges" in asks(place, "U0ANA", "history shop.example.com")
    assert "No purges" in asks(place, "U0LEO", "history --user U0SAM")
    asks(place, "U0KIM", "history shop.example.com --user U0SAM")
    assert tags(page(place, "U0KIM")) == ["prices"]


def test_pages_are_turned_in_place_there_and_back(busy: Town) -> None:
    names = [f"t{number:02}" for number in reversed(range(25))]
    asks(busy, "U0SAM", "history www.example.com")
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
    asks(busy, "U0SAM", "history")
    turns(busy, OLDER)
    busy.says("U0SAM", "/purge www.example.com fresh", "C0OPS")
    busy.waits(minutes=1)
    assert tags(turns(busy, NEWER))[0] == "t24"
    top = tags(turns(busy, NEWER))
    assert (top[:2], len(top)) == (["fresh", "t24"], 10)


def test_a_right_that_is_lost_between_two_pages_counts(busy: Town) -> None:
    asks(busy, "U0ANA", "history")
    assert tags(page(busy, "U0ANA"))[0] == "t24"
    busy.post("slack/person", {"id": "U0ANA", "groups": []})
    busy.waits(minutes=2)
    told = turns(busy, OLDER, "U0ANA")
    assert "No purges" in words(told)


def test_a_member_who_became_a_guest_turns_no_page(busy: Town) -> None:
    asks(busy, "U0ANA", "history")
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
        asks(place, "U0SAM", "history")
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


def test_where_slack_takes_no_table_the_history_comes_in_lines(busy: Town) -> None:
    busy.post("slack/faults", {"refuse_blocks": ["table"]})
    told = asks(busy, "U0SAM", "history")
    assert "table" not in [block["type"] for block in page(busy)["blocks"]]
    assert [f"`t{number}`" in told for number in (24, 15, 14)] == [True, True, False]
    assert "submitted" in told
    assert buttons(page(busy)) == ["Older"]
    assert "`t14`" in words(turns(busy, OLDER))
    assert len(whispers(busy, "U0SAM")) == 1


def test_where_slack_takes_a_table_there_is_one_message_and_no_lines(busy: Town) -> None:
    asks(busy, "U0SAM", "history")
    assert len(whispers(busy, "U0SAM")) == 1
    assert [block["type"] for block in page(busy)["blocks"]].count("table") == 1


def test_a_question_delivered_twice_is_answered_once(place: Town) -> None:
    place.post("slack/faults", {"deliver_twice": True})
    place.says("U0SAM", "/purge history")
    place.settle()
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
    seen = purges(place, "U0SAM", "shop.example.com campaign-a,campaign-b")
    hidden = [
        purges(place, "U0SAM", f"www.example.com {unseen}")
        for unseen in ("hero", "campaign-a,hero", "campaign-a,campaign-secret")
    ]
    asks(place, "U0LEO", "history")
    assert tags(page(place, "U0LEO")) == ["campaign-a"]
    assert "submitted" in asks(place, "U0LEO", f"status {seen}")
    for each in hidden:
        assert "know no purge" in asks(place, "U0LEO", f"status {each}")
        assert "submitted" in asks(place, "U0KIM", f"status {each}")


def test_a_purge_of_another_workspace_is_no_purge_of_ours(place: Town) -> None:
    purge = purges(place, "U0ANA", "www.example.com hero")
    assert "submitted" in asks(place, "U0SAM", f"status {purge}")
    assert place.bot is not None
    ours = place.bot.store.purge(purge)
    assert ours is not None
    theirs = replace(ours, id="P0000000000001", trigger_id="other", team_id="T0OTHER")
    place.bot.store.commit(Change(purge=theirs, new=True))
    for person in ("U0SAM", "U0ANA"):
        assert "know no purge" in asks(place, person, "status P0000000000001")
        asks(place, person, "history")
        assert len(tags(page(place, person))) == 1


# Quota


def test_the_quota_is_what_the_cdn_says_beside_our_own_count(place: Town) -> None:
    place.post("cdn/settings", {"url_per_day": 200})
    purges(place, "U0ANA", "www.example.com hero")
    purges(place, "U0SAM", "www.example.com logo")
    told = asks(place, "U0LEO", "quota")
    assert "200 of 200 left" in told
    assert "reports no quota for purges by tag" in told
    assert "2 plain, 0 forced" in told
    assert "<!date^" in told


def test_what_the_cdn_refused_and_what_was_sent_yesterday_is_not_counted(place: Town) -> None:
    purges(place, "U0ANA", "www.example.com hero")
    place.waits(hours=24)
    place.breaks(kind="error", code="QuotaExceeded.Refresh", action="RefreshObjectCacheByCacheTag")
    purges(place, "U0ANA", "www.example.com hero")
    assert "day began: none" in asks(place, "U0SAM", "quota")


def test_a_forced_purge_is_counted_as_one(place: Town) -> None:
    purges(place, "U0ANA", "www.example.com hero --force")
    place.presses("U0SAM", "purge:approve", only_card(place))
    place.settle()
    assert "0 plain, 1 forced" in asks(place, "U0SAM", "quota")


def test_while_the_cdn_is_away_the_own_count_is_told_and_why(place: Town) -> None:
    purges(place, "U0ANA", "www.example.com hero")
    place.breaks(kind="drop_before", action="DescribeRefreshQuota", times=None)
    told = asks(place, "U0SAM", "quota")
    assert "`cdn-not-answering`" in told
    assert "1 plain, 0 forced" in told
    place.heals()
    assert "of 10,000 left" in asks(place, "U0SAM", "quota")


# Help


def test_help_lists_the_questions_for_those_who_may_ask(place: Town) -> None:
    told = asks(place, "U0LEO", "help")
    for question in ("/purge status ID", "/purge history", "/purge quota"):
        assert question in told
    assert "/purge history" not in asks(place, "U0GUS", "help")


def test_a_question_leaves_the_audit_trail_as_it_is(place: Town) -> None:
    purge = purges(place, "U0ANA", "www.example.com hero")
    assert place.bot is not None
    before = place.bot.store.audit_of(purge)
    asks(place, "U0SAM", f"status {purge}")
    asks(place, "U0SAM", "history")
    assert place.bot.store.audit_of(purge) == before
