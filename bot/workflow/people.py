"""What is asked about people.  It stands here because the arrow must turn round: Slack lives above."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from bot.core.policy.approvers import Members
from bot.core.policy.decision import Actor, Membership
from bot.core.purge.purge import Purge
from bot.core.retry import DirectoryRefused, DirectoryUnavailable

FACTS_PATIENCE = timedelta(seconds=60)
"""How long Slack may fail to say who somebody is before the request is refused."""


class Directory(Protocol):
    """Who people are; `bot.slack.directory` knows it from Slack."""

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
        """Give the facts about a person as they were at `since` or later, or a minute ago at most.

        Of the groups only those that matter to `domain`, where one is given.
        Raises: PeopleUnknown.
        """

    def members(self) -> Members:
        """Give who is in the user groups that the policy names, from memory; never asks."""

    def standings(self, user_ids: Iterable[str]) -> Mapping[str, Membership]:
        """Give what people are to the workspace; who could not be looked up is missing."""


def is_lasting(unknown: DirectoryUnavailable, waited: timedelta) -> bool:
    """Whether Slack will not say who somebody is until somebody mends it.

    Raises: PeopleUnknown again, where it may pass and was waited for less than FACTS_PATIENCE.
    """
    lasting = isinstance(unknown, DirectoryRefused)
    if not lasting and waited < FACTS_PATIENCE:
        raise unknown
    return lasting


def requester(directory: Directory, purge: Purge, domain: str) -> Actor | None:
    """Give whoever asked for a purge as far as it matters to a domain; None if Slack does not tell."""
    try:
        return directory.fetch(
            purge.team_id,
            purge.user_id,
            purge.channel_id,
            purge.team_id,
            since=None,
            domain=domain,
        )
    except DirectoryUnavailable:
        return None
