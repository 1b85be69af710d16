"""The messages that Slack shows or will show: a card per purge, thread replies, ephemeral messages.

If the policy calls the approvers in another channel, that channel has a copy of the card
(`APPROVAL_CARD`), so that they can decide there.  Both cards are kept up to date.

Slack notifies nobody of an edited card.  So thread replies tell the requester the outcome, call the
approvers a second time, and tell them that somebody broke the glass.

An alert belongs to no purge: it tells the operators, in their channel, what they must correct.

A post stores where it was posted, so that the card can be edited and is never posted twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.core.command.answers import Answer


class PostKind(StrEnum):
    """The kinds of posts.  The values are stored, so they keep names of earlier releases."""

    CARD = "card"
    APPROVAL_CARD = "call"
    THREAD_REPLY = "note"
    EPHEMERAL = "whisper"
    ALERT = "alert"


class Route(StrEnum):
    """How a post reached its readers, in the order in which the ways are tried.

    CHANNEL   posted by the bot in the channel: can always be edited
    RESPONSE  through the command's response URL, if the bot is not a member
    REPLACE   the same, but through a button's response URL, which can replace the message
    DIRECT    a direct message to the requester
    NOWHERE   every way was refused; the audit trail records it
    """

    CHANNEL = "channel"
    RESPONSE = "response"
    REPLACE = "replace"
    DIRECT = "direct"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class Notice:
    """What one reader is told: an error kind's code and its facts, or the answer to a question."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One message.  `id` is None until it is stored; `place` (a channel ID) and `ts` are Slack's.

    `wanted_version` is the version of the purge that should be shown, `shown_version` the one that
    is shown.  `trying_since` is set before the first attempt to post: if it is set and `ts` is not,
    the message may or may not have been posted.  `told` is what the readers were told last
    (`bot.core.purge.milestones`).
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
