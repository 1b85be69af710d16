"""What can be saved in one transaction, beside a Transition and audit entries; see `Store.apply`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.audit import AuditEntry
from bot.core.decisions.transition import Transition
from bot.core.interaction import Interaction
from bot.core.message import Post


@dataclass(frozen=True, slots=True)
class NewInteraction:
    """A press or a question that is written down for the first time.

    `due_at` is when the worker answers it; None: it has its answer already.
    """

    interaction: Interaction
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class InteractionAnswered:
    """A press or a question that waited, by its trigger ID, has its answer."""

    trigger_id: str


@dataclass(frozen=True, slots=True)
class NewPosts:
    """Messages that wait for nothing."""

    posts: tuple[Post, ...]
    due_at: datetime


@dataclass(frozen=True, slots=True)
class CardReply:
    """The response URL of a press on a purge's card, and the time of the press: where the bot is
    no member of the channel it is the only way to replace the card.
    """

    purge_id: str
    response_url: str
    at: datetime


Change = Transition | NewInteraction | InteractionAnswered | NewPosts | CardReply | AuditEntry
