"""The changes that `Store.apply` saves in one transaction, besides a Transition and AuditEntry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.audit import AuditEntry
from bot.core.decisions.transition import Transition
from bot.core.interaction import Interaction
from bot.core.message import Post


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """A press or a question that is saved for the first time.

    `due_at` is when the worker answers it.  None: it was answered already.
    """

    interaction: Interaction
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class InteractionAnswered:
    """A press or a question that was due, identified by its trigger ID, was answered."""

    trigger_id: str


@dataclass(frozen=True, slots=True)
class NewPosts:
    """Messages that are saved without a transition."""

    posts: tuple[Post, ...]
    due_at: datetime


@dataclass(frozen=True, slots=True)
class CardReply:
    """The response URL of a press on a purge's card, and the time of the press.

    If the bot is not a member of the channel, only this URL can replace the card.
    """

    purge_id: str
    response_url: str
    at: datetime


Change = Transition | NewInteraction | InteractionAnswered | NewPosts | CardReply | AuditEntry
