"""Cards and whispers: whatever people typed, Slack takes them and nobody is misled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import catalogue
from bot.core.command import MAX_REASON_CHARACTERS, MAX_TAG_CHARACTERS
from bot.core.errors import STORE_AWAY, STORE_SLOW, UNEXPECTED, ErrorKind, Problem
from bot.core.post import Notice
from bot.core.purge import Failure, Purge, Refusal, State
from bot.playground.slack.blocks import text_violations, violations
from handlers.blocks import kit
from handlers.blocks.error import error, notice, refusal
from handlers.blocks.help import help_message
from handlers.blocks.kit import Message
from handlers.blocks.purge import card
from tests.talk import buttons, words

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MARKUP = re.compile(r"<(@[UW]\w+|!subteam\^S\w+|#[CGD]\w+|!date\^\d+\^\{time\}\|\d\d:\d\d UTC)>")
LONGEST_DOMAIN = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
MANY = tuple(f"U{n:010}" for n in range(2000))


def a_purge(state: State = State.WAITING, **facts: Any) -> Purge:
    plain: dict[str, Any] = {
        "id": "P1M82J8FAHK949",
        "trigger_id": "1.2.3",
        "team_id": "T0TOWN",
        "channel_id": "C0WEB",
        "user_id": "U0ANA",
        "domain": "www.example.com",
        "tags": ("hero",),
        "force": state in {State.WAITING, State.DENIED, State.EXPIRED},
        "requested_at": AT,
        "state": state,
        **FACTS.get(state, {}),
    }
    return Purge(**(plain | facts))


DECIDED = {"decided_by": "U0SAM", "decided_at": AT}
FACTS: dict[State, dict[str, Any]] = {
    State.REFUSED: {
        "refusal": Refusal("policy-no-rule", "No rule lets you.", ("sre",), ("S0SRE",))
    },
    State.WAITING: {"expires_at": AT + timedelta(minutes=30), "approvers": ("S0SRE", "U0KIM")},
    State.DENIED: DECIDED,
    State.SUBMITTED: {"task_id": "9524312", "request_id": "D61E4801"},
    State.FAILED: {"failure": Failure("cdn-quota-day"), "request_id": "D61E4801"},
    State.UNKNOWN: {"failure": Failure("send-interrupted")},
}


def wrong(shown: Message) -> list[str]:
    """Give what is wrong with a message: for Slack, or for whoever reads it."""
    found = violations(list(shown.blocks), surface="message") + text_violations(shown.text)
    for text in [shown.text, *texts(shown.blocks)]:
        left = MARKUP.sub("", text)
        if "<" in left or ">" in left:
            found.append(f"something that Slack would take for markup: {text[:200]}")
        if re.search("&(?!amp;|lt;|gt;)", text):
            found.append(f"a character cut in two: …{text[-200:]}")
        if text.count("`") % 2:
            found.append(f"a code span without its end: …{text[-200:]}")
        if len(text) > 3000:
            found.append(f"{len(text)} characters")
    return found + [
        f"mentions made of plain words: {node}"
        for node in mrkdwn(shown.blocks)
        if not node.get("verbatim")
    ]


def mrkdwn(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "mrkdwn":
            yield node
        for value in node.values():
            yield from mrkdwn(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from mrkdwn(value)


def texts(node: Any) -> list[str]:
    return [found["text"] for found in mrkdwn(node)]


def said(shown: Message) -> str:
    return words({"blocks": list(shown.blocks), "text": shown.text})


# Titles


TRUTHS = {
    State.REQUESTED: "Checking your rights",
    State.REFUSED: "Purge refused: nothing was purged",
    State.WAITING: "Forced purge waits for approval",
    State.DENIED: "Forced purge denied: nothing was purged",
    State.EXPIRED: "Forced purge expired: nobody decided in time, nothing was purged",
    State.CANCELLED: "Purge cancelled by its requester: nothing was purged",
    State.READY: "Purge: sending to the CDN",
    State.SENDING: "Purge: sending to the CDN",
    State.SUBMITTED: "Purge submitted: the CDN has taken it",
    State.FAILED: "Purge failed: nothing was purged",
    State.UNKNOWN: "Purge: outcome unknown",
}


@pytest.mark.parametrize("state", State)
def test_the_title_says_what_is_true(state: State) -> None:
    shown = card(a_purge(state))
    assert TRUTHS[state] in texts(shown.blocks)[0].splitlines()[0]
    assert ("nothing was purged" in said(shown)) == ("nothing was purged" in TRUTHS[state])


@pytest.mark.parametrize("state", State)
def test_only_a_waiting_card_has_buttons_and_they_carry_its_id_alone(state: State) -> None:
    shown = card(a_purge(state))
    assert buttons({"blocks": shown.blocks}) == (
        ["Approve", "Deny", "Cancel request"] if state is State.WAITING else []
    )
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
    assert ("overload the origin" in said(shown)) == overload


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
    "code spans": {"tags": ("`a`", "```", "a`b"), "reason": "``` `x"},
    "a call to everybody": {
        "tags": ("<!channel>", "<!here>", "<@U0SAM>", "@channel"),
        "reason": "<!everyone> @here <http://example.com|click>",
    },
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
    assert wrong(card(a_purge(state, force=force, **facts))) == []


def test_a_reason_is_shown_whole_however_it_grows() -> None:
    reason = "&" * (MAX_REASON_CHARACTERS - 1) + "z"
    assert kit.escape(reason) in said(card(a_purge(reason=reason)))


def test_many_tags_are_counted() -> None:
    title = texts(card(a_purge(tags=tuple(f"t{n}" for n in range(2500)))).blocks)[0]
    listed = len(re.findall(r"`t\d+`", title))
    assert listed > 10
    assert f"and {2500 - listed} more" in title


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


# Refusals, errors and notices


def test_a_refusal_names_reason_role_and_holders() -> None:
    shown = said(refusal(a_purge(State.REFUSED)))
    assert "No rule lets you." in shown
    assert "role `sre`" in shown
    assert "Ask <!subteam^S0SRE>." in shown
    assert "`policy-no-rule`" in shown


def test_a_refusal_stays_readable_when_everything_in_it_is_long() -> None:
    sentence = f"No rule lets you purge the tag “{'&' * MAX_TAG_CHARACTERS}”."
    roles = tuple(f"role-{n}-" + "r" * 60 for n in range(500))
    refused = Refusal("policy-no-rule", sentence, roles, MANY)
    shown = refusal(a_purge(State.REFUSED, refusal=refused, domain=LONGEST_DOMAIN))
    assert wrong(shown) == []
    assert "Ask <@U0000000000>" in said(shown)
    assert "or 1990 others" in said(shown)


@pytest.mark.parametrize("kind", catalogue.KINDS.values(), ids=catalogue.KINDS)
@pytest.mark.parametrize("fact", ["&" * 20_000, "`<!channel>`", ""], ids=["long", "odd", "empty"])
def test_slack_takes_every_error_whatever_its_facts(kind: ErrorKind, fact: str) -> None:
    fields = re.findall(r"{(\w+)}", kind.message + kind.hint)
    problem = Problem(kind, {**dict.fromkeys(fields, fact), "holders": ",".join(MANY)})
    assert wrong(error(problem, corrected=f"/purge {fact}")) == []
    assert wrong(notice(Notice(kind.code, problem.facts))) == []
    failed = a_purge(State.FAILED, failure=Failure(kind.code, problem.facts), reason="&" * 500)
    assert wrong(card(failed)) == []


def test_a_correction_is_offered_only_if_it_can_be_shown_whole() -> None:
    kind = catalogue.kind("command-option-unknown")
    assert "Did you mean: `/purge a b`" in said(error(Problem(kind), corrected="/purge a b"))
    for hidden in ("t" * MAX_TAG_CHARACTERS, "&" * 600, "a`b"):
        shown = error(Problem(kind), corrected=f"/purge www.example.com {hidden}")
        assert "Did you mean" not in said(shown)
        assert wrong(shown) == []


@pytest.mark.parametrize(
    ("kind", "sure"),
    [(STORE_AWAY, True), (STORE_SLOW, False), (UNEXPECTED, False)],
    ids=["away", "slow", "unexpected"],
)
def test_nothing_was_purged_is_said_only_when_it_is_sure(kind: ErrorKind, sure: bool) -> None:
    assert ("nothing was purged" in said(error(Problem(kind))).lower()) == sure


# Help


@pytest.mark.parametrize(
    "may",
    [
        {},
        {"purge": "*"},
        {
            "purge": ",".join([LONGEST_DOMAIN] * 50),
            "force": LONGEST_DOMAIN,
            "approve": "*.a.example",
        },
    ],
    ids=["nothing", "everything", "much"],
)
def test_slack_takes_every_help(may: dict[str, str]) -> None:
    assert wrong(help_message(may)) == []


def test_a_message_that_slack_would_refuse_is_found_here() -> None:
    """The mirror of all of the above: the measure measures."""
    bad = Message("", ({"type": "section", "text": {"type": "mrkdwn", "text": "<!here> &am `"}},))
    assert len(wrong(bad)) == 5
    assert wrong(replace(bad, text="x", blocks=())) == []
