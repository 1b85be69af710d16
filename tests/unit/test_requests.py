"""What becomes of a request: refused, joined, queued, waiting for others, or ready."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.decisions.requests import Load, RequestFacts, authorize_request
from bot.core.decisions.rulings import Limits, Rules
from bot.core.decisions.transition import Transition
from bot.core.policy.approvers import Roster
from bot.core.policy.decision import Actor, Membership
from bot.core.policy.document import Policy
from bot.core.purge.joining import Related
from bot.core.purge.purge import Purge, State
from bot.core.purge.signatures import ApprovalKeys
from tests.support.builders import NOW, a_purge, another, policy, somebody

ANA = somebody("U0ANA", "editors")
SRE = Roster({"S0SRE": frozenset({"U0SAM", "U0KIM"}), "S0LEADS": frozenset({"U0LEA"})})
WINDOW = timedelta(seconds=5)
PLAIN = a_purge(force=False)
NARROW = [
    {"rule": "They ask", "roles": ["editors"], "allow": ["purge", "force"], "domains": ["*"]},
    {"rule": "They approve", "roles": ["sre", "leads"], "allow": ["approve"], "domains": ["*"]},
]


def decided(
    purge: Purge,
    by: Actor = ANA,
    law: Policy | None = None,
    *,
    limits: Limits | None = None,
    keys: ApprovalKeys | None = None,
    window: timedelta = WINDOW,
    shared: frozenset[str] = frozenset(),
    **facts: Any,
) -> Transition:
    law, limits, keys = law or policy(rules=NARROW), limits or Limits(), keys or ApprovalKeys()
    rules = Rules(law, "hash", limits, window, keys, shared)
    return authorize_request(purge, rules, RequestFacts(by, **{"roster": SRE, **facts}), NOW)


def ruled(purge: Purge, by: Actor = ANA, law: Policy | None = None, **more: Any) -> Purge:
    return decided(purge, by, law, **more).purge


def why(purge: Purge) -> str | None:
    return purge.refusal.code if purge.refusal else None


@pytest.mark.parametrize("membership", sorted(set(Membership) - {Membership.MEMBER}), ids=str)
def test_only_full_members_may_ask(membership: Membership) -> None:
    by = somebody("U0ANA", "editors", membership=membership)
    for purge in (PLAIN, a_purge()):
        assert why(ruled(purge, by)) == "policy-not-member"


def test_a_plain_one_is_ready_and_a_forced_one_waits() -> None:
    ready = ruled(PLAIN)
    assert (ready.state, ready.approvals_counted, ready.quorum) == (State.READY, 0, 0)
    waiting = ruled(a_purge())
    assert (waiting.state, waiting.approvals_counted, waiting.quorum) == (State.WAITING, 0, 1)
    assert waiting.expires_at == NOW + timedelta(minutes=30)
    assert waiting.briefing is not None
    assert waiting.briefing.people == 3
    assert waiting.policy_hash == "hash"


def test_who_asks_is_remembered_by_all_their_ids() -> None:
    assert ruled(PLAIN, somebody("U0ANA", "editors", aliases=("W0ANA",))).aliases == ("W0ANA",)


def test_the_right_comes_before_all_else() -> None:
    unsent = another(PLAIN, State.READY)
    nobody = somebody("U0LEO")
    assert why(ruled(PLAIN, nobody, related=Related(unsent=unsent))) == "policy-no-rule"


# Joined and queued


@pytest.mark.parametrize("purge", [PLAIN, a_purge()], ids=["plain", "forced"])
def test_what_is_still_to_be_sent_takes_the_same_along(purge: Purge) -> None:
    joined = ruled(purge, related=Related(unsent=another(purge, State.READY)))
    assert (joined.state, joined.joined_to) == (State.JOINED, "P0")


def test_a_plain_one_is_queued_behind_what_runs_and_a_forced_one_asks() -> None:
    sent = another(a_purge(), State.RUNNING, sent_at=NOW - timedelta(minutes=2))
    queued = ruled(PLAIN, related=Related(sent=sent))
    assert (queued.state, queued.joined_to) == (State.QUEUED, "P0")
    assert queued.held_until == NOW + timedelta(minutes=8)
    assert ruled(a_purge(), related=Related(sent=sent)).state is State.WAITING


@pytest.mark.parametrize("purge", [PLAIN, a_purge()], ids=["plain", "forced"])
def test_a_double_submit_is_joined(purge: Purge) -> None:
    sent = another(purge, State.SUBMITTED, sent_at=NOW - timedelta(seconds=5))
    assert ruled(purge, related=Related(sent=sent)).state is State.JOINED


def test_without_a_window_nothing_is_joined_or_queued() -> None:
    sent = another(PLAIN, State.RUNNING, sent_at=NOW)
    for related in (Related(unsent=another(PLAIN, State.READY)), Related(sent=sent)):
        assert ruled(PLAIN, related=related, window=timedelta(0)).state is State.READY
        unset = Rules(policy(rules=NARROW), "hash")
        facts = RequestFacts(ANA, related=related)
        assert authorize_request(PLAIN, unset, facts, NOW).purge.state is State.READY


def test_the_same_that_waits_is_not_asked_twice() -> None:
    related = Related(waiting=another(a_purge(), State.WAITING))
    refused = ruled(a_purge(), related=related)
    assert why(refused) == "already-waiting"
    assert refused.refusal is not None
    assert refused.refusal.other == "P0"
    assert ruled(PLAIN, related=related).state is State.READY


# Breaking the glass

BREAKABLE = {"break_glass": ["editors"]}


def test_whom_the_policy_names_need_not_wait_for_others_or_for_the_same() -> None:
    law = policy(BREAKABLE, rules=NARROW)
    urgent = a_purge(break_glass=True)
    related = Related(unsent=another(urgent, State.HELD), waiting=another(urgent, State.WAITING))
    broken = decided(urgent, law=law, related=related)
    assert (broken.purge.state, broken.purge.break_glass) == (State.READY, True)
    assert broken.event.value == "break-glass"
    assert why(ruled(urgent)) == "break-glass-not-allowed"


def test_glass_that_is_broken_twice_is_broken_once() -> None:
    law, urgent = policy(BREAKABLE, rules=NARROW), a_purge(break_glass=True)
    sent = another(urgent, State.SUBMITTED, sent_at=NOW - timedelta(seconds=5))
    joined = ruled(urgent, law=law, related=Related(sent=sent))
    assert (joined.state, joined.joined_to, joined.break_glass) == (State.JOINED, "P0", False)


def test_where_there_is_no_glass_it_is_not_broken() -> None:
    free = policy({"required": False}, rules=NARROW)
    forced = ruled(a_purge(break_glass=True), law=free)
    assert (forced.state, forced.break_glass) == (State.READY, False)
    assert why(ruled(replace(PLAIN, break_glass=True))) == "break-glass-not-needed"


def test_a_plain_one_that_takes_approval_may_break_it() -> None:
    law = policy({**BREAKABLE, "actions": ["purge"]}, rules=NARROW)
    assert ruled(replace(PLAIN, break_glass=True), law=law).break_glass


# Who could decide


@pytest.mark.parametrize(
    ("asked_in", "call", "shared", "code"),
    [
        ("C0WEB", None, "C0WEB", "nobody-called"),
        ("C0WEB", "C0WEB", "C0WEB", "nobody-called"),
        ("C0WEB", "C0ELSE", "C0WEB C0ELSE", "nobody-called"),
        ("C0WEB", "C0OPS", "C0WEB", None),
        ("C0WEB", None, "C0ELSE", None),
        ("C0WEB", "C0ELSE", "C0ELSE", None),
    ],
)
@pytest.mark.parametrize("break_glass", [False, True])
def test_who_asks_in_a_shared_channel_has_to_be_heard_elsewhere(
    asked_in: str, call: str | None, shared: str, code: str | None, break_glass: bool
) -> None:
    called = {"call": {"channel": call}} if call else {}
    law = policy({**called, "break_glass": ["editors"]}, rules=NARROW)
    purge = a_purge(channel_id=asked_in, break_glass=break_glass)
    asked = ruled(purge, law=law, shared=frozenset(shared.split()))
    assert why(asked) == code
    refused = decided(purge, law=law, shared=frozenset(shared.split())).messages
    assert not (code and refused), "a request that is refused at once has no reply below a card"
    plain = ruled(replace(purge, force=False, break_glass=False), shared=frozenset(shared.split()))
    assert plain.state is State.READY


def test_who_can_have_no_rights_does_not_count() -> None:
    out = {"U0SAM": Membership.DELETED, "U0KIM": Membership.GUEST, "U0LEA": Membership.BOT}
    assert why(ruled(a_purge(), roster=Roster(SRE.members, out))) == "no-approver"
    left = ruled(a_purge(), roster=Roster(SRE.members, {**out, "U0LEA": Membership.MEMBER}))
    assert left.briefing is not None
    assert left.briefing.people == 1
    assert left.unreachable == ("U0KIM guest", "U0SAM deleted")


def test_a_refusal_says_whom_the_policy_names_in_vain() -> None:
    out = dict.fromkeys(("U0SAM", "U0KIM", "U0LEA"), Membership.DELETED)
    named = "Named for it, but without any rights: 3 × account closed."
    vain = ruled(a_purge(), roster=Roster(SRE.members, out)).refusal
    assert vain is not None
    assert named in vain.sentence
    nobody = ruled(a_purge(), roster=Roster({"S0SRE": frozenset(), "S0LEADS": frozenset()})).refusal
    assert nobody is not None
    assert nobody.code == "no-approver"
    assert "Named" not in nobody.sentence


def test_who_could_not_be_looked_up_counts() -> None:
    assert ruled(a_purge(), roster=Roster(SRE.members, {})).state is State.WAITING


def test_its_requester_does_not_count_under_any_id() -> None:
    by = somebody("U0ANA", "editors", aliases=("W0ANA",))
    only = Roster({"S0SRE": frozenset({"W0ANA"}), "S0LEADS": frozenset()})
    assert why(ruled(a_purge(), by, roster=only)) == "no-approver"


def test_too_few_is_said_at_once() -> None:
    four = policy({"count": 4}, rules=NARROW)
    assert why(ruled(a_purge(), law=four)) == "too-few-approvers"
    assert ruled(a_purge(), law=policy({"count": 3}, rules=NARROW)).state is State.WAITING


# Limits

LIMITS = Limits(requests_a_minute=3, waiting=2, joined=1)


@pytest.mark.parametrize(
    ("purge", "load", "facts", "code"),
    [
        (PLAIN, Load(requests=3), {}, "too-many-requests"),
        (PLAIN, Load(requests=2, waiting=9, joined=9), {}, None),
        (a_purge(), Load(waiting=2), {}, "too-many-waiting"),
        (a_purge(), Load(waiting=1), {}, None),
        (PLAIN, Load(joined=1), {"unsent": another(PLAIN, State.READY)}, "too-many-joined"),
        (PLAIN, Load(joined=0), {"unsent": another(PLAIN, State.READY)}, None),
    ],
)
def test_one_person_may_not_drown_the_others(
    purge: Purge, load: Load, facts: dict[str, Any], code: str | None
) -> None:
    assert why(ruled(purge, limits=LIMITS, load=load, related=Related(**facts))) == code
    assert why(ruled(purge, limits=Limits(), load=load, related=Related(**facts))) is None


def test_the_first_of_anything_is_never_too_many() -> None:
    one = Limits(requests_a_minute=1, waiting=1, joined=1)
    joined = ruled(PLAIN, limits=one, related=Related(unsent=another(PLAIN, State.READY)))
    assert joined.state is State.JOINED
    assert ruled(PLAIN, limits=one).state is State.READY
    assert ruled(a_purge(), limits=one).state is State.WAITING


def test_a_forced_purge_has_no_more_tags_than_whoever_decides_can_read() -> None:
    hundred = tuple(f"tag-{number}" for number in range(100))
    assert ruled(a_purge(tags=hundred)).state is State.WAITING
    many = ruled(a_purge(tags=(*hundred, "hero")))
    assert why(many) == "too-many-tags"
    assert many.refusal is not None
    assert "It has 101 tags, and the policy lets a forced purge have 100" in many.refusal.sentence
    assert ruled(replace(PLAIN, tags=(*hundred, "hero"))).state is State.READY


def test_who_had_others_called_a_moment_ago_calls_nobody() -> None:
    quiet = ruled(a_purge(), load=Load(asked_others=1)).briefing
    loud = ruled(a_purge()).briefing
    assert quiet is not None
    assert loud is not None
    assert quiet.called == ()
    assert loud.called == ("S0SRE", "S0LEADS")


# Signatures


def test_what_the_bot_did_not_write_down_is_refused_and_what_it_did_is_signed_anew() -> None:
    keys = ApprovalKeys((b"k" * 32,))
    asked = replace(a_purge(), signature=keys.sign_request(a_purge()))
    assert keys.verify_request(ruled(asked, keys=keys))
    free = policy({"required": False}, rules=NARROW)
    glass = a_purge(break_glass=True)
    signed = replace(glass, signature=keys.sign_request(glass))
    assert keys.verify_request(ruled(signed, law=free, keys=keys))
    assert why(ruled(a_purge(), keys=keys)) == "record-doubtful"
    assert why(ruled(replace(asked, user_id="U0EVE"), keys=keys)) == "record-doubtful"


# Who is told


def test_a_refusal_is_told_to_those_who_had_seen_something_else_before() -> None:
    def told(purge: Purge) -> list[str | None]:
        refused = decided(purge, somebody("U0LEO"))
        assert (refused.purge.state, refused.event.value) == (State.REFUSED, "refuse")
        assert not refused.messages or refused.purge.notified_at == NOW
        return [each.notice.code if each.notice else None for each in refused.messages]

    assert told(a_purge()) == []
    for seen in ({"needs": "one"}, {"attempt": 1}, {"decided_at": NOW}, {"held_until": NOW}):
        assert told(replace(a_purge(), **seen)) == ["outcome"]
    assert told(replace(a_purge(), needs="one", notified_at=NOW - timedelta(days=1))) == []
