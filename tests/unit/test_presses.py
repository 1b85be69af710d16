"""What a press comes to: by whom, on what, and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.decisions.presses import (
    STATE_WORDS,
    PressLeadsOn,
    PressRejected,
    decide_press,
    votes_open_to,
)
from bot.core.decisions.rulings import Rules
from bot.core.decisions.transition import Transition
from bot.core.interaction import QUESTIONS, InteractionKind
from bot.core.message import Notice
from bot.core.policy.decision import Actor, Membership
from bot.core.policy.document import Policy
from bot.core.purge.purge import Choice, Failure, Purge, State
from bot.core.purge.signatures import ApprovalKeys
from tests.support.builders import NOW, a_purge, an_approval, an_interaction, policy, somebody

ANA = somebody("U0ANA", "editors")
SAM = somebody("U0SAM", "sre")
KIM = somebody("U0KIM", "sre")
LEA = somebody("U0LEA", "leads")
LEO = somebody("U0LEO")
LATER = NOW + timedelta(minutes=30)
WAITING = a_purge(State.WAITING, expires_at=LATER, needs="one approval", approvers=("S0SRE",))
GRANTED = replace(
    WAITING,
    state=State.READY,
    send_at=NOW + timedelta(seconds=10),
    approvals=(an_approval("U0SAM"),),
)
KEYS = ApprovalKeys((b"k" * 32,))


@dataclass(frozen=True)
class Outcome:
    """What a press came to: its name in the audit trail, what changed, and what is told."""

    event: str
    purge: Purge | None = None
    notice: Notice | None = None


def press(
    kind: InteractionKind,
    by: Actor,
    purge: Purge | None = WAITING,
    law: Policy | None = None,
    keys: ApprovalKeys | None = None,
    **facts: Any,
) -> Outcome:
    keys, ask = keys or ApprovalKeys(), an_interaction(kind, by.user_id, **facts)
    if ask.signature is None:
        ask = replace(ask, signature=keys.sign_press(ask))
    match decide_press(ask, purge, Rules(law or policy(), "hash", keys=keys), by, ask.at):
        case Transition() as changed:
            (entry,) = changed.audit
            assert entry.purge_id == ask.purge_id
            assert (entry.event, entry.user_id) == (changed.event.value, by.user_id)
            return Outcome(entry.event, changed.purge)
        case PressRejected(notice, entry, expired):
            assert (entry.event, entry.user_id) == (notice.code, by.user_id)
            return Outcome(notice.code, expired.purge if expired else None, notice)
        case PressLeadsOn(leading):
            assert leading is purge
            return Outcome(kind.value)


@pytest.mark.parametrize(
    ("kind", "by", "event"),
    [
        (InteractionKind.APPROVE, SAM, "approve"),
        (InteractionKind.APPROVE, LEA, "approve"),
        (InteractionKind.APPROVE, ANA, "press-own-request"),
        (InteractionKind.APPROVE, LEO, "press-not-allowed"),
        (InteractionKind.DENY_FORM, SAM, "deny-form"),
        (InteractionKind.DENY_FORM, LEO, "press-not-allowed"),
        (InteractionKind.DENY, SAM, "deny"),
        (InteractionKind.DENY, ANA, "press-own-request"),
        (InteractionKind.CANCEL, ANA, "cancel"),
        (InteractionKind.CANCEL, SAM, "press-not-your-request"),
    ],
)
def test_who_may_do_what_while_it_waits(kind: InteractionKind, by: Actor, event: str) -> None:
    ruling = press(kind, by, text="no")
    assert ruling.event == event
    changed = event in {"approve", "deny", "cancel"}
    assert (ruling.purge is not None) == changed
    assert (ruling.notice is None) == (changed or event == "deny-form")


@pytest.mark.parametrize("membership", sorted(set(Membership) - {Membership.MEMBER}), ids=str)
def test_only_full_members_decide(membership: Membership) -> None:
    by = somebody("U0SAM", "sre", membership=membership)
    for kind in (InteractionKind.APPROVE, InteractionKind.DENY, InteractionKind.DENY_FORM):
        assert press(kind, by).event == "press-not-allowed"


@pytest.mark.parametrize(
    "kind", [InteractionKind.APPROVE, InteractionKind.DENY, InteractionKind.DENY_FORM]
)
def test_who_may_approve_but_is_not_asked_has_no_say(kind: InteractionKind) -> None:
    law = policy({"roles": ["sre"], "undo": "10s"})
    assert press(kind, LEA, law=law).event == "press-not-allowed"
    assert press(kind, SAM, law=law).event != "press-not-allowed"


def test_nor_can_they_stop_what_was_granted() -> None:
    law = policy({"roles": ["sre"], "undo": "10s"})
    assert press(InteractionKind.CANCEL, LEA, GRANTED, law).event == "press-not-allowed"
    for may in (ANA, SAM, KIM):
        assert press(InteractionKind.CANCEL, may, GRANTED, law).event == "cancel"


def test_a_press_of_another_workspace_changes_nothing() -> None:
    for kind, by in (
        (InteractionKind.APPROVE, SAM),
        (InteractionKind.CANCEL, ANA),
        (InteractionKind.DENY, SAM),
    ):
        assert press(kind, by, team_id="T0OTHER").event == "press-unknown-request"
        assert press(kind, by, None).event == "press-unknown-request"


def test_somebody_elses_id_that_is_alike_by_chance_cancels_nothing() -> None:
    stranger = somebody("U0ANA", membership=Membership.OUTSIDER)
    assert press(InteractionKind.CANCEL, stranger).event == "press-not-your-request"


def told(ruling: Outcome) -> dict[str, str]:
    """Give the facts of what the presser is told."""
    assert ruling.notice is not None
    assert ruling.notice.code == ruling.event
    return ruling.notice.facts


def test_whoever_pressed_in_vain_is_told_who_may_decide() -> None:
    asked = replace(WAITING, approvers=("S0SRE", "U0LEA"))
    assert told(press(InteractionKind.APPROVE, ANA, asked)) == {"holders": "S0SRE,U0LEA"}
    refused = told(press(InteractionKind.APPROVE, LEO, asked))
    assert refused["holders"] == "S0SRE,U0LEA"
    assert "No rule lets you approve" in refused["sentence"]
    assert told(press(InteractionKind.CANCEL, SAM, asked)) == {"holders": "U0ANA"}
    law = policy({"roles": ["sre"]})
    not_asked = told(press(InteractionKind.APPROVE, LEA, asked, law))
    assert (
        not_asked["sentence"]
        == "You may approve here, but this request asks for the yes of others."
    )
    stopped = told(press(InteractionKind.CANCEL, LEA, replace(GRANTED, approvers=("S0SRE",)), law))
    assert stopped["holders"] == "U0ANA,S0SRE"


def test_whoever_may_not_ask_for_it_cannot_say_what_follows() -> None:
    offered = a_purge(State.OFFERED)
    ruling = press(InteractionKind.POSTPONE, LEO, offered)
    assert ruling.event == "press-not-allowed"
    assert told(ruling)["holders"] == "U0ANA,S0EDITORS,S0SRE"
    assert press(InteractionKind.LEAVE, LEO, a_purge(State.UNKNOWN)).event == "press-not-allowed"


def test_who_had_it_run_later_or_left_is_remembered() -> None:
    later = press(InteractionKind.POSTPONE, SAM, a_purge(State.OFFERED)).purge
    assert later is not None
    assert (later.state, later.decided_by, later.decided_at) == (State.HELD, "U0SAM", NOW)
    left = press(InteractionKind.LEAVE, SAM, a_purge(State.UNKNOWN)).purge
    assert left is not None
    assert left.choice == Choice("leave", "U0SAM", NOW)


def test_who_decided_by_which_policy_and_why_is_remembered() -> None:
    denied = press(InteractionKind.DENY, SAM, text="the match is on").purge
    assert denied is not None
    assert (denied.decided_by, denied.decided_at, denied.denial) == (
        "U0SAM",
        NOW,
        "the match is on",
    )
    counted = press(InteractionKind.APPROVE, SAM, law=policy({"count": 2})).purge
    granted = press(InteractionKind.APPROVE, SAM).purge
    cancelled = press(InteractionKind.CANCEL, ANA).purge
    for purge in (denied, counted, granted, cancelled):
        assert purge is not None
        assert purge.policy_hash == "hash"


def test_shown_are_the_votes_that_a_press_would_let_somebody_give() -> None:
    law = policy({"roles": ["sre"], "count": 2})
    both = {InteractionKind.APPROVE, InteractionKind.DENY_FORM}
    assert votes_open_to(WAITING, law, SAM, NOW) == both
    assert votes_open_to(WAITING, law, LEA, NOW) == set()
    assert votes_open_to(WAITING, policy(), LEA, NOW) == both
    assert votes_open_to(WAITING, law, ANA, NOW) == set()
    assert votes_open_to(WAITING, law, ANA_AS_W, NOW) == set()
    once = replace(WAITING, approvals=(an_approval("U0SAM"),))
    assert votes_open_to(once, law, SAM, NOW) == {InteractionKind.DENY_FORM}
    assert votes_open_to(once, law, KIM, NOW) == both
    assert votes_open_to(WAITING, law, SAM, LATER) == set()
    assert votes_open_to(replace(WAITING, expires_at=None), law, SAM, LATER) == both
    assert votes_open_to(GRANTED, law, KIM, NOW) == set()


# One person is one person

ANA_AS_W = somebody("W0ANA", "sre", aliases=("U0ANA",))


def test_its_requester_is_known_by_every_id() -> None:
    assert press(InteractionKind.APPROVE, ANA_AS_W).event == "press-own-request"
    assert press(InteractionKind.CANCEL, ANA_AS_W).event == "cancel"
    asked_as_w = replace(WAITING, user_id="W0ANA", aliases=("U0ANA",))
    assert press(InteractionKind.APPROVE, somebody("U0ANA", "sre"), asked_as_w).event == (
        "press-own-request"
    )


def test_an_approval_under_another_id_is_the_same_approval() -> None:
    law = policy({"count": 2})
    once = press(InteractionKind.APPROVE, SAM, law=law).purge
    assert once is not None
    assert (once.state, once.approvals_counted, once.quorum) == (State.WAITING, 1, 2)
    again = somebody("W0SAM", "sre", aliases=("U0SAM",))
    twice = press(InteractionKind.APPROVE, SAM, once, law)
    assert (twice.event, told(twice)) == ("press-approved-already", {"needs": "2 approvals"})
    assert press(InteractionKind.APPROVE, again, once, law).event == "press-approved-already"
    assert press(InteractionKind.APPROVE, KIM, once, law).event == "approve"


def test_an_approval_says_who_where_as_whom_and_is_signed() -> None:
    by = somebody("U0SAM", "sre", aliases=("W0SAM",))
    done = press(InteractionKind.APPROVE, by, keys=KEYS, channel_id="C0OPS").purge
    assert done is not None
    (given,) = done.approvals
    assert (given.user_id, given.roles, given.channel_id) == ("U0SAM", ("sre",), "C0OPS")
    assert given.aliases == ("W0SAM",)
    assert KEYS.verify_approval(WAITING, given)
    assert not KEYS.verify_approval(replace(WAITING, id="P2"), given)


@pytest.mark.parametrize(
    "kind",
    [kind for kind in InteractionKind if kind not in QUESTIONS and kind not in {"help", "tags"}],
)
def test_with_a_key_a_press_without_its_signature_changes_nothing(kind: InteractionKind) -> None:
    ruling = press(kind, SAM, keys=KEYS, signature="0" * 64)
    assert (ruling.purge, ruling.event) == (None, "press-doubtful")


# How many, and for how long


def test_a_yes_that_fits_better_later_finds_its_place() -> None:
    law = policy({"roles": ["sre", "leads"], "one_of_each": True})
    both = somebody("U0BOB", "sre", "leads")
    once = press(InteractionKind.APPROVE, both, law=law).purge
    assert once is not None
    assert once.approvals_counted == 1
    assert press(InteractionKind.APPROVE, SAM, once, law).event == "approve"
    first = press(InteractionKind.APPROVE, SAM, law=law).purge
    assert first is not None
    assert press(InteractionKind.APPROVE, KIM, first, law).event == "count"


def test_the_card_goes_by_the_policy_of_the_press() -> None:
    counted = press(InteractionKind.APPROVE, SAM, law=policy({"count": 3})).purge
    assert counted is not None
    assert (counted.needs, counted.approvals_counted, counted.quorum) == ("3 approvals", 1, 3)


def test_what_was_granted_can_be_taken_back_for_as_long_as_the_policy_says() -> None:
    done = press(InteractionKind.APPROVE, SAM, law=policy({"undo": "10s"})).purge
    assert done is not None
    assert done.send_at == NOW + timedelta(seconds=10)
    in_time, late = (NOW + timedelta(seconds=s) for s in (9, 10))
    assert press(InteractionKind.CANCEL, ANA, done, at=in_time).event == "cancel"
    assert press(InteractionKind.CANCEL, ANA, done, at=late).event == "press-late"
    now = press(InteractionKind.APPROVE, SAM).purge
    assert now is not None
    assert now.send_at is None


def test_the_first_press_after_the_expiry_ends_it() -> None:
    late = press(InteractionKind.APPROVE, SAM, at=LATER)
    assert late.event == "press-late"
    assert late.purge is not None
    assert late.purge.state is State.EXPIRED
    assert press(InteractionKind.APPROVE, SAM, at=LATER - timedelta(seconds=1)).event == "approve"


# Which buttons there are, by state

PRESSABLE: dict[InteractionKind, set[State]] = {
    InteractionKind.APPROVE: {State.WAITING},
    InteractionKind.DENY: {State.WAITING},
    InteractionKind.DENY_FORM: {State.WAITING},
    InteractionKind.CANCEL: {State.WAITING, State.HELD, State.OFFERED, State.QUEUED},
    InteractionKind.POSTPONE: {State.OFFERED},
    InteractionKind.AGAIN: {State.UNKNOWN},
    InteractionKind.LEAVE: {State.UNKNOWN},
    InteractionKind.ESCALATE: {State.COMPLETE},
}


@pytest.mark.parametrize("kind", PRESSABLE, ids=str)
@pytest.mark.parametrize("state", list(State), ids=str)
def test_a_press_on_a_button_that_is_not_there_any_more_is_late(
    kind: InteractionKind, state: State
) -> None:
    purge = a_purge(state, force=False, expires_at=LATER, failure=Failure("cdn-daily-quota"))
    by = somebody("U0ANA", "editors") if kind is not InteractionKind.APPROVE else SAM
    ruling = press(kind, by, purge, text="no")
    assert (ruling.event == "press-late") == (state not in PRESSABLE[kind])


@pytest.mark.parametrize(
    "kind", [InteractionKind.AGAIN, InteractionKind.LEAVE, InteractionKind.ESCALATE]
)
def test_of_two_who_choose_what_follows_the_first_counts(kind: InteractionKind) -> None:
    state = State.COMPLETE if kind is InteractionKind.ESCALATE else State.UNKNOWN
    purge = a_purge(state, force=False)
    assert press(kind, ANA, purge).event != "press-late"
    chosen = replace(purge, choice=Choice(kind.value, "U0SAM", NOW))
    assert press(kind, ANA, chosen).event == "press-late"


def test_a_forced_purge_has_nothing_to_escalate_to() -> None:
    assert press(InteractionKind.ESCALATE, ANA, a_purge(State.COMPLETE)).event == "press-late"


def test_every_state_has_its_words() -> None:
    assert set(STATE_WORDS) == set(State)
