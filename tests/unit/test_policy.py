"""Who may do what: each rule with its mirror."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.config.policy_file import load_policy
from bot.core.policy.decision import (
    ANYTHING,
    Actor,
    Holders,
    Membership,
    approving_roles,
    decide,
    decide_all,
    domains_for,
    holders_of,
)
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action

SAMPLE = Path(__file__).parents[2] / "bot" / "demo" / "policy.yaml"
PURGE, FORCE, APPROVE, VIEW, ADMIN = Action

SITE, IMAGES, SHOP = "www.example.com", "img.example.com", "shop.example.com"


def member(user_id: str, *groups: str, channel: str | None = None) -> Actor:
    return Actor("T0TOWN", user_id, Membership.MEMBER, frozenset(groups), channel)


ANA = member("U0ANA", "S0EDITORS")
SAM = member("U0SAM", "S0SRE")
LEO = member("U0LEO", "S0MARKETING")
ADA = member("U0ADA")
NOBODY = member("U0NEW")


@pytest.fixture(scope="module")
def town() -> Policy:
    return load_policy(SAMPLE.read_text("utf-8"), str(SAMPLE))


def policy(*rules: Mapping[str, object]) -> Policy:
    """A policy of the roles red (U0RED, S0RED, in C0RED) and blue (U0BLUE), with these rules."""
    base = {"roles": ["red"], "domains": [SITE]}
    return Policy.model_validate(
        {
            "version": 1,
            "roles": {
                "red": {
                    "title": "Red",
                    "users": ["U0RED"],
                    "groups": ["S0RED"],
                    "channels": ["C0RED"],
                },
                "blue": {"title": "Blue", "users": ["U0BLUE"]},
            },
            "rules": [{"rule": f"Rule {n}", **base, **rule} for n, rule in enumerate(rules)],
        }
    )


RED, BLUE = member("U0RED"), member("U0BLUE")


@pytest.mark.parametrize(
    ("actor", "action", "domain", "tag", "allowed"),
    [
        (ANA, PURGE, SITE, "hero", True),
        (ANA, FORCE, IMAGES, "hero", True),
        (ANA, VIEW, IMAGES, "hero", True),
        (ANA, APPROVE, SITE, "hero", False),
        (ANA, PURGE, SHOP, "hero", False),
        (SAM, PURGE, "docs.example.org", "hero", True),
        (SAM, APPROVE, SITE, "hero", True),
        (SAM, FORCE, SHOP, "hero", True),
        (SAM, FORCE, SHOP, "checkout", False),
        (SAM, FORCE, SHOP, "checkout-1", False),
        (SAM, PURGE, SHOP, "checkout", True),
        (SAM, FORCE, SITE, "checkout", True),
        (SAM, ADMIN, ANYTHING, ANYTHING, False),
        (LEO, PURGE, SITE, "campaign-may", True),
        (LEO, PURGE, SITE, "hero", False),
        (LEO, FORCE, SITE, "campaign-may", False),
        (LEO, PURGE, IMAGES, "campaign-may", False),
        (ADA, ADMIN, ANYTHING, ANYTHING, True),
        (ADA, VIEW, SHOP, "hero", True),
        (ADA, PURGE, SITE, "hero", False),
        (NOBODY, VIEW, SITE, "hero", False),
    ],
    ids=lambda value: getattr(value, "user_id", None),
)
def test_in_the_demo_town_each_may_do_their_own_work_and_no_more(
    town: Policy, actor: Actor, action: Action, domain: str, tag: str, *, allowed: bool
) -> None:
    assert decide(town, actor, action, domain, tag).allowed is allowed


@pytest.mark.parametrize("membership", list(Membership))
def test_only_full_members_have_rights_whatever_the_rules_say(membership: Membership) -> None:
    rules = policy({"allow": ["purge"]}, {"roles": "*", "allow": ["purge"]})
    actor = Actor("T0TOWN", "U0RED", membership, frozenset({"S0RED"}), "C0RED")
    decision = decide(rules, actor, PURGE, SITE, "hero")
    is_member = membership is Membership.MEMBER
    assert decision.allowed is is_member
    assert (decision.reasons[0].code == "policy-not-member") is not is_member
    assert domains_for(rules, actor, PURGE) == ((SITE,) if is_member else ())


@pytest.mark.parametrize(
    ("actor", "allowed"),
    [
        pytest.param(member("U0RED"), True, id="by name"),
        pytest.param(member("U0X", "S0OTHER", "S0RED"), True, id="by group"),
        pytest.param(member("U0X", channel="C0RED"), True, id="by where they speak"),
        pytest.param(member("U0BLUE"), False, id="another role"),
        pytest.param(member("U0X", "S0OTHER"), False, id="another group"),
        pytest.param(member("U0RED2", channel="C0OTHER"), False, id="another channel"),
    ],
)
def test_a_role_is_held_by_name_by_group_or_by_channel(actor: Actor, *, allowed: bool) -> None:
    assert decide(policy({"allow": ["purge"]}), actor, PURGE, SITE, "hero").allowed is allowed


@pytest.mark.parametrize(
    ("pattern", "domain", "covered"),
    [
        ("a.example.com", "a.example.com", True),
        ("a.example.com", "b.a.example.com", False),
        ("a.example.com", "example.com", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "b.a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "aexample.com", False),
        ("*.example.com", "a.example.com.evil.org", False),
        ("*", "example.com", True),
        ("*", ANYTHING, True),
        ("*.example.com", ANYTHING, False),
        ("BÜCHER.example", "xn--bcher-kva.example", True),
    ],
)
def test_a_domain_pattern_covers_what_it_says(pattern: str, domain: str, *, covered: bool) -> None:
    rules = policy({"allow": ["purge"], "domains": [pattern]})
    assert decide(rules, RED, PURGE, domain, "hero").allowed is covered


@pytest.mark.parametrize(
    ("pattern", "tag", "allow_covers", "deny_covers"),
    [
        ("hero", "hero", True, True),
        ("hero", "hero2", False, False),
        ("hero", "Hero", False, True),
        ("c-*", "c-", True, True),
        ("c-*", "c-may", True, True),
        ("c-*", "xc-may", False, False),
        ("*-x-*", "a-x-b", True, True),
        ("*-x-*", "a-y-b", False, False),
        ("tag:a?", "ab", False, False),
        ("tag:a?", "a?", True, True),
        ("tag:[ab]", "a", False, False),
        ("tag:[ab]", "[ab]", True, True),
        ("a.c", "abc", False, False),
        ("c-*", "x*", False, True),
        ("*", "anything", True, True),
    ],
)
def test_a_tag_pattern_covers_what_it_says_and_a_deny_rule_a_little_more(
    pattern: str, tag: str, *, allow_covers: bool, deny_covers: bool
) -> None:
    allows = policy({"allow": ["purge"], "tags": [pattern]})
    denies = policy({"allow": ["purge"]}, {"deny": ["purge"], "tags": [pattern]})
    assert decide(allows, RED, PURGE, SITE, tag).allowed is allow_covers
    assert decide(denies, RED, PURGE, SITE, tag).allowed is not deny_covers


@pytest.mark.parametrize("order", [1, -1])
def test_a_deny_rule_wins_wherever_it_stands_and_says_so(order: int) -> None:
    both: list[dict[str, object]] = [
        {"rule": "Yes", "allow": ["force"]},
        {"rule": "No", "deny": ["force"]},
    ]
    decision = decide(policy(*both[::order]), RED, FORCE, SITE, "hero")
    assert not decision.allowed
    assert [(r.code, r.rule) for r in decision.reasons] == [("policy-denied", "No")]
    assert decision.sentence == "A rule forbids it: “No”."


def test_a_deny_rule_for_one_role_leaves_another_alone() -> None:
    rules = policy({"roles": ["red", "blue"], "allow": ["purge"]}, {"deny": ["purge"]})
    assert not decide(rules, RED, PURGE, SITE, "hero").allowed
    assert decide(rules, BLUE, PURGE, SITE, "hero").allowed


def test_a_permission_names_every_rule_that_gives_it() -> None:
    rules = policy({"allow": ["purge"]}, {"roles": "*", "allow": ["purge"], "domains": ["*"]})
    decision = decide(rules, RED, PURGE, SITE, "hero")
    assert decision.allowed
    assert [(r.code, r.rule) for r in decision.reasons] == [
        ("policy-allowed", "Rule 0"),
        ("policy-allowed", "Rule 1"),
    ]


def test_a_refusal_without_a_rule_names_who_could_do_it(town: Policy) -> None:
    decision = decide(town, LEO, PURGE, SITE, "hero")
    assert [reason.code for reason in decision.reasons] == ["policy-no-rule"]
    assert decision.sentence == "No rule lets you purge the tag “hero” of www.example.com."
    assert decision.needed_roles == ("editors", "sre")
    assert decision.holders == Holders(groups=("S0EDITORS", "S0SRE"))
    anything = decide(town, LEO, PURGE, ANYTHING, ANYTHING)
    assert anything.sentence == "No rule lets you purge every tag of every domain."


def test_a_role_that_is_denied_is_not_offered_as_help() -> None:
    rules = policy({"roles": ["red", "blue"], "allow": ["purge"]}, {"deny": ["purge"]})
    assert decide(rules, RED, PURGE, SITE, "hero").needed_roles == ("blue",)
    elsewhere = policy({"roles": "*", "allow": ["purge"]}, {"deny": ["purge"], "tags": ["x"]})
    assert decide(elsewhere, RED, PURGE, SITE, "hero").needed_roles == ("*",)
    nobody = policy({"allow": ["purge"]}, {"roles": "*", "deny": ["purge"]})
    assert decide(nobody, RED, PURGE, SITE, "hero").holders.ids == ()


def test_several_tags_need_every_one_allowed_and_the_first_refusal_answers() -> None:
    rules = policy(
        {"allow": ["purge"], "tags": ["a", "b"]},
        {"roles": ["blue"], "allow": ["purge"], "tags": ["a", "x"]},
        {"allow": ["purge"], "tags": ["c"]},
    )
    allowed = decide_all(rules, RED, PURGE, SITE, ["b", "c", "a"])
    assert allowed.allowed
    assert [reason.rule for reason in allowed.reasons] == ["Rule 0", "Rule 2"]
    refused = decide_all(rules, RED, PURGE, SITE, ["a", "x", "y"])
    assert not refused.allowed
    assert refused.sentence == "No rule lets you purge the tag “x” of www.example.com."
    assert decide_all(rules, RED, PURGE, SITE, ["a", "x"]).needed_roles == ("blue",)


def test_a_role_suffices_for_what_everybody_may_and_what_it_may_alone() -> None:
    rules = policy(
        {"roles": "*", "allow": ["purge"], "tags": ["a"]}, {"allow": ["purge"], "tags": ["b"]}
    )
    assert decide_all(rules, NOBODY, PURGE, SITE, ["a", "b"]).needed_roles == ("red",)


def test_nothing_is_decided_about_no_tags() -> None:
    with pytest.raises(ValueError, match="at least one tag"):
        decide_all(policy({"allow": ["purge"]}), RED, PURGE, SITE, [])


def askable(rules: Policy, domain: str, tags: list[str]) -> Holders:
    return holders_of(rules, approving_roles(rules, domain, tags))


def test_approvers_may_approve_every_one_of_the_tags(town: Policy) -> None:
    assert askable(town, SHOP, ["hero"]) == Holders(groups=("S0SRE",))
    rules = policy({"allow": ["approve"]}, {"roles": ["blue"], "allow": ["approve"], "tags": ["a"]})
    assert askable(rules, SITE, ["a"]).ids == ("U0RED", "U0BLUE", "S0RED", "C0RED")
    assert askable(rules, SITE, ["a", "b"]).ids == ("U0RED", "S0RED", "C0RED")
    assert askable(rules, SHOP, ["a"]).ids == ()


def test_everybody_may_be_among_the_holders() -> None:
    rules = policy({"roles": "*", "allow": ["approve"]})
    assert askable(rules, SITE, ["a"]) == Holders(everybody=True)
    assert askable(rules, SITE, ["a"]).ids == ("*",)


def test_help_shows_the_domains_that_somebody_may_purge(town: Policy) -> None:
    assert domains_for(town, ANA, PURGE) == (SITE, IMAGES)
    assert domains_for(town, SAM, FORCE) == ("*",)
    assert domains_for(town, ADA, PURGE) == ()


def test_help_shows_no_domain_that_is_wholly_denied() -> None:
    allow = {"allow": ["purge"], "domains": [SITE, "*.a.example.com", "*.b.org"]}
    wholly = policy(allow, {"deny": ["purge"], "domains": ["*.example.com"]})
    everywhere = policy(allow, {"deny": ["purge"], "domains": ["*"]})
    exactly = policy(allow, {"deny": ["purge"]})
    beside = policy(allow, {"deny": ["purge"], "domains": ["x.example.com"]})
    in_part = policy(allow, {"deny": ["purge"], "domains": ["*.example.com"], "tags": ["x"]})
    assert domains_for(wholly, RED, PURGE) == ("*.b.org",)
    assert domains_for(everywhere, RED, PURGE) == ()
    assert domains_for(exactly, RED, PURGE) == ("*.a.example.com", "*.b.org")
    assert domains_for(beside, RED, PURGE) == (SITE, "*.a.example.com", "*.b.org")
    assert domains_for(in_part, RED, PURGE) == (SITE, "*.a.example.com", "*.b.org")


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"allow": ["purge"], "deny": ["purge"]}, id="allows and denies"),
        pytest.param({}, id="neither"),
        pytest.param({"allow": []}, id="no action"),
        pytest.param({"allow": ["purge"], "roles": ["green"]}, id="unknown role"),
        pytest.param({"allow": ["purge"], "rule": "Rule 0"}, id="a name twice"),
    ],
)
def test_a_policy_built_without_a_file_keeps_the_same_rules(rule: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        policy({"allow": ["purge"]}, rule)


def test_a_policy_does_not_change_once_it_is_read(town: Policy) -> None:
    with pytest.raises(ValidationError):
        town.rules = ()  # type: ignore[misc]  # that it is frozen is the point


def test_the_groups_that_matter_to_a_domain_are_those_of_its_rules_and_approvals() -> None:
    law = Policy.model_validate(
        {
            "version": 1,
            "roles": {name: {"title": name, "groups": [f"S0{name.upper()}"]} for name in "abcd"},
            "rules": [
                {"rule": "1", "roles": ["a"], "allow": ["purge"], "domains": ["www.example.com"]},
                {"rule": "2", "roles": ["b"], "deny": ["view"], "domains": ["*.example.com"]},
                {"rule": "3", "roles": "*", "allow": ["view"], "domains": ["*"]},
            ],
            "approvals": [
                {"approval": "4", "domains": ["shop.example.com"], "roles": ["c"]},
                {"approval": "5", "domains": ["shop.example.com"], "break_glass": ["d", "*"]},
            ],
        }
    )
    assert law.groups_for("www.example.com") == ("S0A", "S0B")
    assert law.groups_for("shop.example.com") == ("S0B", "S0C", "S0D")
    assert law.groups_for("www.example.org") == ()


def test_a_policy_without_any_rule_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="rules"):
        Policy.model_validate({"version": 1, "rules": []})


@pytest.mark.parametrize(("most", "is_valid"), [(0, False), (1, True)])
def test_a_forced_purge_may_be_limited_to_one_tag_and_to_no_fewer(
    most: int, *, is_valid: bool
) -> None:
    rules = [{"rule": "All", "roles": "*", "allow": ["purge"], "domains": ["*"]}]
    written = {"version": 1, "rules": rules, "max_tags": most}
    if is_valid:
        assert Policy.model_validate(written).max_tags == most
    else:
        with pytest.raises(ValidationError, match="max_tags"):
            Policy.model_validate(written)
