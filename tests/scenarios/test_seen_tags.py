"""What you see is what you approve: every tag can be read, and what deserves a second look is first."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.command.parser import MAX_TAG_CHARACTERS
from bot.core.interaction import Interaction, InteractionKind
from bot.demo.town import SAMPLE_POLICY, Town
from bot.store.change import InteractionAnswered, NewInteraction
from bot.store.schema import mapping as rows
from bot.store.schema import tables
from tests.conftest import OpenTown
from tests.support.messages import APPROVE, DENY, buttons, cards, notes, only_card, whispers, words
from tests.support.policies import LEADS_APPROVE, WithPolicy

SHOW_ALL = "purge:tags"
NEXT, PREVIOUS = "tags:next", "tags:previous"
MANY = tuple(f"page-{n:02}" for n in range(83))
LATE = "could not show the tags in time"
UNKNOWN = "a request that I do not know"
ELSEWHERE = """
  - approval: They sit in a channel of their own
    domains: [www.example.com]
    call: {channel: C0OPS}
"""


def asks(place: Town, tags: tuple[str, ...], person: str = "U0ANA", more: str = " --force") -> Any:
    """Give the card of a request for these tags, as they are typed."""
    place.says(person, f"/purge www.example.com {','.join(tags)}{more}")
    place.settle()
    return cards(place, person)[-1]


def opens(
    place: Town, person: str, message: dict[str, Any], channel: str = "C0WEB"
) -> dict[str, Any]:
    """Give the form that a press on the card's button opens."""
    place.presses(person, SHOW_ALL, message, channel)
    place.settle()
    (form,) = place.forms(person)
    return form


def turns(place: Town, person: str, way: str = NEXT) -> dict[str, Any]:
    """Give the form after a press on Next or Previous."""
    (form,) = place.forms(person)
    place.post("slack/press", {"as": person, "view_id": form["id"], "action_id": way})
    place.settle()
    (turned,) = place.forms(person)
    assert turned["id"] == form["id"]
    return turned


def reads_all(place: Town, person: str) -> list[dict[str, Any]]:
    """Give every page, from the one that is open to the last."""
    (form,) = place.forms(person)
    pages = [form]
    while "Next" in buttons(pages[-1]):
        pages.append(turns(place, person))
    return pages


def tags_on(form: dict[str, Any]) -> list[str]:
    """Give the tags of a page, and the parts of long ones, as they are sent to Slack."""
    found = []
    for block in form["blocks"]:
        for element in block["elements"] if block["type"] == "rich_text" else ():
            if element["type"] == "rich_text_preformatted":
                found.append(element["elements"][0]["text"])
            elif element["type"] == "rich_text_list":
                found += [line["elements"][0]["text"] for line in element["elements"]]
    return found


def confirm_of(message: dict[str, Any], action_id: str = APPROVE) -> str:
    """Give what is asked before a button is pressed."""
    for block in message["blocks"]:
        for element in block["elements"] if block["type"] == "actions" else ():
            if element["action_id"] == action_id:
                assert element["confirm"]["text"]["type"] == "plain_text"
                return str(element["confirm"]["text"]["text"])
    raise AssertionError(f"there is no {action_id}")


# All of them


def test_an_approver_reads_all_tags_one_press_away(place: Town) -> None:
    card = asks(place, MANY)
    assert "83 tags" in words(card)
    assert "83 tags" in card["text"]
    left = re.search(r"and (\d+) more", words(card))
    assert left is not None
    assert len(re.findall("`page-", words(card))) + int(left[1]) == 83
    assert "Show all 83 tags" in buttons(card)
    first = opens(place, "U0SAM", card)
    assert "Tags 1 to 40 of 83" in words(first)
    pages = reads_all(place, "U0SAM")
    assert [tag for page in pages for tag in tags_on(page)] == list(MANY)
    assert "Tags 81 to 83 of 83" in words(pages[-1])
    assert "Next" not in buttons(pages[-1])
    back = turns(place, "U0SAM", PREVIOUS)
    assert "Tags 41 to 80 of 83" in words(back)
    assert whispers(place, "U0SAM") == []


def test_a_card_that_shows_all_its_tags_has_no_such_button(place: Town) -> None:
    card = asks(place, ("hero", "logo"))
    assert "tags `hero`, `logo`" in words(card)
    assert buttons(card) == ["Approve", "Deny", "Cancel (requester only)"]


