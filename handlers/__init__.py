"""How Slack calls the bot.  This module lists every listener."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from slack_bolt import App

from bot.core.interaction import InteractionKind
from handlers.blocks.buttons import AGAIN, APPROVE, CANCEL, DENY, ESCALATE, LEAVE, POSTPONE
from handlers.blocks.denial import DENIAL
from handlers.blocks.doubt import MEANT, TYPED
from handlers.blocks.history import NEWER, OLDER
from handlers.blocks.tags import SHOW_ALL
from handlers.blocks.tags_form import NEXT, PREVIOUS
from handlers.boundary import Listen, ListenerContext, OnlyOurWorkspace, answering
from handlers.listeners import actions, commands, queries


@dataclass(frozen=True, slots=True)
class Listener:
    """A kind and name of input from Slack, and the listener for it."""

    kind: Literal["command", "action", "view"]
    name: str | re.Pattern[str]
    listen: Listen


ANYTHING = re.compile(r".*", re.DOTALL)

LISTENERS: tuple[Listener, ...] = (
    Listener("command", "/purge", commands.purge),
    Listener("action", APPROVE, actions.pressed(InteractionKind.APPROVE)),
    Listener("action", DENY, actions.pressed(InteractionKind.DENY_FORM)),
    Listener("view", DENIAL, actions.denial),
    Listener("action", CANCEL, actions.pressed(InteractionKind.CANCEL)),
    Listener("action", POSTPONE, actions.pressed(InteractionKind.POSTPONE)),
    Listener("action", AGAIN, actions.pressed(InteractionKind.AGAIN)),
    Listener("action", LEAVE, actions.pressed(InteractionKind.LEAVE)),
    Listener("action", ESCALATE, actions.pressed(InteractionKind.ESCALATE)),
    Listener("action", SHOW_ALL, actions.pressed(InteractionKind.TAGS)),
    Listener("action", PREVIOUS, actions.turn_tags),
    Listener("action", NEXT, actions.turn_tags),
    Listener("action", NEWER, queries.page),
    Listener("action", OLDER, queries.page),
    Listener("action", MEANT, actions.doubt(InteractionKind.MEANT)),
    Listener("action", TYPED, actions.doubt(InteractionKind.TYPED)),
    # Bolt uses the first match, so these get what no other listener takes.
    Listener("command", ANYTHING, commands.unknown),
    Listener("action", ANYTHING, actions.unknown_button),
    Listener("view", ANYTHING, actions.unknown_form),
)


def register(app: App, context: ListenerContext) -> None:
    """Register every listener with a Bolt app."""
    app.use(OnlyOurWorkspace(context.installation))
    add = {"command": app.command, "action": app.action, "view": app.view}
    for each in LISTENERS:
        add[each.kind](each.name)(answering(each.listen, context, each.kind))
