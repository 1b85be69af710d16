"""Look up people in Slack: facts are cached for a minute and never guessed.

    users.info               member, guest, bot, deleted, or of another workspace; and their IDs
    usergroups.users.list    the members of the groups that the policy names

For plain purges and questions, facts may be a minute old; if Slack does not answer, group lists may
be up to ten minutes old.  For purges that need approval, facts must be looked up after `since`, the
moment in question.

With a token of an organisation, a group is looked up in a workspace.  The members of a group are in
its workspace, so the workspaces of the person are tried; the one that has the group is remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, NamedTuple, TypeVar

import structlog
from pydantic import TypeAdapter
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from bot.config.policy_file import PolicySource
from bot.core.policy.approvers import Members
from bot.core.policy.decision import Actor, Membership
from bot.core.purge.purge import PurgeRequest
from bot.core.retry import DirectoryRefused, DirectoryUnavailable
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

FRESH = timedelta(seconds=60)
STALE = timedelta(minutes=10)
"""An older fact is never used."""
FEW_FACTS = 1000
"""So many facts are kept, however old they are: less than a megabyte."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

SLACKBOT = "USLACKBOT"
MOST_QUESTIONS = 20
"""How many people one call of `memberships` looks up at most; Slack allows a hundred per minute."""
MOST_TEAMS = 10
"""In how many workspaces of a person a group is looked up; Slack allows twenty calls per minute:
https://docs.slack.dev/apis/web-api/rate-limits
"""

GroupList = frozenset[str] | str
"""The IDs of a group's members, or Slack's error code if the workspace has no such group."""

# Slack's error codes for a person that does not exist, or that the bot may not see.
_NOBODY = {NO_SUCH_PERSON: Membership.UNKNOWN, NOT_VISIBLE: Membership.OUTSIDER}


@dataclass(frozen=True, slots=True)
class _Answer(Generic[T]):
    """A value, and when its lookup began."""

    value: T
    at: datetime


@dataclass(slots=True)
class _Fact(Generic[T]):
    """One cached fact, and the lock for looking it up."""

    answer: _Answer[T] | None = None
    asking: threading.Lock = field(default_factory=threading.Lock)


class Facts(Generic[K, T]):
    """A cache of facts that are looked up over the network, each with the time of its lookup.

    Threads may share it.  Only one at a time looks a fact up; the others wait for its answer.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._facts: dict[K, _Fact[T]] = {}

    def held(self, key: K, age: timedelta = FRESH) -> T | None:
        """Return the cached value if it is at most `age` old, else None.  Never looks it up."""
        fact = self._facts.get(key)
        answer = fact.answer if fact else None
        return answer.value if answer and self._now() - answer.at <= age else None

    def get(
        self, key: K, fetch: Callable[[], T], since: datetime | None, age: timedelta = FRESH
    ) -> T:
        """Return a value that was looked up at `since` or later, or, if that is None, within `age`.

        Threads that wait for a lookup share its answer, if it is fresh for them.  If the lookup
        fails and `since` is None, a value that is at most STALE old is returned.
        Raises: DirectoryUnavailable; DirectoryRefused even if there is a cached value.
        """
        fact = self._facts.get(key)
        if fact is None:
            self._forget_stale()
            fact = self._facts.setdefault(key, _Fact())
        with fact.asking:
            now, known = self._now(), fact.answer
            if known is not None:
                fresh = now - known.at <= age if since is None else known.at >= since
                if fresh:
                    return known.value
            try:
                value = fetch()
            except DirectoryRefused:
                raise
            except DirectoryUnavailable:
                if known is None or since is not None or now - known.at > STALE:
                    raise
                log.warning("stale-facts-used", about=str(key))
                return known.value
            fact.answer = _Answer(value, now)
            return value

    def _forget_stale(self) -> None:
        """Drop facts that nobody uses any more.  One that is just being looked up may be among
        them: whoever asks for it next then looks it up as well.
        """
        if len(self._facts) < FEW_FACTS:
            return
        oldest = self._now() - STALE
        for key, fact in list(self._facts.items()):
            if fact.answer is None or fact.answer.at < oldest:
                self._facts.pop(key, None)


class Place(NamedTuple):
    """A group, and the workspace in which to look it up, if Slack requires one."""

    team_id: str | None
    group: str

    def __str__(self) -> str:
        return self.group


_USERS = TypeAdapter(list[str])

GroupLookup = Callable[[Place], GroupList | None]
"""Returns the members of a group, or None if they are not known."""


class SlackDirectory:
    """People, looked up over the Web API, for one installation of the app."""

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
        self,
        team_id: str,
        user_id: str,
        channel_id: str,
        user_team_id: str,
        domain: str | None = None,
    ) -> Actor | None:
        """Return a person if the facts about them are cached and fresh, else None.  Never looks up.

        The arguments are as for `fetch`: without `domain`, all facts are needed.
        """
        person = self._people.held(user_id)
        if person is None:
            return None
        where = (team_id, user_id, channel_id, user_team_id)
        return self._actor(where, person, domain, self._groups.held)

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
        """Return a person, looking up the facts that are not fresh.

        `user_team_id` is the workspace that their click named, "" if it named none.  If `domain` is
        given, only the groups that matter to it are looked up, because Slack allows about twenty
        such calls per minute.  Facts are fresh if they were looked up at `since` or later, or
        within FRESH if that is None.
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
        """Return a purge's requester with the facts for a domain.  None if unavailable."""
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
        """Return a person, or None if `lookup` does not know a group that matters."""
        team_id, user_id, channel_id, user_team_id = where
        membership = person.membership_at(user_team_id, self._ours)
        within = set[str]()
        if membership is Membership.MEMBER:  # the groups of anybody else do not matter
            for group in self._groups_named(domain):
                members = self._members(group, person, user_team_id, lookup)
                if members is None:
                    return None
                if not members.isdisjoint(person.ids):
                    within.add(group)
        aliases = person.ids - {user_id}
        return Actor(team_id, user_id, membership, frozenset(within), channel_id, aliases)

    def members(self) -> Members:
        """Return the members of the groups that the policy names, from the cache only."""
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
        """Return the memberships of people whom the policy names, cached for STALE.

        A person is missing if Slack could not describe them now, or if MOST_QUESTIONS people were
        looked up already.
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
                        left = 0  # the next lookup would fail as well
            if known is not None:
                found[user_id] = known.membership_at(None, self._ours)
        return found

    def _groups_named(self, domain: str | None = None) -> Sequence[str]:
        """Return the groups that the policy names, for a domain or for any."""
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
        try:
            return Person.of(user, user_id, self._ours)
        except ValueError:  # it is not what Slack documents
            raise DirectoryUnavailable from None

    def _members(
        self, group: str, person: Person, claim: str, lookup: GroupLookup
    ) -> frozenset[str] | None:
        """Return the members of a group, from whichever workspace this person could be in it.

        None: `lookup` does not know.  A group that does not exist has no members.
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
        """Return the workspaces in which to look up a group. [None] if Slack requires none."""
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
        try:
            return frozenset(_USERS.validate_python(answer.get("users")))
        except ValueError:
            raise DirectoryUnavailable from None

    @staticmethod
    def _call(method: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return method(**arguments).data
        except NO_ANSWER as error:
            raise DirectoryUnavailable from error


def _unknown(no: SlackNo) -> DirectoryUnavailable:
    return DirectoryUnavailable(no.retry_after_s) if no.passing else DirectoryRefused()
