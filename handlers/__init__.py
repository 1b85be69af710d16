"""How Slack talks to the bot.  Every listener is listed here, on one screen.

what is pressed         who answers
/purge                  commands.purge
Approve, Deny, Cancel   actions.approve, actions.deny, actions.cancel
Run it then             actions.postpone
Purge again, Leave it   actions.again, actions.leave
Request a forced purge  actions.escalate
Show all tags           actions.show_tags
Previous, Next          actions.turn_tags
Newer, Older            queries.page
… instead, … as typed   confirmations.meant, confirmations.typed
the form of a denial    modals.denial
any other command       commands.unknown
any other button        actions.unknown
any other form          modals.unknown
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from slack_bolt import App

from handlers.blocks.buttons import AGAIN, APPROVE, CANCEL, DENY, ESCALATE, LEAVE, POSTPONE
from handlers.blocks.denial import DENIAL
from handlers.blocks.doubt import MEANT, TYPED
from handlers.blocks.history import NEWER, OLDER
from handlers.blocks.tags import SHOW_ALL
from handlers.blocks.tags_form import NEXT, PREVIOUS
from handlers.boundary import Listen, ListenerContext, answering, only_our_workspace
from handlers.listeners import actions, commands, confirmations, modals, queries


@dataclass(frozen=True, slots=True)
class Listener:
    """One thing that Slack can send, and who answers it."""

    kind: Literal["command", "action", "view"]
    name: str | re.Pattern[str]
    listen: Listen


ANYTHING = re.compile(r".*", re.DOTALL)

# The order counts: Bolt takes the first that fits.
LISTENERS: tuple[Listener, ...] = (
    Listener("command", "/purge", commands.purge),
    Listener("action", APPROVE, actions.approve),
    Listener("action", DENY, actions.deny),
    Listener("action", CANCEL, actions.cancel),
    Listener("action", POSTPONE, actions.postpone),
    Listener("action", AGAIN, actions.again),
    Listener("action", LEAVE, actions.leave),
    Listener("action", ESCALATE, actions.escalate),
    Listener("action", SHOW_ALL, actions.show_tags),
    Listener("action", PREVIOUS, actions.turn_tags),
    Listener("action", NEXT, actions.turn_tags),
    Listener("action", NEWER, queries.page),
    Listener("action", OLDER, queries.page),
    Listener("action", MEANT, confirmations.meant),
    Listener("action", TYPED, confirmations.typed),
    Listener("view", DENIAL, modals.denial),
    Listener("command", ANYTHING, commands.unknown),
    Listener("action", ANYTHING, actions.unknown),
    Listener("view", ANYTHING, modals.unknown),
)


def register(app: App, context: ListenerContext) -> None:
    """Give a Bolt app every listener."""
    app.use(only_our_workspace(context.installation))
    for listener in LISTENERS:
        match listener.kind:
            case "command":
                app.command(listener.name)(answering(listener.listen, context, listener.kind))
            case "action":
                app.action(listener.name)(answering(listener.listen, context, listener.kind))
            case "view":
                app.view(listener.name)(answering(listener.listen, context, listener.kind))
