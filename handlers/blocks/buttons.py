"""The buttons of a card.  They carry only the purge's ID.

Everybody sees all of them, because a message is the same for all readers; rights are checked at the
press.  So Cancel says that it is the requester's, and is missing where others are called to decide.
Only an ephemeral message is limited to the buttons that its reader may press.
"""

from __future__ import annotations

from collections.abc import Collection

from bot.core.interaction import InteractionKind
from bot.core.purge.purge import Purge, State
from bot.slack.message import Block
from handlers.blocks import kit
from handlers.blocks.naming import kind_of
from handlers.blocks.tags import asked

APPROVE = "purge:approve"
DENY = "purge:deny"
CANCEL = "purge:cancel"
POSTPONE = "purge:postpone"
AGAIN = "purge:again"
LEAVE = "purge:leave"
ESCALATE = "purge:escalate"

DECIDE = "decide"
"""The block of the buttons."""


def buttons(purge: Purge, *, calls: bool = False) -> list[Block]:
    """Return the buttons of a purge's card in its current state, or [].  `calls` is as in `card`."""
    return kit.actions(DECIDE, *_row(purge, calls=calls))


def voting_buttons(purge: Purge, votes: Collection[str]) -> list[Block]:
    """Return the buttons for a person who may decide on a purge with these kinds of presses."""
    if purge.state is not State.WAITING:
        return []
    of = {InteractionKind.APPROVE: _approve(purge), InteractionKind.DENY_FORM: _deny(purge)}
    return kit.actions(DECIDE, *(button for kind, button in of.items() if kind in votes))


def _row(purge: Purge, *, calls: bool) -> list[Block]:
    match purge.state:
        case State.WAITING:
            return [_approve(purge), _deny(purge), *([] if calls else [_cancel(purge)])]
        case State.READY if purge.send_at is not None:
            # There are only seconds left: no confirmation is asked, and stopping too much does no
            # harm.
            return [_button(purge, CANCEL, "Stop it", style="danger")]
        case State.HELD | State.QUEUED:
            return [_cancel(purge)]
        case State.OFFERED:
            return [_button(purge, POSTPONE, "Run it then", style="primary"), _cancel(purge)]
        case State.UNKNOWN if purge.choice is None and purge.joined_to is None:
            return [_again(purge), _button(purge, LEAVE, "Leave it")]
        case State.COMPLETE if not purge.force and purge.choice is None:
            return [_escalate(purge)]
        case _:
            return []


def _approve(purge: Purge) -> Block:
    risk = "Every edge fetches from the web server again." if purge.force else ""
    others = purge.quorum - purge.approvals_counted - 1
    sent = "It is sent at once, or when the time to stop it is over."
    if others > 0:
        sent = f"It is sent when {others} more approve{'s' if others == 1 else ''}."
    reason = f"Reason: “{kit.cut(purge.reason, 70)}”" if purge.reason else "No reason was given."
    means = asked(purge, reason, risk, sent)
    confirm = _confirm(f"Approve this {kind_of(purge)}?", means, "Approve")
    return _button(purge, APPROVE, "Approve", style="primary", confirm=confirm)


def _deny(purge: Purge) -> Block:
    return _button(purge, DENY, "Deny", style="danger")


def _cancel(purge: Purge) -> Block:
    """Return Cancel.  After an approval, those who may decide can press it, too."""
    is_theirs = purge.state is State.WAITING or not purge.needs
    label, who = (
        ("Cancel (requester only)", "Only its requester can. ") if is_theirs else ("Cancel", "")
    )
    means = "Nothing will be purged." if purge.doubt is None else "It is not tried again."
    confirm = _confirm("Cancel this request?", who + means, "Cancel request")
    return _button(purge, CANCEL, label, confirm=confirm)


def _again(purge: Purge) -> Block:
    waits = "Somebody else has to approve it first." if purge.needs else ""
    means = "If the CDN did take it, it is purged twice, which does no harm."
    if purge.force:
        means = (
            "If the CDN did take it, every edge fetches from the web server a second time, which can "
            "overload it."
        )
    confirm = _confirm("Purge again?", asked(purge, means, waits), "Purge again")
    return _button(purge, AGAIN, "Purge again", confirm=confirm)


def _escalate(purge: Purge) -> Block:
    means = (
        "Every edge fetches from the web server again, which can overload it. Somebody else may have "
        "to approve it."
    )
    confirm = _confirm("Request a forced purge?", asked(purge, means), "Request it")
    return _button(purge, ESCALATE, "Still stale? Request a forced purge", confirm=confirm)


def _confirm(title: str, text: str, yes: str) -> Block:
    return {
        "title": kit.plain(title),
        # Slack shows plain text whatever type is given:
        # https://github.com/slackapi/node-slack-sdk/issues/1612
        "text": kit.plain(text),
        "confirm": kit.plain(yes),
        "deny": kit.plain("Go back"),
    }


def _button(purge: Purge, action_id: str, label: str, **more: object) -> Block:
    return kit.button(action_id, label, purge.id, **more)