def test_a_tag_that_is_cut_on_the_card_is_whole_in_the_form(place: Town) -> None:
    tag = "".join(f"<{n}>&" for n in range(MAX_TAG_CHARACTERS))[: MAX_TAG_CHARACTERS - 5]
    card = asks(place, (f"tag:{tag}", "hero"))
    assert f"({len(tag):,} characters)" in words(card)
    assert "Show all 2 tags" in buttons(card)
    opens(place, "U0SAM", card)
    pages = reads_all(place, "U0SAM")
    assert len(pages) > 2
    assert "".join(part for page in pages for part in tags_on(page)) == tag + "hero"
    assert f"characters 1 to 4,000 of {len(tag):,}" in words(pages[0])


def test_one_tag_that_is_cut_has_a_button_too(place: Town) -> None:
    card = asks(place, ("a" * 300,))
    opens(place, "U0SAM", card)
    assert "Show the whole tag" in buttons(card)
    assert tags_on(place.forms("U0SAM")[0]) == ["a" * 300]


def test_nothing_in_a_tag_is_formatted_or_replaced_in_the_form(place: Town) -> None:
    odd = ("a`b", ":fire:", "&amp;lt;", "<@U0SAM>", "*bold*")
    tags = (*(f"tag:{tag}" for tag in odd), *MANY)
    opens(place, "U0SAM", asks(place, tags))
    shown = [tag for page in reads_all(place, "U0SAM") for tag in tags_on(page)]
    assert sorted(shown) == sorted(("a`b", ":fire:", "&lt;", "<@U0SAM>", "*bold*", *MANY))


def test_the_card_where_people_are_called_has_the_button(with_policy: WithPolicy) -> None:
    place = with_policy(ELSEWHERE)
    asks(place, MANY)
    there = only_card(place, "U0KIM", "C0OPS")
    assert "Show all 83 tags" in buttons(there)
    form = opens(place, "U0KIM", there, "C0OPS")
    assert "Tags 1 to 40 of 83" in words(form)
    assert "Tags 41 to 80 of 83" in words(turns(place, "U0KIM"))
    place.post("slack/join", {"channel": "C0OPS", "user": "U0GUS"})
    assert "Tags 1 to 40 of 83" in words(opens(place, "U0GUS", there, "C0OPS"))


def status_of(place: Town, person: str, card: dict[str, Any]) -> dict[str, Any]:
    """Let somebody ask in another channel what became of a purge, and give the answer."""
    purge = re.search(r"Purge `(P\w+)`", words(card))
    assert purge is not None
    place.says(person, f"/purge status {purge[1]}", "C0RANDOM")
    place.settle()
    (answer,) = [seen for seen in place.sees(person, "C0RANDOM") if seen["ephemeral"]]
    return answer


def test_the_answer_to_status_has_the_button_too(place: Town) -> None:
    card = asks(place, MANY)
    answer = status_of(place, "U0SAM", card)
    assert buttons(answer) == ["Show all 83 tags", "Approve", "Deny"]
    assert "Tags 1 to 40 of 83" in words(opens(place, "U0SAM", answer, "C0RANDOM"))


def test_whoever_may_decide_can_read_there_what_they_decide_on(with_policy: WithPolicy) -> None:
    leads = "\n  leads:\n    title: Leads\n    users: [U0LEO]\n"
    place = with_policy(roles=leads, rules=LEADS_APPROVE)
    card = asks(place, MANY)
    answer = status_of(place, "U0LEO", card)
    assert buttons(answer) == ["Show all 83 tags", "Approve", "Deny"]
    assert "Tags 1 to 40 of 83" in words(opens(place, "U0LEO", answer, "C0RANDOM"))
    place.presses("U0SAM", APPROVE, card)
    place.waits(minutes=2)
    place.presses("U0LEO", SHOW_ALL, answer, "C0RANDOM")
    place.settle()
    assert UNKNOWN in whispers(place, "U0LEO", "C0RANDOM")[-1]


def test_the_button_stays_when_all_is_decided(place: Town) -> None:
    place.presses("U0SAM", APPROVE, asks(place, MANY))
    place.settle()
    place.waits(seconds=3)
    assert "Show all 83 tags" in buttons(only_card(place))


def test_a_press_decides_nothing_and_leaves_no_trace_in_the_trail(place: Town) -> None:
    card = asks(place, MANY)
    assert place.bot is not None
    audit = place.bot.store.audit
    before = list(audit.read_all())
    opens(place, "U0ANA", card)
    turns(place, "U0ANA")
    assert list(audit.read_all()) == before
    assert buttons(only_card(place))[1:] == ["Approve", "Deny", "Cancel (requester only)"]
    place.presses("U0SAM", APPROVE, card)
    place.settle()
    (sent,) = place.purges_sent()
    assert sent["params"]["CacheTag"] == ",".join(MANY)


# Who may, and what comes between


