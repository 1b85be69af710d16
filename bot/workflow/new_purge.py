"""A command becomes a purge: it gets its ID."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

from bot.core.command.parser import PurgeCommand
from bot.core.interaction import Origin
from bot.core.purge.purge import Purge
from bot.core.purge.signatures import ApprovalKeys

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_purge(command: PurgeCommand, origin: Origin, now: datetime, keys: ApprovalKeys) -> Purge:
    """Give the purge that a command asks for, signed where there is a key."""
    purge = Purge(
        id=new_purge_id(now),
        trigger_id=origin.trigger_id,
        team_id=origin.team_id,
        channel_id=origin.channel_id,
        user_id=origin.user_id,
        domain=command.domain,
        tags=command.tags,
        force=command.force,
        reason=command.reason,
        break_glass=command.break_glass,
        requested_at=now,
    )
    return replace(purge, signature=keys.sign_request(purge))


def new_purge_id(now: datetime) -> str:
    """Give an ID that sorts by time and can be read out over the phone: `P` and 13 characters.

    Nine hold the milliseconds since 1970, four are random; letters that look like digits are
    left out.
    """
    number = (int(now.timestamp() * 1000) << 20) | secrets.randbits(20)
    digits = [_CROCKFORD[(number >> shift) & 31] for shift in range(60, -1, -5)]
    return "P" + "".join(digits)
