"""How Slack talks to the bot.  Every door is listed here, on one screen.

door                    leads to
/purge                  commands.purge
Approve, Deny, Cancel   actions.approve, actions.deny, actions.cancel
Run it then             actions.postpone
Purge again, Leave it   actions.again, actions.leave
Request a forced purge  actions.escalate
Newer, Older            questions.page
the form of a denial    views.denial
any other command       commands.unknown
any other button        actions.unknown
any other form          views.unknown
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from slack_bolt import App

from handlers import actions, commands, questions, views
from handlers.blocks.buttons import AGAIN, APPROVE, CANCEL, DENY, ESCALATE, LEAVE, POSTPONE
from handlers.blocks.denial import DENIAL
from handlers.blocks.history import NEWER, OLDER
from handlers.boundary import Desk, Listen, answering, only_our_workspace


@dataclass(frozen=True, slots=True)
class Door:
    """One thing that Slack can send, and who answers it."""

    kind: Literal["command", "action", "view"]
    name: str | re.Pattern[str]
    listen: Listen


ANYTHING = re.compile(r".*", re.DOTALL)

# The order counts: Bolt takes the first that fits.
DOORS: tuple[Door, ...] = (
    Door("command", "/purge", commands.purge),
    Door("action", APPROVE, actions.approve),
    Door("action", DENY, actions.deny),
    Door("action", CANCEL, actions.cancel),
    Door("action", POSTPONE, actions.postpone),
    Door("action", AGAIN, actions.again),
    Door("action", LEAVE, actions.leave),
    Door("action", ESCALATE, actions.escalate),
    Door("action", NEWER, questions.page),
    Door("action", OLDER, questions.page),
    Door("view", DENIAL, views.denial),
    Door("command", ANYTHING, commands.unknown),
    Door("action", ANYTHING, actions.unknown),
    Door("view", ANYTHING, views.unknown),
)


def register(app: App, desk: Desk) -> None:
    """Hang every door into a Bolt app."""
    app.use(only_our_workspace)
    for door in DOORS:
        match door.kind:
            case "command":
                app.command(door.name)(answering(door.listen, desk, door.kind))
            case "action":
                app.action(door.name)(answering(door.listen, desk, door.kind))
            case "view":
                app.view(door.name)(answering(door.listen, desk, door.kind))


# What the listeners and the announcer call, and the scope that each needs; manifest.yml asks for
# exactly these, and `commands` for /purge.
SCOPES: dict[str, str] = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "users.info": "users:read",
    "usergroups.users.list": "usergroups:read",
    "conversations.history (public)": "channels:history",
    "conversations.history (private)": "groups:history",
    "conversations.history (direct)": "im:history",
    "conversations.replies (public)": "channels:history",
    "conversations.replies (private)": "groups:history",
    "conversations.replies (direct)": "im:history",
    "slash command": "commands",
}
WITHOUT_SCOPE = frozenset({"views.open"})
"""Methods that are called and need no scope."""
# Only used to find a post again after a crash in the moment of posting it.
OPTIONAL_SCOPES = frozenset({"channels:history", "groups:history", "im:history"})
