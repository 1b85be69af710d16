"""The people, user groups and channels that the policy names, each looked up in Slack.

A channel is looked at with the scopes that the bot has anyway: its history is asked for, and then a
message without text is posted, which Slack refuses (`no_text`) where it would take another.
https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice, product

from bot.cli.checks.results import CheckResult, Page, Setup, fail, ok, skip, warn
from bot.config.policy_file import PolicySource
from bot.core.policy.approvers import Roster, deciders
from bot.core.policy.decision import Membership
from bot.core.policy.document import Policy, Role
from bot.core.policy.fields import EVERYBODY, Action, covers_domain
from bot.core.policy.quorum import needs_of
from bot.slack.client import SlackClient
from bot.slack.directory import MOST_QUESTIONS, SlackDirectory
from bot.slack.errors import NO_ANSWER, NO_GROUP, SAID_NO, read_no
from bot.slack.installation import Installation

_UNUSABLE = "the policy or Slack cannot be used"
_MEMBERSHIPS = {
    Membership.GUEST: "is a guest",
    Membership.BOT: "is a bot",
    Membership.DELETED: "is closed",
    Membership.OUTSIDER: "is of another workspace",
    Membership.UNKNOWN: "is unknown to Slack",
}
_NOT_THERE = frozenset({"channel_not_found", "invalid_channel"})
_MAY_POST = frozenset({"no_text"})
MOST_SAMPLES = 1000
"""How many of the policy's patterns are tried: more take longer than anybody waits."""
_INVITE = "Invite the bot there (/invite @purgebot), or correct the ID"


def check_names(setup: Setup) -> Iterator[CheckResult]:
    """Look up people, groups and channels, and whether enough of them are left to approve."""
    if setup.policy is None or setup.slack is None:
        for name in ("people", "user groups", "approvers", "channels"):
            yield skip(name, _UNUSABLE)
        return
    policy, client = setup.policy, setup.slack
    ours = Installation.of(client.identity)
    memberships: dict[str, Membership] = {}
    members: dict[str, frozenset[str]] = {}
    yield _people(setup, policy, client, ours, memberships)
    yield _groups(policy, client, ours, members)
    yield _approvers(policy, Roster(members, memberships))
    yield from _channels(setup, policy, client)


def _people(
    setup: Setup,
    policy: Policy,
    client: SlackClient,
    ours: Installation,
    memberships: dict[str, Membership],
) -> CheckResult:
    """Look up the `users` of all roles, and write what they are into `memberships`."""
    roles = _roles_by_id({name: role.users for name, role in policy.roles.items()})
    source = PolicySource(setup.settings.policy)
    directory = SlackDirectory(client, source, lambda: datetime.now(UTC), ours)
    named = list(roles)
    for first in range(0, len(named), MOST_QUESTIONS):
        memberships |= directory.memberships(named[first : first + MOST_QUESTIONS])
    lost = [who for who in named if memberships.get(who, Membership.MEMBER) in _MEMBERSHIPS]
    parts = [f"{len(memberships) - len(lost)} of {len(roles)} people named are full members"]
    if len(memberships) < len(roles):
        parts.append(f"Slack did not tell of {len(roles) - len(memberships)}")
    parts += [f"{who} ({', '.join(roles[who])}) {_MEMBERSHIPS[memberships[who]]}" for who in lost]
    told = "; ".join(parts)
    if not lost:
        return ok("people", told)
    remedy = f"Take them out of {setup.settings.policy}, or correct their IDs: they hold no rights."
    return warn("people", told, remedy, Page.MEMBERS)


def _groups(
    policy: Policy, client: SlackClient, ours: Installation, members: dict[str, frozenset[str]]
) -> CheckResult:
    """Read each group, and write its members into `members`: nobody if it does not exist."""
    roles = _roles_by_id({name: role.groups for name, role in policy.roles.items()})
    for approval in policy.approvals:
        for group in approval.call.groups if approval.call else ():
            roles.setdefault(group, []).append("call")
    if ours.is_org:  # the workspaces depend on the person
        return skip("user groups", "the app is installed over an organisation")
    missing = _read_members(client, roles, members)
    told = [f"{len(members) - len(missing)} of {len(roles)} user groups can be read"]
    if refused := sorted(map(str, client.refusals.values())):
        told.append(f"Slack refuses {', '.join(refused)}")
        remedy = "Without it nobody's rights can be checked: the page tells what each word means."
        return fail("user groups", "; ".join(told), remedy, Page.REFUSALS)
    empty = [group for group in members if not members[group] and group not in missing]
    told += [f"{group} ({', '.join(roles[group])}) does not exist, or is off" for group in missing]
    told += [f"{group} ({', '.join(roles[group])}) has no members" for group in empty]
    if missing:
        remedy = "Correct the IDs: in Slack a group's menu has Copy group ID (S…)."
        return fail("user groups", "; ".join(told), remedy, Page.ROLES)
    if empty:
        remedy = "Add people to the group in Slack, or take it out of the policy."
        return warn("user groups", "; ".join(told), remedy, Page.ROLES)
    return ok("user groups", "; ".join(told))