def test_whoever_stands_before_the_card_may_read_it_whole(place: Town) -> None:
    assert "Tags 1 to 40" in words(opens(place, "U0GUS", asks(place, MANY)))


def test_elsewhere_it_takes_the_right_to_see_the_purge(place: Town) -> None:
    answer = status_of(place, "U0SAM", asks(place, MANY))
    place.post("slack/person", {"id": "U0SAM", "groups": []})
    place.waits(minutes=2)
    place.presses("U0SAM", SHOW_ALL, answer, "C0RANDOM")
    place.settle()
    assert place.forms("U0SAM") == []
    assert UNKNOWN in whispers(place, "U0SAM", "C0RANDOM")[-1]


@pytest.mark.parametrize(("team", "opened"), [("T0OTHER", False), ("T0TOWN", True)])
def test_a_press_of_another_workspace_is_for_an_unknown_request(
    place: Town, team: str, opened: bool
) -> None:
    place.presses("U0SAM", SHOW_ALL, asks(place, MANY))
    assert place.bot is not None
    store = place.bot.store
    (ask,) = [ask for ask in _asks(place) if ask.kind is InteractionKind.TAGS]
    if team != ask.team_id:
        store.apply(InteractionAnswered(ask.trigger_id))
        ask = replace(ask, team_id=team, trigger_id=f"{ask.trigger_id}0")
        store.apply(NewInteraction(ask, ask.at))
    place.settle()
    assert len(place.forms("U0SAM")) == int(opened)
    assert (UNKNOWN in "".join(whispers(place, "U0SAM"))) is not opened


def _asks(place: Town) -> list[Interaction]:
    """Give the presses that wait for the worker."""
    assert place.bot is not None
    with place.bot.store.engine.connect() as connection:
        return [rows.row_to_interaction(row) for row in connection.execute(tables.asks.select())]


def test_a_press_that_the_bot_gets_to_too_late_is_told_to_press_again(place: Town) -> None:
    card = asks(place, MANY)
    place.presses("U0SAM", SHOW_ALL, card)
    place.waits(seconds=5)
    assert place.forms("U0SAM") == []
    assert LATE in whispers(place, "U0SAM")[-1]
    assert "Tags 1 to 40" in words(opens(place, "U0SAM", card))


def test_a_page_is_turned_however_late(place: Town) -> None:
    form = opens(place, "U0SAM", asks(place, MANY))
    place.post("slack/press", {"as": "U0SAM", "view_id": form["id"], "action_id": NEXT})
    place.waits(seconds=60)
    assert "Tags 41 to 80" in words(place.forms("U0SAM")[0])


def test_a_page_turned_after_the_form_was_closed_is_no_trouble(place: Town) -> None:
    form = opens(place, "U0SAM", asks(place, MANY))
    place.post("slack/press", {"as": "U0SAM", "view_id": form["id"], "action_id": NEXT})
    place.post("slack/close", {"as": "U0SAM", "view_id": form["id"]})
    place.settle()
    assert place.forms("U0SAM") == []
    assert whispers(place, "U0SAM") == []


def test_a_page_that_slack_does_not_turn_is_told(place: Town) -> None:
    form = opens(place, "U0SAM", asks(place, MANY))
    place.post("slack/faults", {"web_api": [{"method": "views.update", "error": "internal_error"}]})
    place.post("slack/press", {"as": "U0SAM", "view_id": form["id"], "action_id": NEXT})
    place.settle()
    assert LATE in whispers(place, "U0SAM")[-1]


def test_a_press_delivered_twice_opens_one_form(place: Town) -> None:
    card = asks(place, MANY)
    place.post("slack/faults", {"deliver_twice": True})
    assert "Tags 1 to 40" in words(opens(place, "U0SAM", card))
    assert whispers(place, "U0SAM") == []


# What deserves a second look

ODD = ("*", "h\u0435ro", "sale%2A")


def test_odd_tags_stand_first_and_are_marked_wherever_somebody_decides(place: Town) -> None:
    card = asks(place, (*MANY, "sale%2A", "h\u0435ro", "tag:*"))
    place.presses("U0SAM", DENY, card)
    place.settle()
    (denial,) = place.forms("U0SAM")
    place.sends_form("U0SAM", " ")  # it stays open
    purge = re.search(r"Purge `(P\w+)`", words(card))
    assert purge is not None
    place.says("U0SAM", f"/purge status {purge[1]}")
    place.settle()
    for told in (words(card), words(denial), whispers(place, "U0SAM")[-1]):
        assert "`*` may mean every tag" in told
        assert "`h\u0435ro` has the Cyrillic letter \u0435 (U+0435)" in told
        assert "`sale%2A` holds %2A, which reads *" in told
        assert max(told.index(f"`{tag}`") for tag in ODD) < told.index("`page-00`")
    assert "* may mean every tag" in card["text"]
    form = opens(place, "U0KIM", card)
    assert set(tags_on(form)[:3]) == set(ODD)
    assert "3 deserve a second look" in words(form)
    assert "may mean every tag" in words(form)


