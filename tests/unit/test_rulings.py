"""Who is told of what, who may do what in /purge help, and which domain somebody may have meant."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.decisions.requests import refuse_unchecked
from bot.core.decisions.rulings import (
    action_of,
    help_notice,
    refusal_of,
    requires_approval,
    suggested_command,
    suggested_domain,
)
from bot.core.decisions.transition import notifies_requester
from bot.core.policy.decision import Actor, Membership, decide, decide_all
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action
from bot.core.purge.purge import Event, State
from handlers.blocks.help import help_message
from tests.support.builders import NOW, a_purge, policy, somebody
from tests.support.message_blocks import said

ANA = somebody("U0ANA", "editors")
PLAIN = a_purge(force=False)


def test_a_forced_purge_takes_the_right_to_force() -> None:
    assert action_of(PLAIN) is Action.PURGE
    assert action_of(a_purge()) is Action.FORCE


def test_others_are_asked_where_the_policy_demands_it() -> None:
    assert requires_approval(a_purge(), policy())
    assert not requires_approval(PLAIN, policy())
    assert requires_approval(PLAIN, policy({"actions": ["purge"]}))
    assert not requires_approval(a_purge(), policy({"required": False}))


# Who is told

ALWAYS = {
    *(Event.DENY, Event.EXPIRE, Event.REJECT, Event.SILENT),
    *(Event.FINISH, Event.FAIL, Event.GIVE_UP, Event.SEARCHED),
}
IT_DEPENDS = {Event.CANCEL, Event.REFUSE, Event.LOSE}


@pytest.mark.parametrize("event", sorted(set(Event) - IT_DEPENDS - {Event.REQUEST}), ids=str)
def test_its_requester_is_told_how_it_went_and_nothing_else(event: Event) -> None:
    assert notifies_requester(a_purge(), event) is (event in ALWAYS)


def test_what_the_requester_did_themselves_they_know() -> None:
    assert not notifies_requester(a_purge(decided_by="U0ANA"), Event.CANCEL)
    assert notifies_requester(a_purge(decided_by="U0SAM"), Event.CANCEL)


def test_of_a_lost_answer_they_hear_when_nobody_looks_for_its_task() -> None:
    sent = a_purge(sent_at=NOW)
    assert not notifies_requester(sent, Event.LOSE)
    assert notifies_requester(a_purge(), Event.LOSE)
    assert notifies_requester(replace(sent, joined_to="P0"), Event.LOSE)


@pytest.mark.parametrize(
    ("lasting", "code"), [(False, "rights-unknown"), (True, "rights-lookup-refused")]
)
def test_whose_rights_nobody_can_find_out_is_refused(code: str, *, lasting: bool) -> None:
    refused = refuse_unchecked(a_purge(), NOW, lasting=lasting).purge
    assert refused.state is State.REFUSED
    assert refused.refusal is not None
    assert refused.refusal.code == code
    assert "nothing was purged" in refused.refusal.sentence


# What people may do


def test_help_names_what_somebody_may_do_and_nothing_else() -> None:
    law = policy()
    assert help_notice(law, ANA).facts.keys() == {
        *("purge", "rights purge", "example purge"),
        *("force", "rights force", "example force", "asks"),
    }
    lea = help_notice(law, somebody("U0LEA", "leads")).facts
    assert lea.keys() == {"approve", "rights approve", "asks", "holders"}
    assert lea["holders"] == "S0EDITORS,S0SRE"
    assert help_notice(law, ANA, "status").facts["topic"] == "status"
    guest = help_notice(law, somebody("U0GUS", "editors", membership=Membership.GUEST), "status")
    assert guest.facts.keys() == {"cannot", "holders"}


LIMITED = [
    {"rule": "campaigns", "roles": ["editors"], "allow": ["purge"], "domains": ["www.example.com"],
     "tags": ["campaign-*", "hero"]},
    {"rule": "all", "roles": ["sre"], "allow": ["purge", "force"], "domains": ["*"]},
    {"rule": "not the checkout", "roles": "*", "deny": ["force"], "domains": ["shop.example.com"],
     "tags": ["check*", "2026*"]},
    {"rule": "nor the front page", "roles": "*", "deny": ["force"], "domains": ["www.example.com"],
     "tags": ["hero"]},
]  # fmt: skip


def test_an_example_of_the_help_is_allowed_and_limits_and_denials_are_told() -> None:
    law = policy(rules=LIMITED)
    ana = help_notice(law, ANA).facts
    assert ana["example purge"] == "www.example.com campaign-2026"
    shown = said(help_message(ana))
    assert "You may purge: `www.example.com` (tags `campaign-*`, `hero`)" in shown
    assert "--force" not in shown
    sam = help_notice(law, somebody("U0SAM", "sre")).facts
    domain, tags = sam["example force"].split()
    assert decide_all(law, somebody("U0SAM", "sre"), Action.FORCE, domain, tags.split(",")).allowed
    shown = said(help_message(sam))
    assert (
        "You may force: every domain (but not `check*`, `2026*` of `shop.example.com`, "
        "but not `hero` of `www.example.com`)" in shown
    )
    assert "You may purge: every domain\n" in shown


def test_help_counts_what_it_does_not_show() -> None:
    many = {"rule": "many", "roles": ["editors"], "allow": ["purge"]}
    law = policy(rules=[many | {"domains": [f"www{n}.example.com" for n in range(500)]}])
    facts = help_notice(law, ANA).facts
    assert len(facts["rights purge"]) < 4000
    shown = said(help_message(facts))
    listed = shown.count("`www")
    assert f"and {500 - listed} more" in shown


def test_help_says_whether_the_forced_example_takes_approval() -> None:
    exempt = {"required": False}
    for approvals, told in (((), "Somebody else approves it first."), ((exempt,), "no approval")):
        shown = said(help_message(help_notice(policy(*approvals), ANA).facts))
        assert told in shown


def test_who_may_nothing_is_told_who_can_and_a_guest_that_guests_cannot() -> None:
    law = policy()
    nobody = said(help_message(help_notice(law, somebody("U0LEO")).facts))
    assert "You may not purge anything yet." in nobody
    assert "These can purge: <!subteam^S0EDITORS> or <!subteam^S0SRE>." in nobody
    assert "to give you a role" in nobody
    guest = somebody("U0GUS", "editors", membership=Membership.GUEST)
    shown = said(help_message(help_notice(law, guest).facts))
    assert "Guests may not do this: only full members" in shown
    assert "These can purge: <!subteam^S0EDITORS>" in shown
    assert "give you a role" not in shown


def test_a_refusal_names_the_roles_that_it_takes_and_their_holders() -> None:
    law = policy()
    decision = decide(law, somebody("U0LEO"), Action.FORCE, "www.example.com", "hero")
    refusal = refusal_of(decision, law)
    assert refusal.code == "policy-no-rule"
    assert refusal.roles == ("Editors", "SRE")
    assert refusal.holders == ("S0EDITORS", "S0SRE")


def test_everybody_is_no_role_with_a_title() -> None:
    rule = {"rule": "All", "roles": "*", "allow": ["purge"], "domains": ["*"]}
    law = policy(rules=[rule])
    guest = somebody("U0LEO", membership=Membership.GUEST)
    refusal = refusal_of(decide(law, guest, Action.PURGE, "www.example.com", "hero"), law)
    assert (refusal.roles, refusal.holders) == ((), ("*",))


# Which domain they may have meant

TYPED = replace(PLAIN, domain="ww.example.com", reason="new logo")


def on(*domains: str) -> Policy:
    allow = {"rule": "They ask", "roles": ["editors"], "allow": ["purge"], "domains": domains}
    return policy(rules=[allow])


def meant(law: Policy, *account: str, actor: Actor | None = ANA) -> str | None:
    return suggested_domain(TYPED, law, account, lambda _: actor)


def test_a_domain_is_suggested_that_is_like_it_and_where_they_may_purge_the_same() -> None:
    assert meant(on("www.example.com")) == "www.example.com"
    assert meant(on("*"), "www.example.com") == "www.example.com"
    assert meant(on("*"), "shop.example.org") is None
    assert meant(on("img.example.com"), "www.example.com") is None


def test_a_pattern_is_no_domain_to_suggest() -> None:
    assert meant(on("*.example.com")) is None


def test_to_whom_nobody_knows_or_may_nothing_there_nothing_is_suggested() -> None:
    assert meant(on("www.example.com"), actor=None) is None
    assert meant(on("www.example.com"), actor=somebody("U0LEO")) is None


def test_another_domain_is_suggested_where_the_first_is_not_known_to_be_theirs() -> None:
    near = ("www.example.com", "ww.example.co")
    for known in near:
        found = suggested_domain(TYPED, on(*near), (), {known: ANA}.get)
        assert found == known


def test_the_command_is_suggested_as_it_was_of_the_other_domain() -> None:
    assert suggested_command(TYPED) is None
    suggested = suggested_command(replace(TYPED, suggestion="www.example.com", break_glass=True))
    assert suggested is not None
    assert (suggested.domain, suggested.tags) == ("www.example.com", ("hero",))
    assert (suggested.force, suggested.reason, suggested.break_glass) == (False, "new logo", True)