def _read_members(
    client: SlackClient, groups: Iterable[str], members: dict[str, frozenset[str]]
) -> list[str]:
    """Read the members of each group of which Slack tells.  Return those that are not there."""
    missing: list[str] = []
    for group in sorted(groups):
        try:
            members[group] = frozenset(client.usergroups_users_list(usergroup=group)["users"])
        except SAID_NO as error:
            if read_no(error).code in NO_GROUP:
                missing.append(group)
                members[group] = frozenset()
        except NO_ANSWER:
            continue
    return missing


def _approvers(policy: Policy, roster: Roster) -> CheckResult:
    names = sorted(_approving(policy))
    if empty := [name for name in names if _is_empty(policy.roles[name], roster)]:
        remedy = "Name people in these roles who are full members, or a group that has some."
        told = f"nobody is left to approve in {', '.join(empty)}"
        return fail("approvers", told, remedy, Page.MEMBERS)
    if short := dict.fromkeys(_too_few(policy, roster)):
        remedy = "Add people to the roles that approve, or ask for fewer approvals."
        told = f"too few people can approve: {'; '.join(short)}"
        return fail("approvers", told, remedy, Page.APPROVALS)
    return ok("approvers", f"somebody holds each role that approves: {', '.join(names) or 'none'}")


def _too_few(policy: Policy, roster: Roster) -> Iterator[str]:
    """Yield what more people would have to approve than there are, whoever asks for it."""
    for sentence, action, domain, tag in islice(_samples(policy), MOST_SAMPLES):
        needs = needs_of(policy, action, domain, [tag])
        if needs.quorums and not deciders(policy, (), domain, [tag], needs, roster).enough:
            yield f"“{sentence}” takes {needs.sentence}"


def _samples(policy: Policy) -> Iterator[tuple[str, Action, str, str]]:
    """Yield each pattern that asks for approval as a sentence, an action and names it covers.

    An approval for more domains than anybody may purge is tried with those that somebody may.
    """
    asking = [
        (approval.approval, action, approval.domains, approval.tags)
        for approval in policy.approvals
        if approval.required
        for action in approval.actions
    ]
    forcing = [
        (rule.rule, Action.FORCE, rule.domains, rule.tags)
        for rule in policy.rules
        if Action.FORCE in (rule.allow or ())
    ]
    for sentence, action, domains, tags in (*asking, *forcing):
        named = {
            domain
            for rule in policy.rules
            if action in (rule.allow or ())
            for domain in rule.domains
            if covers_domain(domains, domain.replace("*", "any"))
        }
        for domain, tag in product(sorted({*domains, *named}), tags):
            at = domain.replace("*", "any")
            if any(rule.allow for rule in policy.rules_for(action, at)):
                yield sentence, action, at, tag.replace("*", "any")


def _approving(policy: Policy) -> set[str]:
    """Return the roles whose approvals can count, or that the policy demands."""
    rules = {
        role for rule in policy.rules if Action.APPROVE in (rule.allow or ()) for role in rule.roles
    }
    asked = {role for each in policy.approvals if each.required for role in each.roles or ()}
    return (rules | asked) - {EVERYBODY}


def _is_empty(role: Role, roster: Roster) -> bool:
    """Return whether a role is known to have nobody who holds rights."""
    is_lost = [
        *(roster.memberships.get(who, Membership.MEMBER) in _MEMBERSHIPS for who in role.users),
        *(roster.members.get(group) == frozenset() for group in role.groups),
    ]
    return not role.channels and all(is_lost)


