"""What is written beside a change: its audit entry, and the messages that tell of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from bot.core.audit import AuditEntry
from bot.core.command.parser import format_command
from bot.core.decisions.rulings import SUGGESTED, suggested_command
from bot.core.interaction import Interaction
from bot.core.message import Notice, Post, PostKind
from bot.core.purge.purge import Event, Purge
from bot.core.purge.trail import facts_of


def card_of(purge: Purge, response_url: str, now: datetime) -> Post:
    """Give the card of a purge, not yet shown."""
    return Post(
        kind=PostKind.CARD,
        purge_id=purge.id,
        channel_id=purge.channel_id,
        user_id=purge.user_id,
        response_url=response_url,
        response_url_at=now,
    )


def approval_card_of(purge: Purge, now: datetime) -> Post | None:
    """Give the card that stands where people are called to decide, if that is elsewhere."""
    place = purge.briefing.channel_id if purge.briefing else None
    if place is None or place == purge.channel_id:
        return None
    return replace(
        card_of(purge, "", now),
        kind=PostKind.APPROVAL_CARD,
        channel_id=place,
        wanted_version=purge.version,
    )


def entry_of(purge: Purge, event: Event, now: datetime, user_id: str | None = None) -> AuditEntry:
    """Give the audit row of a change that the bot itself made, or `user_id` asked for."""
    return AuditEntry(
        purge_id=purge.id,
        at=now,
        event=event.value,
        team_id=purge.team_id,
        user_id=user_id,
        channel_id=purge.channel_id,
        policy_hash=purge.policy_hash,
        detail=_detail(purge),
    )


def press_entry(
    ask: Interaction,
    event: str,
    purge: Purge | None,
    notice: Notice | None,
    now: datetime,
    policy_hash: str | None,
) -> AuditEntry:
    """Give the audit row of a press: the presser's own workspace counts, not the app's."""
    return AuditEntry(
        purge_id=ask.purge_id or ask.trigger_id,
        at=now,
        event=event,
        team_id=ask.user_team_id,
        user_id=ask.user_id,
        channel_id=ask.channel_id,
        policy_hash=policy_hash,
        detail={
            **(_detail(purge) if purge else {}),
            **(notice.facts if notice else {}),
            "press": ask.kind.value,
        },
    )


def _detail(purge: Purge) -> dict[str, str]:
    """Give what the audit trail says of a purge as it is after a step."""
    facts = {
        "reason": purge.reason,
        "denial": purge.denial,
        "task_id": purge.task_id,
        "request_id": purge.request_id,
        "refusal": purge.refusal.code if purge.refusal else None,
        "why": purge.refusal.sentence if purge.refusal else None,
        "failure": purge.failure.code if purge.failure else None,
    }
    return facts_of(purge) | {name: fact for name, fact in facts.items() if fact}


def thread_reply_of(purge: Purge, code: str, now: datetime) -> Post:
    return replace(card_of(purge, "", now), kind=PostKind.THREAD_REPLY, notice=Notice(code))


def suggestion_of(purge: Purge, now: datetime) -> Post:
    """Give what tells the requester alone which domain they may have meant."""
    meant = suggested_command(purge)
    assert meant is not None, "only what can be suggested is told"
    facts = {"unknown": purge.domain, "domain": meant.domain, "command": format_command(meant)}
    notice = Notice(SUGGESTED, facts)
    return replace(card_of(purge, "", now), kind=PostKind.EPHEMERAL, notice=notice)


def alert_of(code: str, facts: dict[str, str], channel_id: str, now: datetime) -> Post:
    """Give what the operators are told in their channel; `code` is that of a kind in the catalogue.

    Of the facts, `since` (a moment in ISO form), `asked` (an operation) and `request_id` are
    shown below the sentence.
    """
    return Post(
        kind=PostKind.ALERT,
        notice=Notice(code, facts),
        channel_id=channel_id,
        user_id="",
        response_url="",
        response_url_at=now,
    )


def ephemeral_of(ask: Interaction, notice: Notice) -> Post:
    return Post(
        kind=PostKind.EPHEMERAL,
        purge_id=ask.purge_id,
        notice=notice,
        channel_id=ask.channel_id,
        user_id=ask.user_id,
        response_url=ask.response_url,
        response_url_at=ask.at,
    )
