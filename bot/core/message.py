"""What Slack shows, or will show: one card a purge, notes below it, whispers for one reader.

Where the policy calls those who decide in a channel of their own, the card stands there as well
(`APPROVAL_CARD`), so that they can decide where they are; both are kept true.

An edited card calls nobody; a note does: it tells the requester the outcome, calls those who may
decide once more, and tells them when somebody broke the glass.

An alert belongs to no purge: it tells the operators, in their channel, of what is theirs to mend.

A post remembers where it went, so that the card can be kept true and is never made twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.core.command.answers import Answer


class PostKind(StrEnum):
    CARD = "card"
    APPROVAL_CARD = "call"
    THREAD_REPLY = "note"
    EPHEMERAL = "whisper"
    ALERT = "alert"


class Route(StrEnum):
    """How a post reached its readers, in the order in which the ways are tried.

    CHANNEL   posted by the bot in the channel: can be edited for ever
    RESPONSE  through the command's response URL, where the bot is not a member
    REPLACE   the same, but through a button's response URL, which can replace the message
    DIRECT    a direct message to the requester
    NOWHERE   every way was refused; the audit trail says so
    """

    CHANNEL = "channel"
    RESPONSE = "response"
    REPLACE = "replace"
    DIRECT = "direct"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Notice:
    """What one reader is told: the code of an error kind and its facts, or the answer to a question."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One message.  `id` is None until it is stored; `place` and `ts` are where Slack put it.

    `wanted_version` is the version of the purge that readers should see, `shown_version` the
    one that they do see.  `trying_since` is set before the first try to post: found again
    without a `ts`, it means that the message may or may not be there already.  `told` is what the
    readers were last told (`bot.core.purge.milestones`).
    """

    kind: PostKind
    channel_id: str
    user_id: str
    response_url: str
    response_url_at: datetime
    purge_id: str | None = None
    notice: Notice | None = None
    id: int | None = None
    response_uses: int = 0
    route: Route | None = None
    place: str | None = None
    ts: str | None = None
    trying_since: datetime | None = None
    wanted_version: int = 0
    shown_version: int = 0
    told: str | None = None
