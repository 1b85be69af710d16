"""Cards and whispers: whatever people typed, Slack takes them and nobody is misled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.command.parser import MAX_REASON_CHARACTERS, MAX_TAG_CHARACTERS
from bot.core.interaction import Interaction, InteractionKind
from bot.core.policy.approvers import Briefing, Traffic
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import State
from bot.simulators.slack.block_kit.blocks import view_violations
from handlers.blocks.denial import denial_form
from handlers.blocks.purge import card
from handlers.blocks.tag_marks import look_over
from handlers.blocks.tags_form import tags_form
from handlers.blocks.thread_reply import call_below, glass_broken, outcome, reminder
from tests.support.message_blocks import AT, LONGEST_DOMAIN, MANY, a_purge, said, texts, wrong
from tests.support.messages import buttons

A_PRESS = Interaction(
    "1.2.3", "T0TOWN", "T0TOWN", "U0SAM", "C0WEB", f"https://hooks.example/{'x' * 200}",
    InteractionKind.DENY_FORM, AT, "P1M82J8FAHK949",
)  # fmt: skip

# Titles


TRUTHS = {
    State.REQUESTED: "checking your rights",
    State.REFUSED: "Purge refused: nothing was purged",
    State.WAITING: "Forced purge waits for approval",
    State.DENIED: "Forced purge denied: nothing was purged",
    State.EXPIRED: "Forced purge expired: nobody decided in time, nothing was purged",
    State.CANCELLED: "Purge cancelled: nothing was purged",
    State.READY: "Purge: sending to the CDN",
    State.SENDING: "Purge: sending to the CDN",
    State.HELD: "Purge held: the CDN does not take it now",
    State.OFFERED: "Purge not sent: the CDN's quota is used up",
    State.JOINED: "Purge joined: another one covers it",
    State.QUEUED: "Purge held: it goes out after one of the same",
    State.RUNNING: "Purge running at the CDN",
    State.COMPLETE: "Purge complete",
    State.UNREPORTED: "Purge sent: the CDN reported no end",
    State.SUBMITTED: "Purge sent: the CDN has taken it",
    State.FAILED: "Purge failed: nothing was purged",
    State.UNKNOWN: "Purge: outcome unknown",
}


@pytest.mark.parametrize("state", State)
def test_the_title_says_what_is_true(state: State) -> None:
    shown = card(a_purge(state))
    assert TRUTHS[state] in texts(shown.blocks)[0].splitlines()[0]
    assert ("nothing was purged" in said(shown)) == ("nothing was purged" in TRUTHS[state])


BUTTONS = {
    State.WAITING: ["Approve", "Deny", "Cancel (requester only)"],
    State.HELD: ["Cancel (requester only)"],
    State.QUEUED: ["Cancel (requester only)"],
    State.OFFERED: ["Run it then", "Cancel (requester only)"],
    State.UNKNOWN: ["Purge again", "Leave it"],
    State.COMPLETE: ["Still stale? Request a forced purge"],
}


@pytest.mark.parametrize("state", State)
def test_only_what_can_be_decided_has_buttons_and_they_carry_its_id_alone(state: State) -> None:
    shown = card(a_purge(state))
    assert buttons({"blocks": shown.blocks}) == BUTTONS.get(state, [])
    for block in shown.blocks:
        if block["type"] == "actions":
            assert {element["value"] for element in block["elements"]} == {"P1M82J8FAHK949"}


@pytest.mark.parametrize("state", [state for state in State if state is not State.REFUSED])
def test_the_text_without_blocks_says_state_domain_and_tags(state: State) -> None:
    text = card(a_purge(state)).text
    assert TRUTHS[state] in text
    assert "www.example.com" in text
    assert "hero" in text


def test_a_submitted_card_shows_task_id_and_request_id() -> None:
    shown = card(a_purge(State.SUBMITTED))
    assert "`9524312`" in said(shown)
    assert "`D61E4801`" in said(shown)
    assert "9524312" in shown.text


@pytest.mark.parametrize(("force", "overload"), [(True, True), (False, False)])
def test_what_force_does_is_said_of_forced_purges_alone(force: bool, overload: bool) -> None:
    shown = card(a_purge(State.WAITING, force=force))
    assert ("That can overload it" in said(shown)) == overload
    assert "the web server (the origin)" in said(shown)


def test_an_international_domain_is_shown_in_both_its_forms() -> None:
    shown = said(card(a_purge(domain="xn--bcher-kva.example")))
    assert "xn--bcher-kva.example" in shown
    assert "bücher.example" in shown


# Whatever people typed

HOSTILE = {
    "a tag as long as may be": {"tags": ("t" * MAX_TAG_CHARACTERS,)},
    "a tag that grows when it is escaped": {"tags": ("&" * MAX_TAG_CHARACTERS,)},
    "as many tags as may be": {"tags": tuple(f"t{n}" for n in range(2500))},
    "tags that grow": {"tags": tuple("&<>" * 30 + str(n) for n in range(170))},
    "a reason that grows": {"reason": "&" * MAX_REASON_CHARACTERS},
    "the longest domain": {"domain": LONGEST_DOMAIN},
    "an international domain": {"domain": "xn--bcher-kva." + LONGEST_DOMAIN[64:]},
    "two thousand approvers": {"approvers": MANY},
    "many who said yes": {
        "approvals": tuple(Approval(user, AT) for user in MANY[:100]),
        "needs": "&" * 5000,
        "approvals_counted": 100,
        "quorum": 101,
    },
    "code spans": {"tags": ("`a`", "```", "a`b"), "reason": "``` `x"},
    "a call to everybody": {
        "tags": ("<!channel>", "<!here>", "<@U0SAM>", "@channel"),
        "reason": "<!everyone> @here <http://example.com|click>",
    },
    "a denial that grows": {"denial": "&" * MAX_REASON_CHARACTERS},
    "a glass that was broken": {"break_glass": True, "reason": "<" * MAX_REASON_CHARACTERS},
    "a briefing that grows": {
        "briefing": Briefing(
            titles=("&" * 200,) * 30,
            people=2000,
            called=MANY,
            channel_id="C0OPS",
            peak="<" * 200,
            traffic=Traffic(10**6, 10**6, 10**6, 10**6, 10**6),
        )
    },
    "a moment to think better of it": {"send_at": AT},
    "entities": {"tags": ("&lt;!channel&gt;", "&amp;"), "reason": "&lt;b&gt;"},
    "everything at once": {
        "tags": ("&" * 8000, "`<!channel>`" * 600),
        "reason": "<" * MAX_REASON_CHARACTERS,
        "domain": LONGEST_DOMAIN,
        "approvers": MANY,
    },
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("force", [False, True], ids=["plain", "forced"])
def test_slack_takes_every_card(state: State, facts: dict[str, Any], force: bool) -> None:
    purge = a_purge(state, force=force, **facts)
    shown = [card(purge), card(purge, calls=True), outcome(purge), call_below(purge)]
    shown.append(glass_broken(purge))
    if purge.expires_at:
        shown.append(reminder(purge))
    assert [wrong(each) for each in shown] == [[]] * len(shown)
    assert view_violations(denial_form(A_PRESS, purge), surface="modal") == []


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE)
def test_slack_takes_every_page_of_all_tags_and_none_is_cut(facts: dict[str, Any]) -> None:
    purge = a_purge(**facts)
    page, shown = 0, ""
    while True:
        form = tags_form(A_PRESS, purge, page)
        assert view_violations(form, surface="modal") == []
        shown += "".join(_tags_on(form["blocks"]))
        if "Next" not in buttons(form):
            break
        page += 1
    assert shown == "".join(look_over(purge.tags).tags)
    last = tags_form(A_PRESS, purge, page)
    assert tags_form(A_PRESS, purge, page + 1) == tags_form(A_PRESS, purge, 10**6) == last


def _tags_on(blocks: list[dict[str, Any]]) -> Iterator[str]:
    for block in blocks:
        for element in block["elements"] if block["type"] == "rich_text" else ():
            match element["type"]:
                case "rich_text_preformatted":
                    yield element["elements"][0]["text"]
                case "rich_text_list":
                    yield from (line["elements"][0]["text"] for line in element["elements"])


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE)
def test_a_question_is_plain_text_that_names_the_count_and_what_is_marked(
    facts: dict[str, Any],
) -> None:
    purge = a_purge(**facts)
    (approve,) = [
        element
        for block in card(purge).blocks
        for element in block.get("elements", ())
        if element.get("action_id") == "purge:approve"
    ]
    said = approve["confirm"]["text"]
    assert said["type"] == "plain_text"
    assert len(said["text"]) <= 300
    assert f": {len(purge.tags):,} tag" in said["text"]
    assert ("Look twice" in said["text"]) == bool(look_over(purge.tags).marked)


def test_a_reason_is_shown_whole_however_it_grows() -> None:
    reason = "&" * (MAX_REASON_CHARACTERS - 1) + "z"
    assert reason in said(card(a_purge(reason=reason)))


def test_many_tags_are_counted() -> None:
    title = texts(card(a_purge(tags=tuple(f"t{n}" for n in range(2500)))).blocks)[0]
    listed = len(re.findall(r"`t\d+`", title))
    assert listed > 10
    assert f"and {2500 - listed:,} more" in title
    assert "2,500 tags" in title


def test_many_approvers_are_counted() -> None:
    assert "or 1990 others" in said(card(a_purge(approvers=MANY)))
    assert "others" not in said(card(a_purge(approvers=MANY[:10])))


@given(
    tags=st.lists(st.text(min_size=1), min_size=1, max_size=5),
    reason=st.text(max_size=MAX_REASON_CHARACTERS),
    state=st.sampled_from(State),
)
def test_no_text_breaks_out_of_a_card(tags: list[str], reason: str, state: State) -> None:
    assert wrong(card(a_purge(state, tags=tuple(tags), reason=reason))) == []
