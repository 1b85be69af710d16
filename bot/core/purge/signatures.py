"""Signatures of requests, presses and approvals, which write access to the database cannot forge.

    request   who requested what, where, when, and whether the approval is to be skipped
    press     who pressed what, on which request, where, and when, until it is decided on
    approval  who approved exactly that, where, and when

The keys come from the settings and are never stored.  The first key signs and all keys verify, so a
key can be replaced while old signatures stay valid.  Without a key nothing is signed or verified.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from bot.core.audit import exact_moment
from bot.core.interaction import Interaction
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import Purge


@dataclass(frozen=True, slots=True)
class ApprovalKeys:
    """The secret keys, newest first."""

    keys: tuple[bytes, ...] = field(default=(), repr=False)

    def __bool__(self) -> bool:
        return bool(self.keys)

    def sign_request(self, purge: Purge) -> str | None:
        """Return the signature of a request, as hex; None without a key."""
        return self._sign(_request(purge))

    def sign_approval(self, purge: Purge, approval: Approval) -> str | None:
        """Return the signature of an approval of this purge, as hex; None without a key."""
        return self._sign(_approval(purge, approval))

    def sign_press(self, interaction: Interaction) -> str | None:
        """Return the signature of a press, as hex; None without a key."""
        return self._sign(_press(interaction))

    def verify_request(self, purge: Purge) -> bool:
        """Return whether the bot saved this request as it is; True without a key."""
        return self._verify(_request(purge), purge.signature)

    def verify_approval(self, purge: Purge, approval: Approval) -> bool:
        """Return whether the bot saved this approval of exactly this purge; True without a key."""
        return self._verify(_approval(purge, approval), approval.signature)

    def verify_press(self, interaction: Interaction) -> bool:
        """Return whether the bot saved this press as it is; True without a key."""
        return self._verify(_press(interaction), interaction.signature)

    def _sign(self, message: bytes) -> str | None:
        return _hmac(self.keys[0], message) if self.keys else None

    def _verify(self, message: bytes, signature: str | None) -> bool:
        if not self.keys:
            return True
        given = (signature or "").encode()
        return any(hmac.compare_digest(_hmac(key, message).encode(), given) for key in self.keys)


def _request(purge: Purge) -> bytes:
    where, when = purge.channel_id, exact_moment(purge.requested_at)
    return _bytes("request", purge, purge.break_glass, where, when)


def _press(interaction: Interaction) -> bytes:
    who = (
        interaction.trigger_id,
        interaction.team_id,
        interaction.user_team_id,
        interaction.user_id,
        interaction.channel_id,
    )
    return _text(
        "press",
        *who,
        interaction.kind.value,
        exact_moment(interaction.at),
        interaction.purge_id,
        interaction.text,
    )


def _approval(purge: Purge, approval: Approval) -> bytes:
    return _bytes(
        "approval", purge, approval.user_id, approval.channel_id, exact_moment(approval.at)
    )


def _bytes(kind: str, purge: Purge, *more: Any) -> bytes:
    what = (purge.id, purge.team_id, purge.user_id, purge.domain, list(purge.tags), purge.force)
    return _text(kind, *what, *more)


def _text(*message: Any) -> bytes:
    return json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode()


def _hmac(key: bytes, message: bytes) -> str:
    return hmac.new(key, message, hashlib.sha256).hexdigest()
