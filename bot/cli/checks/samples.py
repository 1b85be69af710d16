"""One of every kind of message and form that the bot shows, for Slack to look over.

They are made by the same functions as the real ones, of purges that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.core import error_registry
from bot.core.cdn.health import GOOD_AGAIN
from bot.core.command.answers import (
    HistoryAnswer,
    ListedPurge,
    PendingAnswer,
    QuotaAnswer,
    TagDoubt,
)
from bot.core.command.queries import STATUS
from bot.core.decisions.rulings import HELP, SUGGESTED
from bot.core.errors import ErrorInfo
from bot.core.interaction import Interaction, InteractionKind
from bot.core.message import Notice, Route
from bot.core.policy.approvers import Briefing
from bot.core.purge.purge import Failure, Purge, Refusal, State
from bot.core.suggestions.confirmation import CHOSEN
from bot.slack.message import Block, Message
from handlers.blocks.alert import alert
from handlers.blocks.denial import denial_form
from handlers.blocks.ephemeral import ephemeral_message
from handlers.blocks.error import error
from handlers.blocks.help import version_message
from handlers.blocks.purge import card, told_in_private, unedited
from handlers.blocks.tags_form import tags_form
from handlers.blocks.thread_reply import call_below, glass_broken, not_called, outcome, reminder

_AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
_SOON = _AT + timedelta(minutes=30)
_PERSON, _OTHER, _GROUP = "U00000000", "U00000001", "S00000000"
_ID = "P00000000000000"
_SENT: dict[str, Any] = {"sent_at": _AT, "task_id": "1", "request_id": "sample"}
_OF_STATE: dict[State, dict[str, Any]] = {
    State.REFUSED: {"refusal": Refusal("policy-no-rule", "No rule lets you.", ("sre",), (_GROUP,))},
    State.WAITING: {
        "force": True,
        "expires_at": _SOON,
        "approvers": (_GROUP,),
        "quorum": 2,
        "needs": "two approvals",
        "briefing": Briefing(("SRE",), 2, (_GROUP,)),
    },
    State.DENIED: {"decided_by": _OTHER, "decided_at": _AT, "denial": "Not now"},
    State.CANCELLED: {"decided_by": _OTHER, "decided_at": _AT},
    State.READY: {"force": True, "send_at": _SOON},
    State.HELD: {"failure": Failure("cdn-queue-full"), "held_until": _SOON, "attempt": 1},
    State.OFFERED: {"failure": Failure("cdn-daily-quota"), "held_until": _SOON, "attempt": 1},
    State.JOINED: {"joined_to": _ID},
    State.QUEUED: {"joined_to": _ID, "held_until": _SOON},
    State.SUBMITTED: _SENT,
    State.RUNNING: {**_SENT, "percent": 42},
    State.COMPLETE: {**_SENT, "percent": 100, "settled_at": _SOON},
    State.UNREPORTED: {**_SENT, "failure": Failure("cdn-task-unreported")},
    State.FAILED: {"failure": Failure("cdn-no-permission")},
    State.UNKNOWN: {"failure": Failure("send-interrupted")},
}
_LISTED = ListedPurge(_ID, 1767268800, "www.example.com", ("hero",), 1, True, _PERSON, "complete")


def messages() -> Iterator[tuple[str, Message]]:
    """Yield each kind of message with its name."""
    yield from _cards()
    yield from _notes()
    yield from _answers()
    yield "alert", alert(Notice("cdn-no-permission", {"since": _AT.isoformat()}))
    yield "alert of good news", alert(Notice(GOOD_AGAIN, {"lasted": "60"}))


def forms() -> Iterator[tuple[str, Block]]:
    """Yield each kind of modal with its name."""
    press = Interaction(
        trigger_id="sample",
        team_id="T00000000",
        user_team_id="T00000000",
        user_id=_OTHER,
        channel_id="C00000000",
        response_url="",
        kind=InteractionKind.DENY_FORM,
        at=_AT,
        purge_id=_ID,
    )
    yield "form of a denial", denial_form(press, _purge(State.WAITING))
    yield "form of all tags", tags_form(press, _purge(tags=_many_tags()), 1)


def _cards() -> Iterator[tuple[str, Message]]:
    for state in State:
        if state is not State.REQUESTED:
            yield f"card: {state.value}", card(_purge(state))
    yield "card: all tags", card(_purge(State.WAITING, tags=_many_tags()))
    called = card(_purge(State.WAITING, reason="Old prices", new_tags=("hero",)), calls=True)
    yield "approval card", called
    submitted = _purge(State.SUBMITTED)
    yield "card: response URL", unedited(card(submitted), submitted, Route.RESPONSE, _SOON)


def _notes() -> Iterator[tuple[str, Message]]:
    waiting = _purge(State.WAITING)
    yield "reminder", reminder(waiting)
    yield "call below a card", call_below(waiting)
    yield "nobody called", not_called(waiting)
    yield "told in private", told_in_private()
    yield "glass broken", glass_broken(_purge(State.READY, reason="The shop is down"))
    yield "outcome", outcome(_purge(State.DENIED))


def _answers() -> Iterator[tuple[str, Message]]:
    mistake = ErrorInfo(error_registry.kind("command-option-unknown"), {"option": "--forse"})
    yield "error", error(mistake, corrected="/purge www.example.com hero --force")
    yield "version", version_message()
    command = "/purge www.example.com hero"
    told: dict[str, Notice] = {
        "status": Notice(STATUS, {"votes": "approve,deny-form"}),
        "notice": Notice("cdn-no-permission"),
        "help": Notice(HELP, {"purge": "*", "force": "*", "approve": "*", "asks": "yes"}),
        "help on history": Notice(HELP, {"topic": "history"}),
        "choice": Notice(CHOSEN, {"command": command}),
        "suggested domain": Notice(
            SUGGESTED,
            {"unknown": "ww.example.com", "domain": "www.example.com", "command": command},
        ),
        "history": Notice(
            "history",
            answer=HistoryAnswer(
                _PERSON, "history", False, (), True, (_LISTED,), _AT, "newer", "older"
            ),
        ),
        "pending": Notice("pending", answer=PendingAnswer((_LISTED,), 1, ("*",))),
        "quota": Notice(
            "quota", answer=QuotaAnswer(_SOON, 1, 1, {"url_quota": 10_000, "url_remain": 9_000})
        ),
        "doubtful tag": Notice(
            "doubt",
            answer=TagDoubt("www.example.com", True, (("heroo", "hero"),), 1, "meant", "typed"),
        ),
    }
    for name, notice in told.items():
        shown = ephemeral_message(notice, _purge(State.WAITING))
        yield name, shown


def _purge(state: State = State.WAITING, **facts: Any) -> Purge:
    plain: dict[str, Any] = {
        "id": _ID,
        "trigger_id": "sample",
        "team_id": "T00000000",
        "channel_id": "C00000000",
        "user_id": _PERSON,
        "domain": "www.example.com",
        "tags": ("hero", "banner"),
        "force": False,
        "requested_at": _AT,
        "state": state,
    }
    return Purge(**(plain | _OF_STATE.get(state, {}) | facts))


def _many_tags() -> tuple[str, ...]:
    return tuple(f"campaign-{number:03}" for number in range(100))
