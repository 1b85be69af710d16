"""What follows where Slack does not say who somebody is."""

from __future__ import annotations

from datetime import timedelta

from bot.core.policy.decision import Actor
from bot.core.purge.purge import PurgeRequest
from bot.core.retry import DirectoryRefused, DirectoryUnavailable
from bot.slack.directory import SlackDirectory

FACTS_PATIENCE = timedelta(seconds=60)
"""How long Slack may fail to say who somebody is before the request is refused."""


def is_lasting(unknown: DirectoryUnavailable, waited: timedelta) -> bool:
    """Whether Slack will not say who somebody is until somebody mends it.

    Raises: DirectoryUnavailable again, where it may pass and was waited for less than FACTS_PATIENCE.
    """
    lasting = isinstance(unknown, DirectoryRefused)
    if not lasting and waited < FACTS_PATIENCE:
        raise unknown
    return lasting


def requester(directory: SlackDirectory, purge: PurgeRequest, domain: str) -> Actor | None:
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
