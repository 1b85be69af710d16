"""What people ask besides a purge: a press on a button, or a question like `/purge help`.

An ask is written down before Slack hears "received", so that a crash forgets no click, and
keyed by Slack's trigger ID, so that the same click delivered twice counts once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AskKind(StrEnum):
    APPROVE = "approve"
    DENY = "deny"
    HELP = "help"


@dataclass(frozen=True, slots=True)
class Ask:
    """One click or question.

    `user_team_id` is the asker's own workspace: in a shared channel it differs from `team_id`,
    which is the workspace that the app is installed in.
    `purge_id` is what the button carried: a key to look up, trusted for nothing else.
    `response_url` is Slack's way back to the asker: five uses in thirty minutes.
    """

    trigger_id: str
    kind: AskKind
    team_id: str
    user_team_id: str
    user_id: str
    channel_id: str
    response_url: str
    at: datetime
    purge_id: str | None = None
