"""What whoever decides, or is told to ask somebody, must find on a card, in a dialog, in a notification."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.core import error_registry
from bot.core.command import query_errors
from bot.core.errors import STORE_AWAY, ErrorInfo
from bot.core.policy.approvers import Briefing
from bot.core.policy.decision import operators_of
from bot.core.purge.purge import Purge, Refusal, State
from bot.core.text import errors as text_errors
from handlers.blocks.error import error
from handlers.blocks.operators import naming_operators
from handlers.blocks.purge import card
from handlers.blocks.thread_reply import outcome
from tests.support.builders import RULES, policy
from tests.support.message_blocks import VARIANTS, a_purge, said
from tests.support.messages import buttons

REASON = "Old prices are still shown"


def waiting(**facts: Any) -> Purge:
    return a_purge(State.WAITING, **{"force": True, "reason": REASON, "quorum": 1, **facts})


def dialog(purge: Purge, button: str) -> str:
    (found,) = [
        element["confirm"]["text"]["text"]
        for block in card(purge).blocks
        for element in (block["elements"] if block["type"] == "actions" else ())
        if element["text"]["text"] == button
    ]
    return str(found)


def test_an_approvers_notification_alone_says_who_what_why_and_how_risky() -> None:
    text = card(waiting(), calls=True).text
    assert text.startswith("Forced purge waits for approval: <@U0ANA> asks for www.example.com")
    assert "1 tag: hero" in text
    assert f"Reason: `{REASON}`" in text
    assert "That can overload it" in text
    assert "No reason was given" in card(waiting(reason=None)).text
    assert "overload" not in card(waiting(force=False)).text


def test_the_dialog_of_approve_repeats_risk_and_reason_and_says_when_it_is_sent() -> None:
    told = dialog(waiting(), "Approve")
    assert "“hero”" in told
    assert f"Reason: “{REASON}”" in told
    assert "Every edge fetches from the web server again" in told
    assert told.endswith("\nIt is sent at once, or when the time to stop it is over.")
    assert told.index("Reason") < told.index("Every edge") < told.index("It is sent")
    first = dialog(waiting(quorum=3), "Approve")
    assert "It is sent when 2 more approve." in first
    assert "at once" not in first
    last = dialog(waiting(quorum=3, approvals_counted=2), "Approve")
    assert "at once" in last
    assert "Every edge" not in dialog(waiting(force=False), "Approve")


def test_where_the_dialog_has_no_room_the_reason_goes_first_and_the_marks_stay() -> None:
    many = waiting(
        tags=("*", *(f"tag-{n}" for n in range(90))), reason="r" * 500, domain="a." * 60 + "com"
    )
    told = dialog(many, "Approve")
    assert len(told) <= 300
    assert "Look twice" in told
    assert "It is sent" in told


def test_cancel_says_whose_it_is_and_is_missing_where_others_are_called() -> None:
    called = waiting(briefing=Briefing(called=("S0SRE",), channel_id="C0OPS"))
    assert "Cancel (requester only)" in buttons({"blocks": card(called).blocks})
    assert buttons({"blocks": card(called, calls=True).blocks}) == ["Approve", "Deny"]
    held = {"needs": "one approval"}
    assert buttons({"blocks": card(a_purge(State.HELD, **held)).blocks}) == ["Cancel"]


@pytest.mark.parametrize(("force", "risk"), [(True, True), (False, False)])
def test_purge_again_names_the_risk_of_a_forced_one(force: bool, risk: bool) -> None:
    unknown = a_purge(State.UNKNOWN, force=force)
    told = f"{dialog(unknown, 'Purge again')} {said(card(unknown))}"
    assert ("which can overload it" in told) == risk
    assert ("does no harm" in told) != risk


def test_what_was_stopped_after_its_approval_is_not_called_cancelled() -> None:
    assert "stopped by <@U0SAM>" in outcome(VARIANTS["stopped"]).text
    assert "cancelled by <@U0SAM>" in outcome(VARIANTS["cancelled"]).text


def test_expired_with_some_approvals_says_how_many() -> None:
    purge = VARIANTS["expired-partly"]
    for told in (said(card(purge)), outcome(purge).text):
        assert "1 of 2 approvals" in told
        assert "nobody decided" not in told


# Who the operators are

ASKS_THEM = "cdn-turned-down"


def named(channel: str | None, *people: str) -> str:
    shown = error(ErrorInfo(error_registry.kind(ASKS_THEM), {"http_status": "403"}))
    return said(naming_operators(shown, channel, lambda: people))


def test_the_operators_are_named_by_their_channel_or_their_people() -> None:
    assert "Tell the operators of Purgebot (<#C0OPS>): a proxy" in named("C0OPS", "U0ADA")
    assert "the operators of Purgebot (<@U0ADA> or <!subteam^S0OPS>): a" in named(
        None, "U0ADA", "S0OPS"
    )
    assert "Tell the operators of Purgebot: a proxy" in named(None)


def test_the_operators_are_the_holders_of_roles_that_may_admin() -> None:
    admins = {"rule": "They run it", "roles": ["leads"], "allow": ["admin"], "domains": ["*"]}
    assert operators_of(policy(rules=[*RULES, admins])) == ("S0LEADS",)
    assert operators_of(policy()) == ()


def test_words_of_people_are_left_alone() -> None:
    purge = a_purge(State.WAITING, reason="ask the operators of Purgebot")
    shown = naming_operators(card(purge), "C0OPS", tuple)
    assert [each for each in shown.blocks if each["type"] == "rich_text"] == [
        each for each in card(purge).blocks if each["type"] == "rich_text"
    ]


# Who typed something wrong, or may not


def test_each_mistake_of_a_command_names_the_help_and_no_other_error_does() -> None:
    for kind in (text_errors.TAG_MISSING, text_errors.FORCE_WORDS, query_errors.MISSPELT):
        assert "`/purge help` says what you can type" in said(error(ErrorInfo(kind)))
    assert "/purge help" not in said(error(ErrorInfo(STORE_AWAY)))


def test_a_guest_is_told_who_can_and_not_which_role_it_takes() -> None:
    refused = Refusal("policy-not-member", "Guests may not do this.", ("SRE",), ("S0SRE",))
    shown = said(card(a_purge(State.REFUSED, refusal=refused)))
    assert "Ask <!subteam^S0SRE>." in shown
    assert "It takes the role" not in shown
    member = said(card(a_purge(State.REFUSED, refusal=replace(refused, code="policy-no-rule"))))
    assert "It takes the role `SRE`." in member
