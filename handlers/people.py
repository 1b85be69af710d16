"""Who people are: facts gathered from Slack at the edge, kept a minute, never guessed.

    users.info               member, guest, bot, deleted, or of another workspace
    usergroups.users.list    who is in the groups that the policy names

Fresh means at most a minute old.  When Slack does not answer, group lists up to ten minutes old
still serve plain purges and questions; for anything about a forced purge (`strict`) nothing stale
counts.  One thread asks for a thing at a time; the others wait for its answer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.core.briefing import Members
from bot.core.policy import Actor, Standing
from bot.later import PeopleUnknown
from bot.policy_file import PolicySource
from handlers.slack_answers import NO_ANSWER, read_no

log = structlog.get_logger("purgebot.people")

FRESH = timedelta(seconds=60)
STALE = timedelta(minutes=10)
SLACKBOT = "USLACKBOT"

T = TypeVar("T")

# Slack's word for "there is no such person", or none that we may see.
_NOBODY = {"user_not_found": Standing.UNKNOWN, "user_not_visible": Standing.OUTSIDER}
_NO_GROUP = frozenset({"no_such_subteam", "subteam_not_found", "plan_upgrade_required"})


@dataclass(slots=True)
class _Fact(Generic[T]):
    """One thing that was asked, when it was answered, and the lock of whoever asks again."""

    value: T | None = None
    at: datetime | None = None
    asking: threading.Lock = field(default_factory=threading.Lock)

    def within(self, age: timedelta, now: datetime) -> bool:
        return self.at is not None and now - self.at <= age


class SlackDirectory:
    """Implements `bot.steps.Directory` over the Web API."""

    def __init__(
        self, client: WebClient, policy: PolicySource, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._policy = policy
        self._now = now
        self._standings: dict[str, _Fact[Standing]] = {}
        self._groups: dict[str, _Fact[frozenset[str]]] = {}

    def at_hand(self, team_id: str, user_id: str, channel_id: str) -> Actor | None:
        """Give the facts about a person if all of them are fresh and in memory; never asks."""
        now = self._now()
        standing = self._standings.get(_key(team_id, user_id))
        groups = {group: self._groups.get(group) for group in self._groups_named()}
        if standing is None or not standing.within(FRESH, now) or standing.value is None:
            return None
        if not all(fact is not None and fact.within(FRESH, now) for fact in groups.values()):
            return None
        within = {group for group, fact in groups.items() if fact and user_id in (fact.value or ())}
        return Actor(team_id, user_id, standing.value, frozenset(within), channel_id)

    def gather(
        self, team_id: str, user_id: str, channel_id: str, user_team_id: str, *, strict: bool
    ) -> Actor:
        """Give the facts about a person, asking Slack for what is not fresh.

        Raises: PeopleUnknown.
        """
        oldest = FRESH if strict else STALE
        key = _key(user_team_id, user_id)
        standing = self._ask(
            self._standings, key, lambda: self._standing(team_id, user_id, user_team_id), oldest
        )
        within: set[str] = set()
        if standing is Standing.MEMBER:  # nobody else's groups can help them
            for group in self._groups_named():
                members = self._ask(self._groups, group, partial(self._members, group), oldest)
                if user_id in members:
                    within.add(group)
        return Actor(team_id, user_id, standing, frozenset(within), channel_id)

    def members(self) -> Members:
        """Give who is in the user groups that the policy names, from memory; never asks."""
        now = self._now()
        known = {group: self._groups.get(group) for group in self._groups_named()}
        return {
            group: fact.value
            for group, fact in known.items()
            if fact is not None and fact.value is not None and fact.within(FRESH, now)
        }

    def _ask(
        self, facts: dict[str, _Fact[T]], key: str, ask: Callable[[], T], oldest: timedelta
    ) -> T:
        fact = facts.setdefault(key, _Fact())
        with fact.asking:
            now = self._now()
            if fact.value is None or not fact.within(FRESH, now):
                try:
                    fact.value, fact.at = ask(), now
                except PeopleUnknown:
                    if fact.value is None or not fact.within(oldest, now):
                        raise
                    log.warning("stale-facts-used", about=key)
            return fact.value

    def _groups_named(self) -> list[str]:
        """Give the groups that the policy names: nobody else's members matter."""
        policy, _ = self._policy.current()
        return sorted({group for role in policy.roles.values() for group in role.groups})

    def _standing(self, team_id: str, user_id: str, user_team_id: str) -> Standing:
        if user_id == SLACKBOT:
            return Standing.BOT
        try:
            user = self._call(self._client.users_info, user=user_id)["user"]
        except SlackApiError as error:
            no = read_no(error)
            if no.code not in _NOBODY:
                raise PeopleUnknown(no.retry_after_s) from error
            return _NOBODY[no.code]
        return standing_of(user, team_id, user_team_id)

    def _members(self, group: str) -> frozenset[str]:
        try:
            return frozenset(
                self._call(self._client.usergroups_users_list, usergroup=group)["users"]
            )
        except SlackApiError as error:
            no = read_no(error)
            if no.code in _NO_GROUP:
                log.warning("group-not-there", group=group, error=no.code)
                return frozenset()  # a group that does not exist has no members
            raise PeopleUnknown(no.retry_after_s) from error

    @staticmethod
    def _call(method: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return method(**arguments).data
        except NO_ANSWER as error:
            raise PeopleUnknown from error


def standing_of(user: dict[str, Any], team_id: str, user_team_id: str) -> Standing:
    """Give the standing of a person as `users.info` describes them; what is unclear is unknown.

    `team_id` is the app's workspace, `user_team_id` the one that the press itself named.
    """
    if user.get("deleted"):
        return Standing.DELETED
    if user.get("is_bot") or user.get("is_workflow_bot"):
        return Standing.BOT
    teams = {user.get("team_id"), *(user.get("enterprise_user") or {}).get("teams", ())}
    if user.get("is_stranger") or team_id not in teams or user_team_id not in teams:
        return Standing.OUTSIDER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Standing.GUEST
    if user.get("is_invited_user"):
        return Standing.UNKNOWN
    return Standing.MEMBER


def _key(user_team_id: str, user_id: str) -> str:
    return f"{user_team_id}/{user_id}"
