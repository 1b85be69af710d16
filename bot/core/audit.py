"""What is written down about every step: who, what, when, which purge, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit trail; it is written in the same transaction as what it tells.

    `event`: an event of `core.purge`, or what a click came to (`click-late`, `click-not-allowed` …).
    `user_id` is None where the bot itself acted.  `detail` holds no secret and no vendor text.
    """

    purge_id: str
    at: datetime
    event: str
    team_id: str | None = None
    user_id: str | None = None
    channel_id: str | None = None
    policy_hash: str | None = None
    detail: dict[str, str] = field(default_factory=dict)
