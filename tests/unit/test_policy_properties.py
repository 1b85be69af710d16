"""Promises of the policy, checked against an evaluation written in the plainest way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.policy.decision import (
    Actor,
    Membership,
    approving_roles,
    decide,
    decide_all,
    domains_for,
    holders_of,
)
from bot.core.policy.document import Policy, Role, Rule
from bot.core.policy.fields import Action

ROLES = {
    "red": Role(title="Red", users=("U0RED",), channels=("C0RED",)),
    "blue": Role(title="Blue", groups=("S0BLUE", "S0BOTH")),
    "grey": Role(title="Grey", groups=("S0BOTH",)),
}
ONLY = {
    "red": Actor("T0TOWN", "U0RED", Membership.MEMBER, frozenset()),
    "blue": Actor("T0TOWN", "U0NEW", Membership.MEMBER, frozenset({"S0BLUE"})),
    "*": Actor("T0TOWN", "U0NEW", Membership.MEMBER, frozenset()),
}
"""For each of these roles, somebody who holds no other."""
DOMAINS = ["example.com", "a.example.com", "b.a.example.com", "example.org"]
TAGS = ["a", "A", "ab", "b", "a*"]

domains, tags, actions = st.sampled_from(DOMAINS), st.sampled_from(TAGS), st.sampled_from(Action)
actors = st.builds(
    Actor,
    team_id=st.just("T0TOWN"),
    user_id=st.sampled_from(["U0RED", "U0NEW"]),
    membership=st.sampled_from([Membership.MEMBER] * 5 + list(Membership)),
    groups=st.frozensets(st.sampled_from(["S0BLUE", "S0BOTH", "S0NEW"])),
    channel_id=st.sampled_from([None, "C0RED", "C0NEW"]),
)


def some(values: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(values, min_size=1, max_size=3, unique=True)


def rules(*effects: str) -> st.SearchStrategy[dict[str, object]]:
    patterns = st.sampled_from([*DOMAINS, "*.example.com", "*.a.example.com", "*"])
    return st.builds(
        lambda effect, acts, rest: {effect: acts, **rest},
        st.sampled_from(effects),
        some(actions),
        st.fixed_dictionaries(
            {
                "roles": some(st.sampled_from([*ROLES, "*"])),
                "domains": some(patterns),
                "tags": some(st.sampled_from(["a", "A", "a*", "*b", "*"])),
            }
        ),
    )


def policy(written: list[dict[str, object]]) -> Policy:
    named = [Rule.model_validate({"rule": f"Rule {n}", **r}) for n, r in enumerate(written)]
    return Policy(version=1, roles=ROLES, rules=tuple(named))


policies = st.lists(rules("allow", "allow", "deny"), min_size=1, max_size=6).map(policy)


def applies(rule: Rule, actor: Actor, action: Action, domain: str, tag: str) -> bool:
    ids = {actor.user_id, actor.channel_id, *actor.groups}
    held = {"*"} | {
        name for name, role in ROLES.items() if ids & {*role.users, *role.groups, *role.channels}
    }
    return (
        bool(held & set(rule.roles))
        and action in (rule.allow or rule.deny or ())
        and any(domain_matches(pattern, domain) for pattern in rule.domains)
        and any(tag_matches(pattern, tag, is_deny=bool(rule.deny)) for pattern in rule.tags)
    )


def domain_matches(pattern: str, domain: str) -> bool:
    return pattern in {"*", domain} or (pattern[0] == "*" and domain.endswith(pattern[1:]))


def tag_matches(pattern: str, tag: str, *, is_deny: bool) -> bool:
    if is_deny:
        if "*" in tag:
            return True
        pattern, tag = pattern.lower(), tag.lower()
    before, star, after = pattern.partition("*")
    if not star:
        return tag == pattern
    return tag.startswith(before) and tag.endswith(after)


def plainly_allowed(policy: Policy, actor: Actor, action: Action, domain: str, tag: str) -> bool:
    applying = [rule for rule in policy.rules if applies(rule, actor, action, domain, tag)]
    return (
        actor.membership is Membership.MEMBER
        and bool(applying)
        and not any(rule.deny for rule in applying)
    )


@given(policies, actors, actions, domains, tags)
def test_a_decision_is_the_one_that_reading_every_rule_would_give(
    policy: Policy, actor: Actor, action: Action, domain: str, tag: str
) -> None:
    decision = decide(policy, actor, action, domain, tag)
    assert decision.allowed is plainly_allowed(policy, actor, action, domain, tag)
    assert decision.reasons


@given(policies, actors, actions, domains, st.lists(tags, min_size=1, max_size=4))
def test_several_tags_are_allowed_when_each_of_them_is(
    policy: Policy, actor: Actor, action: Action, domain: str, several: list[str]
) -> None:
    each = [decide(policy, actor, action, domain, tag) for tag in several]
    together = decide_all(policy, actor, action, domain, several)
    assert together.allowed is all(decision.allowed for decision in each)
    if not together.allowed:
        first = next(decision for decision in each if not decision.allowed)
        assert together.reasons == first.reasons


@given(
    st.lists(rules("allow", "deny"), min_size=1, max_size=5),
    rules("deny"),
    st.integers(0, 5),
    actors,
    actions,
    domains,
    tags,
)
def test_a_deny_rule_more_never_allows_more(
    written: list[dict[str, object]],
    denial: dict[str, object],
    place: int,
    actor: Actor,
    action: Action,
    domain: str,
    tag: str,
) -> None:
    with_it = policy([*written[:place], denial, *written[place:]])
    if decide(with_it, actor, action, domain, tag).allowed:
        assert decide(policy(written), actor, action, domain, tag).allowed


@given(policies, actions, domains, tags, st.sampled_from(Membership))
def test_who_holds_no_role_in_any_rule_is_never_allowed(
    policy: Policy, action: Action, domain: str, tag: str, membership: Membership
) -> None:
    stranger = Actor("T0TOWN", "U0NEW", membership, frozenset({"S0NEW"}), "C0NEW")
    all_named = all("*" not in rule.roles for rule in policy.rules if rule.allow)
    if all_named or membership is not Membership.MEMBER:
        assert not decide(policy, stranger, action, domain, tag).allowed


@given(policies, actions, domains, tags)
def test_a_needed_role_suffices_for_somebody_who_holds_no_other(
    policy: Policy, action: Action, domain: str, tag: str
) -> None:
    needed = decide(policy, ONLY["*"], action, domain, tag).needed_roles
    for role, actor in ONLY.items():
        allowed = decide(policy, actor, action, domain, tag).allowed
        assert allowed if role in needed else ("*" in needed or not allowed)


def about_approvals(rule: dict[str, object]) -> dict[str, object]:
    """Give the rule for approvals everywhere: only roles and tags are left to differ."""
    effect = "allow" if "allow" in rule else "deny"
    return rule | {effect: [Action.APPROVE], "domains": ["*"]}


@given(
    st.lists(rules("allow", "allow", "deny").map(about_approvals), min_size=1, max_size=3).map(
        policy
    ),
    domains,
    st.lists(tags, min_size=1, max_size=3),
)
def test_a_role_approves_exactly_if_who_holds_no_other_may_approve_every_tag(
    policy: Policy, domain: str, several: list[str]
) -> None:
    roles = approving_roles(policy, domain, several)
    whom = holders_of(policy, roles)
    assert whom.everybody is ("*" in roles)
    for role, actor in ONLY.items():
        may = all(plainly_allowed(policy, actor, Action.APPROVE, domain, tag) for tag in several)
        if role in roles:
            assert may
            assert set(whom.ids) & {"*", actor.user_id, *actor.groups}
        else:
            assert "*" in roles or not may


@given(policies, actors, actions, domains, tags)
def test_what_is_allowed_lies_in_a_domain_that_help_shows(
    policy: Policy, actor: Actor, action: Action, domain: str, tag: str
) -> None:
    shown = domains_for(policy, actor, action)
    if decide(policy, actor, action, domain, tag).allowed:
        assert any(domain_matches(pattern, domain) for pattern in shown)
