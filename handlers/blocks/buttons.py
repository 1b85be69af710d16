"""The buttons of a card; they carry the purge's ID and nothing else.

Everybody sees all of them, for a message is the same for all its readers; who may press which is
decided at the press.
"""

from __future__ import annotations

from bot.core.purge import Purge, State
from handlers.blocks import kit
from handlers.blocks.kit import Block, code, codes, mention

APPROVE = "purge:approve"
DENY = "purge:deny"
CANCEL = "purge:cancel"
POSTPONE = "purge:postpone"
AGAIN = "purge:again"
LEAVE = "purge:leave"
ESCALATE = "purge:escalate"


def buttons(purge: Purge) -> list[Block]:
    """Give the row of buttons that the card of a purge has now, if it has any."""
    row = _row(purge)
    return [{"type": "actions", "block_id": "decide", "elements": row}] if row else []


def _row(purge: Purge) -> list[Block]:
    match purge.state:
        case State.WAITING:
            return [_approve(purge), _button(purge, DENY, "Deny", style="danger"), _cancel(purge)]
        case State.READY if purge.send_at is not None:
            # There are seconds left: no question is asked, and stopping too much does no harm.
            return [_button(purge, CANCEL, "Cancel before it is sent", style="danger")]
        case State.HELD:
            return [_button(purge, CANCEL, "Cancel")]
        case State.OFFERED:
            return [
                _button(purge, POSTPONE, "Run it then", style="primary"),
                _button(purge, CANCEL, "Cancel"),
            ]
        case State.UNKNOWN if purge.choice is None and purge.joined_to is None:
            return [_again(purge), _button(purge, LEAVE, "Leave it")]
        case State.COMPLETE if not purge.force and purge.choice is None:
            return [_escalate(purge)]
        case _:
            return []


def _approve(purge: Purge) -> Block:
    asked = f"{_what(purge)}\nAsked by {mention(purge.user_id)}"
    return _button(
        purge,
        APPROVE,
        "Approve",
        style="primary",
        confirm=_confirm(f"Approve this {_kind(purge)}?", asked, "Approve"),
    )


def _cancel(purge: Purge) -> Block:
    asked = "Only its requester can. Nothing will be purged."
    confirm = _confirm("Cancel this request?", asked, "Cancel request")
    return _button(purge, CANCEL, "Cancel request", confirm=confirm)


def _again(purge: Purge) -> Block:
    waits = " Somebody else has to approve it first." if purge.needs else ""
    asked = f"{_what(purge)}\nIf the CDN did take it, it is purged a second time.{waits}"
    confirm = _confirm("Purge again?", asked, "Purge again")
    return _button(purge, AGAIN, "Purge again", confirm=confirm)


def _escalate(purge: Purge) -> Block:
    asked = f"{_what(purge)}\nEvery edge will fetch anew. Somebody else may have to approve it."
    confirm = _confirm("Request a forced purge?", asked, "Request it")
    return _button(purge, ESCALATE, "Still stale? Request a forced purge", confirm=confirm)


def _what(purge: Purge) -> str:
    return f"{code(purge.domain, 90)}: {codes(purge.tags, 90)}"


def _kind(purge: Purge) -> str:
    return "forced purge" if purge.force else "purge"


def _confirm(title: str, text: str, yes: str) -> Block:
    return {
        "title": kit.plain(title),
        "text": kit.mrkdwn(text),
        "confirm": kit.plain(yes),
        "deny": kit.plain("Go back"),
    }


def _button(purge: Purge, action_id: str, label: str, **more: object) -> Block:
    return {
        "type": "button",
        "action_id": action_id,
        "text": kit.plain(label),
        "value": purge.id,
        **more,
    }