def _channels(setup: Setup, policy: Policy, client: SlackClient) -> Iterator[CheckResult]:
    """Look where the bot has to post, and whether the channels of roles are there."""
    speaks = {
        approval.call.channel: f"called for “{approval.approval}”"
        for approval in policy.approvals
        if approval.call and approval.call.channel
    }
    if operators := setup.settings.operators_channel:
        speaks[operators] = "PURGEBOT_OPERATORS_CHANNEL"
    held = _roles_by_id({name: role.channels for name, role in policy.roles.items()})
    shared = setup.settings.shared_channels
    looked_for = held | {each: ["PURGEBOT_SHARED_CHANNELS"] for each in sorted(shared)}
    unheard = list(_unheard(policy, shared)) if shared else []
    yield from unheard
    troubles = len(unheard)
    for channel, what in speaks.items():
        if why := _why_not(client, channel):
            troubles += 1
            yield _unspoken(channel, what, why)
    for channel in sorted(looked_for.keys() - speaks.keys()):
        if _history(client, channel) in _NOT_THERE:
            troubles += 1
            told = f"{channel} ({', '.join(looked_for[channel])}) does not exist, or is private"
            remedy = f"{_INVITE}: a private channel is unknown to it until it is invited."
            yield warn("channels", told, remedy, Page.SETTINGS if channel in shared else Page.ROLES)
    if not troubles:
        yield ok(
            "channels",
            f"{len(speaks.keys() | looked_for.keys())} named; nothing keeps the bot from posting "
            "where it has to",
        )


def _unheard(policy: Policy, shared: frozenset[str]) -> Iterator[CheckResult]:
    """Yield which calls would be posted in a shared channel, and what has no call anywhere else."""
    for approval in policy.approvals:
        place = approval.call.channel if approval.call else None
        if place in shared:
            told = f"{place} (called for “{approval.approval}”) is in PURGEBOT_SHARED_CHANNELS"
            remedy = "Name another channel: in that one nothing of a purge is posted."
            yield fail("channels", told, remedy, Page.APPROVALS)
    sentences = {
        f"“{sentence}”"
        for sentence, action, domain, tag in islice(_samples(policy), MOST_SAMPLES)
        if (needs := needs_of(policy, action, domain, [tag])).quorums
        and needs.call_channel in {None, *shared}
    }
    if sentences:
        told = f"refused to those who ask in a shared channel: {', '.join(sorted(sentences))}"
        remedy = "Name a channel in call, if others are to approve it."
        yield warn("channels", told, remedy, Page.APPROVALS)


def _unspoken(channel: str, what: str, why: str) -> CheckResult:
    page = Page.CANARY if what == "PURGEBOT_OPERATORS_CHANNEL" else Page.APPROVALS
    if why in _NOT_THERE:
        told = f"{channel} ({what}) does not exist, or is private and the bot is not in it"
        return fail("channels", told, f"{_INVITE} (C…, in the channel's details).", page)
    if why == "not_in_channel":
        told = f"the bot is not in {channel} ({what})"
        return fail("channels", told, f"{_INVITE}.", page)
    if why == "is_archived":
        told = f"{channel} ({what}) is archived"
        return fail("channels", told, "Unarchive it, or name another channel.", page)
    told = f"Slack lets nothing be posted to {channel} ({what}): {why}"
    return fail("channels", told, "Let the bot post there, or name another channel.", page)


def _why_not(client: SlackClient, channel: str) -> str:
    """Return Slack's word for why the bot cannot post in a channel; "" if nothing is known."""
    return _history(client, channel) or _posting(client, channel)


def _history(client: SlackClient, channel: str) -> str:
    """Return what Slack says against reading a channel's messages; "" also without the scope."""
    try:
        client.api_call("conversations.history", params={"channel": channel, "limit": 1})
    except SAID_NO as error:
        no = read_no(error)
        return "" if no.passing or no.code == "missing_scope" else no.code
    except NO_ANSWER:
        pass
    return ""


def _posting(client: SlackClient, channel: str) -> str:
    """Return what Slack says against posting in a channel, when asked to post nothing."""
    try:
        client.api_call("chat.postMessage", params={"channel": channel})
    except SAID_NO as error:
        no = read_no(error)
        return "" if no.passing or no.code in _MAY_POST | {"missing_scope"} else no.code
    except NO_ANSWER:
        pass
    return ""


def _roles_by_id(named: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Return the roles that name each ID."""
    roles: dict[str, list[str]] = defaultdict(list)
    for name, ids in named.items():
        for each in ids:
            roles[each].append(name)
    return dict(roles)