def test_usual_tags_keep_their_order_and_are_not_marked(place: Town) -> None:
    card = asks(place, ("b", "a-1_2.3:4/5", "größe", "首页"))
    assert "tags `b`, `a-1_2.3:4/5`, `größe`, `首页`" in words(card)
    assert "second look" not in words(card)
    assert "Look twice" not in confirm_of(card)


def test_what_is_sent_is_what_was_asked_for_in_its_order(place: Town) -> None:
    place.presses("U0SAM", APPROVE, asks(place, ("hero", "tag:*")))
    place.settle()
    (sent,) = place.purges_sent()
    assert sent["params"]["CacheTag"] == "hero,*"


# The question before Approve


def test_the_question_names_domain_count_and_marked_tags(place: Town) -> None:
    asked = confirm_of(asks(place, (*MANY, "h\u0435ro", "tag:*")))
    assert asked.startswith("www.example.com: 85 tags, not all shown on the card.")
    assert "“*” may mean every tag; “h\u0435ro” has the Cyrillic letter" in asked


def test_the_question_names_the_tags_where_all_fit(place: Town) -> None:
    first, *_ = confirm_of(asks(place, ("hero", "logo"))).splitlines()
    assert first == "www.example.com: 2 tags: “hero”, “logo”."


def test_the_question_counts_the_marked_tags_that_do_not_fit(place: Town) -> None:
    odd = tuple(f"h\u0435ro-{n:02}" for n in range(50))
    asked = confirm_of(asks(place, odd))
    named = len(re.findall("“", asked))
    assert named >= 1
    assert f"and {50 - named} more marked" in asked
    assert len(asked) <= 300


# How many


def limited(tmp_path: Path, open_town: OpenTown, most: int) -> Town:
    policy = tmp_path / "limited.yaml"
    policy.write_text(SAMPLE_POLICY.read_text() + f"\nmax_tags: {most}\n")
    return open_town(policy=policy)


@pytest.mark.parametrize(
    ("count", "more", "taken"),
    [(100, " --force", True), (101, " --force", False), (300, "", True)],
    ids=["as many as may be", "one too many", "plain"],
)
def test_a_forced_request_has_a_hundred_tags_at_most(
    place: Town, count: int, more: str, taken: bool
) -> None:
    place.says("U0ANA", f"/purge www.example.com {','.join(f't{n}' for n in range(count))}{more}")
    place.settle()
    assert len(cards(place)) == int(taken)
    if not taken:
        assert "It has 101 tags" in whispers(place)[-1]
        assert "Split it" in whispers(place)[-1]
        assert notes(place) == []


@pytest.mark.parametrize(("count", "taken"), [(2, True), (3, False)])
def test_the_policy_says_how_many(
    tmp_path: Path, open_town: OpenTown, count: int, taken: bool
) -> None:
    place = limited(tmp_path, open_town, 2)
    tags = ",".join(f"t{n}" for n in range(count))
    place.says("U0ANA", f"/purge www.example.com {tags} --force")
    place.settle()
    assert len(cards(place)) == int(taken)
    assert ("policy lets a forced purge have 2" in "".join(whispers(place))) is not taken


def test_a_right_that_is_missing_is_told_before_the_number_of_tags(place: Town) -> None:
    place.says("U0LEO", f"/purge www.example.com {','.join(f't{n}' for n in range(101))} --force")
    place.settle()
    assert "No rule lets you" in whispers(place, "U0LEO")[-1]


# What cannot be read at all


@pytest.mark.parametrize("hidden", ["\u2065", "\ue000", "\u0378", "\U000e01f0", "\ufff0"])
def test_a_tag_with_a_character_that_nobody_can_read_is_refused(place: Town, hidden: str) -> None:
    place.says("U0ANA", f"/purge www.example.com he{hidden}ro --force")
    place.settle()
    assert cards(place) == []
    assert f"he[U+{ord(hidden):04X}]ro" in whispers(place)[-1]


def test_a_reason_may_hold_emoji_and_their_joiners(place: Town) -> None:
    reason = "\U0001f469\u200d\U0001f4bb\ufe0f \U0001fae8"
    card = asks(place, ("hero",), more=f' --force --reason "{reason}"')
    assert reason in words(card)
