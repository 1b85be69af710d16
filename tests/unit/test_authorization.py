"""The gate: what may be sent, and what may not, whatever the row says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.audit import Link
from bot.core.decisions.authorization import (
    SendFacts,
    SendLater,
    SendPermit,
    authorize_send,
    takes_proof,
)
from bot.core.decisions.rulings import Rules
from bot.core.decisions.transition import Transition
from bot.core.errors import BotError
from bot.core.policy.decision import Actor, Membership
from bot.core.policy.document import Policy
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import Purge, State
from bot.core.purge.signatures import ApprovalKeys
from tests.support.audit_entries import trail_of
from tests.support.builders import NOW, RULES, a_purge, an_approval, policy, somebody

ANA = somebody("U0ANA", "editors")
SAM = somebody("U0SAM", "sre")
KIM = somebody("U0KIM", "sre")
LEA = somebody("U0LEA", "leads")
BOTH = somebody("U0BOB", "sre", "leads")
KEYS = ApprovalKeys((b"k" * 32,))
READY = a_purge(State.READY, version=3)
PLAIN = replace(READY, force=False)


def decide(
    purge: Purge,
    *people: Actor,
    law: Policy | None = None,
    keys: ApprovalKeys | None = None,
    links: Sequence[Any] | None = (),
) -> SendPermit | Transition | SendLater:
    actors = {actor.user_id: actor for actor in (ANA, *people)}
    chain = trail_of(purge) if links == () else links
    facts = SendFacts(actors, chain)
    rules = Rules(law or policy(), "hash", keys=keys or ApprovalKeys())
    return authorize_send(purge, rules, facts, NOW)


def why_not(purge: Purge, *people: Actor, **more: Any) -> str | None:
    """Give the code of the refusal; None where there is a permit."""
    decision = decide(purge, *people, **more)
    if isinstance(decision, SendPermit):
        assert decision.purge == purge
        return None
    assert isinstance(decision, Transition)
    refused = decision.purge
    assert refused.state is State.REFUSED
    assert refused.refusal is not None
    assert refused.policy_hash == "hash"
    return refused.refusal.code


def approved(*approvals: Approval, **facts: Any) -> Purge:
    return replace(READY, **{"approvals": approvals, "version": 2 + len(approvals), **facts})


SAM_APPROVES, KIM_APPROVES, LEA_APPROVES = (
    an_approval("U0SAM", "sre"),
    an_approval("U0KIM", "sre"),
    an_approval("U0LEA", "leads"),
)


def test_a_plain_one_goes_by_the_right_of_its_requester() -> None:
    assert why_not(PLAIN) is None
    assert why_not(PLAIN, somebody("U0ANA")) == "policy-no-rule"
    assert why_not(PLAIN, somebody("U0ANA", "editors", membership=Membership.GUEST)) == (
        "policy-not-member"
    )


def test_a_permit_says_by_which_rules_in_their_own_words() -> None:
    twice = policy(rules=[{**RULES[0], "tags": [tag], "rule": f"On {tag}"} for tag in ("a", "b")])
    for law, tags, because in (
        (policy(), ("hero",), "allowed by They ask"),
        (twice, ("a", "b"), "allowed by On a; On b"),
    ):
        permit = decide(replace(PLAIN, tags=tags), law=law)
        assert isinstance(permit, SendPermit)
        assert permit.because == because


@pytest.mark.parametrize("state", sorted(set(State) - {State.READY, State.HELD}), ids=str)
def test_only_what_is_to_be_sent_is_decided_on(state: State) -> None:
    for purge in (replace(PLAIN, state=state), replace(approved(SAM_APPROVES), state=state)):
        with pytest.raises(BotError) as caught:
            decide(purge, SAM)
        assert caught.value.info.code == "purge-wrong-turn"


@pytest.mark.parametrize("state", [State.READY, State.HELD])
def test_a_forced_one_takes_an_approval_whatever_its_state(state: State) -> None:
    assert why_not(replace(READY, state=state)) == "approval-lost"
    assert why_not(replace(approved(SAM_APPROVES), state=state), SAM) is None


def test_the_permit_says_why() -> None:
    permit = decide(approved(SAM_APPROVES), SAM)
    assert isinstance(permit, SendPermit)
    assert permit.because == "approved by U0SAM"


def test_only_the_gate_makes_a_permit() -> None:
    with pytest.raises(TypeError):
        SendPermit(READY, "because I say so", seal=object())
    permit = decide(PLAIN)
    assert isinstance(permit, SendPermit)
    with pytest.raises((TypeError, ValueError)):
        replace(permit, purge=READY)  # type: ignore[call-arg]


# Who counts


@pytest.mark.parametrize(
    ("law", "approvals", "people", "code"),
    [
        ({"count": 2}, (SAM_APPROVES, KIM_APPROVES), (SAM, KIM), None),
        ({"count": 2}, (SAM_APPROVES,), (SAM,), "approval-lost"),
        ({"count": 2}, (SAM_APPROVES, SAM_APPROVES), (SAM,), "approval-lost"),
        ({"roles": ["sre"]}, (LEA_APPROVES,), (LEA,), "approval-lost"),
        ({"roles": ["sre"], "count": 2}, (SAM_APPROVES, KIM_APPROVES), (SAM, KIM), None),
        (
            {"roles": ["sre", "leads"], "one_of_each": True},
            (an_approval("U0BOB", "sre", "leads"), SAM_APPROVES),
            (BOTH, SAM),
            None,
        ),
        (
            {"roles": ["sre", "leads"], "one_of_each": True},
            (SAM_APPROVES, KIM_APPROVES),
            (SAM, KIM),
            "approval-lost",
        ),
        (
            {"roles": ["sre", "leads"], "one_of_each": True},
            (an_approval("U0BOB", "sre", "leads"),),
            (BOTH,),
            "approval-lost",
        ),
    ],
)
def test_what_the_policy_asks_for_now_must_be_there(
    law: dict[str, Any],
    approvals: tuple[Approval, ...],
    people: tuple[Actor, ...],
    code: str | None,
) -> None:
    assert why_not(approved(*approvals), *people, law=policy(law)) == code


def test_who_left_the_role_that_is_asked_does_not_count_though_they_may_approve() -> None:
    law = policy({"roles": ["sre"]})
    assert why_not(approved(SAM_APPROVES), somebody("U0SAM", "leads"), law=law) == "approval-lost"
    assert why_not(approved(SAM_APPROVES), SAM, law=law) is None


@pytest.mark.parametrize("membership", sorted(set(Membership) - {Membership.MEMBER}), ids=str)
def test_who_is_no_full_member_any_more_does_not_count(membership: Membership) -> None:
    gone = somebody("U0SAM", "sre", membership=membership)
    assert why_not(approved(SAM_APPROVES), gone) == "approval-lost"


def test_nobody_counts_for_their_own_request_under_any_id() -> None:
    own = an_approval("U0ANA", "sre")
    ana = somebody("U0ANA", "sre")
    assert why_not(approved(own), ana) == "approval-lost"
    other_id = somebody("W0ANA", "sre", aliases=("U0ANA",))
    assert why_not(approved(an_approval("W0ANA", "sre")), other_id) == "approval-lost"
    assert why_not(
        approved(an_approval("W0ANA", aliases=("U0ANA",))), somebody("W0ANA", "sre")
    ) == ("approval-lost")
    known = approved(an_approval("W0ANA", "sre"), aliases=("W0ANA",))
    assert why_not(known, somebody("W0ANA", "sre")) == "approval-lost"


def test_nobody_counts_twice_under_two_ids() -> None:
    law = policy({"count": 2})
    twice = approved(SAM_APPROVES, an_approval("W0SAM", "sre"))
    sam = somebody("U0SAM", "sre", aliases=("W0SAM",))
    same = somebody("W0SAM", "sre", aliases=("U0SAM",))
    assert why_not(twice, sam, same, law=law) == "approval-lost"
    assert why_not(twice, SAM, somebody("W0SAM", "sre"), law=law) is None, "two people"


def test_a_role_of_a_channel_counts_where_the_approval_was_given() -> None:
    law = policy({"roles": ["room"]})
    given = approved(an_approval("U0LEO", "room", channel_id="C0OPS"))
    assert why_not(given, somebody("U0LEO", channel="C0OPS"), law=law) is None
    assert why_not(given, somebody("U0LEO", channel="C0WEB"), law=law) == "approval-lost"


# The glass


def test_the_glass_is_broken_by_whom_the_policy_names_now() -> None:
    law = policy({"break_glass": ["editors"]})
    urgent = replace(READY, break_glass=True)
    assert why_not(urgent, law=law) is None
    assert why_not(urgent, law=policy({"break_glass": ["leads"]})) == "approval-lost"
    assert why_not(urgent) == "approval-lost"
    held = replace(urgent, state=State.HELD)
    assert why_not(held, somebody("U0ANA", "sre"), law=law) == "approval-lost"


# Time


def test_what_can_still_be_taken_back_is_sent_later() -> None:
    at = NOW + timedelta(seconds=1)
    assert decide(approved(SAM_APPROVES, send_at=at), SAM) == SendLater(at)
    assert why_not(approved(SAM_APPROVES, send_at=NOW), SAM) is None


def test_nor_is_it_sent_sooner_where_only_its_row_says_so() -> None:
    """The time for undo is that of the policy, since the trail says that it was approved."""
    law = policy({"undo": "10s"})
    assert decide(approved(SAM_APPROVES), SAM, law=law) == SendLater(NOW + timedelta(seconds=10))
    before = approved(SAM_APPROVES, requested_at=NOW - timedelta(seconds=10))
    assert why_not(before, SAM, law=law) is None


# Proof


@pytest.mark.parametrize(
    "tampered",
    [
        {"user_id": "U0KIM"},
        {"domain": "img.example.com"},
        {"tags": ("hero", "checkout")},
        {"state": State.HELD},
        {"version": 4},
        {"approvals": (KIM_APPROVES,)},
        {"decided_by": "U0KIM"},
    ],
)
def test_a_row_that_does_not_fit_its_trail_is_not_sent(tampered: dict[str, Any]) -> None:
    honest = approved(SAM_APPROVES, decided_by="U0SAM")
    law = policy(
        {}, rules=[{"rule": "All", "roles": "*", "allow": ["force", "approve"], "domains": ["*"]}]
    )
    assert why_not(honest, SAM, KIM, law=law) is None
    row = replace(honest, **tampered)
    assert why_not(row, SAM, KIM, law=law, links=trail_of(honest)) == "record-doubtful"


def test_without_a_trail_nothing_forced_is_sent() -> None:
    free = policy({"required": False})
    empty: list[Link] = []
    for links in (empty, None):
        assert why_not(READY, law=free, links=links) == "record-doubtful"
        assert why_not(approved(SAM_APPROVES), SAM, links=links) == "record-doubtful"
        assert why_not(PLAIN, links=links) is None
    assert why_not(READY, law=free) is None


def test_with_a_key_only_what_the_bot_signed_is_sent() -> None:
    asked = replace(READY, signature=KEYS.sign_request(READY))
    signed = replace(SAM_APPROVES, signature=KEYS.sign_approval(asked, SAM_APPROVES))
    assert why_not(replace(asked, approvals=(signed,)), SAM, keys=KEYS) is None
    for forged in (
        replace(asked, approvals=(SAM_APPROVES,)),
        replace(READY, approvals=(signed,)),
        replace(asked, approvals=(signed, KIM_APPROVES)),
        replace(asked, approvals=(replace(signed, user_id="U0KIM"),)),
    ):
        assert why_not(forged, SAM, KIM, keys=KEYS) == "record-doubtful"


@pytest.mark.parametrize(
    ("purge", "law", "takes"),
    [
        (PLAIN, {}, False),
        (PLAIN, {"actions": ["purge"]}, True),
        (READY, {}, True),
        (READY, {"required": False}, True),
    ],
)
def test_what_is_forced_or_takes_approval_takes_proof(
    purge: Purge, law: dict[str, Any], takes: bool
) -> None:
    assert takes_proof(purge, policy(law)) is takes
