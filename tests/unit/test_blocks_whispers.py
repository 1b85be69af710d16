"""Refusals, errors, notices and help: readable and safe whatever is in them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from bot.core import error_registry
from bot.core.command.parser import MAX_TAG_CHARACTERS
from bot.core.errors import STORE_AWAY, STORE_SLOW, UNEXPECTED, ErrorInfo, ErrorKind
from bot.core.message import Notice
from bot.core.purge.purge import Failure, Refusal, State
from bot.slack.message import Message
from handlers.blocks.alert import alert
from handlers.blocks.error import error, notice_message
from handlers.blocks.help import help_message
from handlers.blocks.purge import card
from handlers.blocks.refusal import refusal
from handlers.blocks.thread_reply import outcome
from tests.support.message_blocks import LONGEST_DOMAIN, MANY, a_purge, said, wrong


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


@pytest.mark.parametrize("kind", error_registry.KINDS.values(), ids=error_registry.KINDS)
@pytest.mark.parametrize("fact", ["&" * 20_000, "`<!channel>`", ""], ids=["long", "odd", "empty"])
def test_slack_takes_every_error_whatever_its_facts(kind: ErrorKind, fact: str) -> None:
    fields = re.findall(r"{(\w+)}", kind.message + kind.hint)
    info = ErrorInfo(kind, {**dict.fromkeys(fields, fact), "holders": ",".join(MANY)})
    assert wrong(error(info, corrected=f"/purge {fact}")) == []
    assert wrong(notice_message(Notice(kind.code, info.facts))) == []
    failed = a_purge(State.FAILED, failure=Failure(kind.code, info.facts), reason="&" * 500)
    assert wrong(card(failed)) == wrong(outcome(failed)) == []


def test_only_others_than_the_operators_are_told_that_a_hint_is_for_them() -> None:
    kind = error_registry.kind("cdn-no-credentials")
    told = "For the operators of Purgebot: set the access key's ID and secret, or a role."
    assert told in said(error(ErrorInfo(kind)))
    alerted = said(alert(Notice(kind.code, {})))
    assert "Set the access key's ID and secret, or a role." in alerted
    assert "operators" not in alerted


def test_a_correction_is_offered_only_if_it_can_be_shown_whole() -> None:
    kind = error_registry.kind("command-option-unknown")
    assert "Did you mean: `/purge a b`" in said(error(ErrorInfo(kind), corrected="/purge a b"))
    for hidden in ("t" * MAX_TAG_CHARACTERS, "&" * 600, "a`b"):
        shown = error(ErrorInfo(kind), corrected=f"/purge www.example.com {hidden}")
        assert "Did you mean" not in said(shown)
        assert wrong(shown) == []


@pytest.mark.parametrize(
    ("kind", "sure"),
    [(STORE_AWAY, True), (STORE_SLOW, False), (UNEXPECTED, False)],
    ids=["away", "slow", "unexpected"],
)
def test_nothing_was_purged_is_said_only_when_it_is_sure(kind: ErrorKind, sure: bool) -> None:
    assert ("nothing was purged" in said(error(ErrorInfo(kind))).lower()) == sure


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
