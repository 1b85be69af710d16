"""Who people are: facts gathered from Slack at the edge, kept a minute, never guessed.

    users.info               member, guest, bot, deleted, or of another workspace; and their IDs
    usergroups.users.list    who is in the groups that the policy names

For plain purges and questions fresh means at most a minute old, and when Slack does not answer, group
lists up to ten minutes old still serve.  For what takes the approval of others only what was asked
`since` the moment in question counts.

With the token of an organisation a group is looked for in a workspace.  Whoever is in the group is
in its workspace, so it is looked for in those of the person; where it was found, is remembered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.config.policy_file import PolicySource
from bot.core.policy.approvers import Members
from bot.core.policy.decision import Actor, Membership
from bot.core.purge.purge import PurgeRequest
from bot.core.retry import DirectoryRefused, DirectoryUnavailable
from bot.slack.cache import STALE, Facts
from bot.slack.errors import (
    NO_ANSWER,
    NO_GROUP,
    NO_SUCH_PERSON,
    NOT_IN_TEAM,
    NOT_VISIBLE,
    SlackNo,
    read_no,
)
from bot.slack.installation import Installation, Person

log = structlog.get_logger("purgebot.people")

SLACKBOT = "USLACKBOT"
MOST_QUESTIONS = 20
"""How many people one call of `memberships` asks Slack about: of a hundred a minute that it takes."""
MOST_TEAMS = 10
"""In how many workspaces of a person a group is looked for: of twenty calls a minute."""

GroupList = frozenset[str] | str
"""The IDs of a group's members, or Slack's word for that there is no such group there."""

# Slack's word for "there is no such person", or none that we may see.
_NOBODY = {NO_SUCH_PERSON: Membership.UNKNOWN, NOT_VISIBLE: Membership.OUTSIDER}


class Place(NamedTuple):
    """A group, and the workspace to look for it in, where Slack wants one."""

    team_id: str | None
    group: str

    def __str__(self) -> str:
        return self.group


GroupLookup = Callable[[Place], GroupList | None]
"""Gives the members of a group; None: it is not known."""


class SlackDirectory:
    """Who people are, asked over the Web API, for one installation of the app."""

    def __init__(
        self,
        client: WebClient,
        policy: PolicySource,
        now: Callable[[], datetime],
        ours: Installation,
    ) -> None:
        self._client = client
        self._policy = policy
        self._ours = ours
        self._people: Facts[str, Person] = Facts(now)
        self._groups: Facts[Place, GroupList] = Facts(now)
        self._found_in: dict[str, str] = {}
        self._missed: set[str] = set()

    def cached(
        self, team_id: str, user_id: str, channel_id: str, user_team_id: str
    ) -> Actor | None:
        """Give the facts about a person if all of them are fresh and in memory; never asks.

        Form: as `fetch`.
        """
        person = self._people.held(user_id)
        if person is None:
            return None
        where = (team_id, user_id, channel_id, user_team_id)
        return self._actor(where, person, None, self._groups.held)

    def fetch(
        self,
        team_id: str,
        user_id: str,
        channel_id: str,
        user_team_id: str,
        *,
        since: datetime | None,
        domain: str | None = None,
    ) -> Actor:
        """Give the facts about a person, asking Slack for what is not fresh.

        `user_team_id` is the workspace that their click named; "" where it named none.
        Of the groups only those are asked about that matter to `domain`: Slack takes some twenty
        such questions a minute.
        Fresh is what was asked at `since` or later, or within FRESH where that is None.
        Raises: DirectoryUnavailable.
        """
        person = self._people.get(user_id, partial(self._describe, user_id), since)

        def lookup(place: Place) -> GroupList:
            return self._groups.get(place, partial(self._list, *place), since)

        where = (team_id, user_id, channel_id, user_team_id)
        actor = self._actor(where, person, domain, lookup)
        assert actor is not None, "Slack was asked about each group"
        return actor

    def requester(self, purge: PurgeRequest, domain: str) -> Actor | None:
        """Give whoever asked for a purge as far as it matters to a domain; None if Slack does not tell."""
        where = (purge.team_id, purge.user_id, purge.channel_id, purge.team_id)
        try:
            return self.fetch(*where, since=None, domain=domain)
        except DirectoryUnavailable:
            return None

    def _actor(
        self,
        where: tuple[str, str, str, str],
        person: Person,
        domain: str | None,
        lookup: GroupLookup,
    ) -> Actor | None:
        """Give the facts about a person; None where `look` does not know a group that matters."""
        team_id, user_id, channel_id, user_team_id = where
        membership = person.standing_at(user_team_id, self._ours)
        within = set[str]()
        if membership is Membership.MEMBER:  # nobody else's groups can help them
            for group in self._groups_named(domain):
                members = self._members(group, person, user_team_id, lookup)
                if members is None:
                    return None
                if not members.isdisjoint(person.ids):
                    within.add(group)
        aliases = person.ids - {user_id}
        return Actor(team_id, user_id, membership, frozenset(within), channel_id, aliases)

    def members(self) -> Members:
        """Give who is in the user groups that the policy names, from memory; never asks."""
        known = {
            group: self._groups.held(Place(self._found_in.get(group), group))
            for group in self._groups_named()
        }
        return {
            group: frozenset() if isinstance(members, str) else members
            for group, members in known.items()
            if members is not None
        }

    def memberships(self, user_ids: Iterable[str]) -> Mapping[str, Membership]:
        """Give what Slack says of people that the policy names, remembered for STALE.

        Whom Slack could not describe now is missing, and so is whoever comes after the first
        MOST_QUESTIONS that it had to be asked about.
        """
        found: dict[str, Membership] = {}
        left = MOST_QUESTIONS
        for user_id in dict.fromkeys(user_ids):
            known = self._people.held(user_id, STALE)
            if known is None and left > 0:
                left -= 1
                try:
                    known = self._people.get(
                        user_id, partial(self._describe, user_id), None, age=STALE
                    )
                except DirectoryUnavailable as unknown:
                    if unknown.retry_after_s or isinstance(unknown.__cause__, NO_ANSWER):
                        left = 0  # the next question would fare no better
            if known is not None:
                found[user_id] = known.standing_at(None, self._ours)
        return found

    def _groups_named(self, domain: str | None = None) -> Sequence[str]:
        """Give the groups that the policy names, for a domain or at all: no others matter."""
        policy, _ = self._policy.current()
        if domain is not None:
            return policy.groups_for(domain)
        return sorted({group for role in policy.roles.values() for group in role.groups})

    def _describe(self, user_id: str) -> Person:
        if user_id == SLACKBOT:
            return Person(frozenset({user_id}), Membership.BOT)
        try:
            user = self._call(self._client.users_info, user=user_id).get("user")
        except SlackApiError as error:
            no = read_no(error)
            if no.code not in _NOBODY:
                raise _unknown(no) from error
            return Person(frozenset({user_id}), _NOBODY[no.code])
        if not isinstance(user, dict):
            raise DirectoryUnavailable
        return Person.of(user, user_id, self._ours)

    def _members(
        self, group: str, person: Person, claim: str, lookup: GroupLookup
    ) -> frozenset[str] | None:
        """Give the members of a group, wherever this person could be one of them.

        None: `look` does not know.  A group that does not exist has no members.
        """
        why_not = ""
        for team in self._teams_to_ask(group, person, claim):
            answer = lookup(Place(team, group))
            if answer is None:
                return None
            if not isinstance(answer, str):
                if team is not None:
                    self._found_in[group] = team
                self._missed.discard(group)
                return answer
            why_not = answer
        if group not in self._missed:
            self._missed.add(group)
            log.warning("group-not-there", group=group, error=why_not)
        return frozenset()

    def _teams_to_ask(self, group: str, person: Person, claim: str) -> list[str | None]:
        """Give the workspaces to look for a group in; None where Slack wants none."""
        if not self._ours.is_org:
            return [None]
        found_in = self._found_in.get(group)
        likely = [found_in, claim, *sorted(person.teams)]
        teams = [team for team in likely if team == found_in or team in person.teams]
        asked = [team for team in dict.fromkeys(teams) if team and not team.startswith("E")]
        return [*asked[:MOST_TEAMS]] or [None]

    def _list(self, team: str | None, group: str) -> GroupList:
        where = {"team_id": team} if team else {}
        try:
            answer = self._call(self._client.usergroups_users_list, usergroup=group, **where)
        except SlackApiError as error:
            no = read_no(error)
            if no.code in NO_GROUP or (self._ours.is_org and no.code in NOT_IN_TEAM):
                return no.code
            raise _unknown(no) from error
        return frozenset(answer["users"])

    @staticmethod
    def _call(method: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return method(**arguments).data
        except NO_ANSWER as error:
            raise DirectoryUnavailable from error


def _unknown(no: SlackNo) -> DirectoryUnavailable:
    return DirectoryUnavailable(no.retry_after_s) if no.passing else DirectoryRefused()
