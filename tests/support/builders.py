"""Requests, people and policies for tests of the rules, put together in a line each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core.interaction import Interaction, InteractionKind
from bot.core.policy.decision import Actor, Membership
from bot.core.policy.document import Policy
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import Purge, State

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
TEAM = "T0TOWN"
ROLES = {
    "editors": {"title": "Editors", "groups": ["S0EDITORS"]},
    "sre": {"title": "SRE", "groups": ["S0SRE"]},
    "leads": {"title": "Leads", "groups": ["S0LEADS"]},
    "room": {"title": "Room", "channels": ["C0OPS"]},
}
RULES = [
    {
        "rule": "They ask",
        "roles": ["editors", "sre"],
        "allow": ["purge", "force"],
        "domains": ["*"],
    },
    {
        "rule": "They approve",
        "roles": ["sre", "leads", "room"],
        "allow": ["approve"],
        "domains": ["*"],
    },
]


def policy(*approvals: dict[str, Any], rules: list[dict[str, Any]] | None = None) -> Policy:
    """Give a policy; an approval is for all domains unless it says otherwise."""
    filled = [{"approval": f"A{n}", "domains": ["*"], **each} for n, each in enumerate(approvals)]
    return Policy.model_validate(
        {"version": 1, "roles": ROLES, "rules": rules or RULES, "approvals": filled}
    )


def somebody(
    user_id: str,
    *groups: str,
    membership: Membership = Membership.MEMBER,
    channel: str = "C0WEB",
    aliases: tuple[str, ...] = (),
) -> Actor:
    named = frozenset(f"S0{group.upper()}" for group in groups)
    return Actor(TEAM, user_id, membership, named, channel, frozenset(aliases))


def a_purge(state: State = State.REQUESTED, **facts: Any) -> Purge:
    plain: dict[str, Any] = {
        "id": "P1",
        "trigger_id": "t1",
        "team_id": TEAM,
        "channel_id": "C0WEB",
        "user_id": "U0ANA",
        "domain": "www.example.com",
        "tags": ("hero",),
        "force": True,
        "requested_at": NOW,
        "state": state,
    }
    return Purge(**(plain | facts))


def another(purge: Purge, state: State, **facts: Any) -> Purge:
    """Give a purge of the same, asked for by somebody else before this one."""
    asked: dict[str, Any] = {"id": "P0", "trigger_id": "t0", "user_id": "U0EVA"}
    return replace(purge, **asked, requested_at=NOW - timedelta(minutes=5), state=state, **facts)


def an_interaction(
    kind: InteractionKind, user_id: str, *, at: datetime = NOW, **facts: Any
) -> Interaction:
    plain: dict[str, Any] = {
        "trigger_id": f"press-{user_id}",
        "team_id": TEAM,
        "user_team_id": TEAM,
        "user_id": user_id,
        "channel_id": "C0WEB",
        "response_url": "https://hooks.slack.com/1",
        "purge_id": "P1",
    }
    return Interaction(**(plain | facts), kind=kind, at=at)


def an_approval(user_id: str, *roles: str, **facts: Any) -> Approval:
    return Approval(user_id, NOW, roles, **{"channel_id": "C0WEB", **facts})
