"""Hands in the database of `tests.models.approvals.gate_town`: each is a thing that somebody can do who can write to it.

In half of the stories there is a key, and then a hand may write the audit trail to fit the row.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.models.approvals.gate_oracle import Asked, Claim, Wish
from tests.models.approvals.gate_place import PEOPLE
from tests.models.approvals.gate_town import GateTown
from tests.support.row_forgery import aims, alters, reinserts, row_of, writes_trail

STATES = ("ready", "held", "ready", "waiting", "requested", "joined", "queued")
WISHES = (
    ("www.example.com", ["price-a"]),
    ("www.example.com", ["hero"]),
    ("www.example.com", ["hero", "price-a"]),
    ("img.example.com", ["price-a"]),
)


class MeddledTown(GateTown):
    """`meddled`: hands are at work in this story, which is decided by its beginning."""

    meddled = False

    def meddles(self, hand: str, which: int, other: int, *, forges: bool) -> None:
        """Let a hand do something to a purge, and have the bot look at it."""
        if not (self.asked and self.meddled):
            return
        asked = self.asked[which % len(self.asked)]
        changed = HANDS[hand](self, asked, other)
        self.touched |= {asked.purge_id, changed}
        if forges and self.key:
            writes_trail(self.place, changed)
            self.forged.add(changed)
            self.counts["forged"] += 1
        row = row_of(self.place, changed)
        by = f"U{row['user_id'][1:]}"
        self.claims.append(Claim(by, Wish(row["domain"], frozenset(row["tags"]), force=False)))
        self.counts[f"hand: {hand}"] += 1
        self.settle()


def _state(town: GateTown, asked: Asked, other: int) -> str:
    alters(town.place, asked.purge_id, state=STATES[other % len(STATES)], settled_at=None)
    return asked.purge_id


def _approvals(town: GateTown, asked: Asked, other: int) -> str:
    """Add approvals of people who did not press; the row is let go, or waits on."""
    row = row_of(town.place, asked.purge_id)
    given = [each["user_id"] for each in row["yeses"]]
    at = town.place.now().isoformat()
    signed = _signatures(town)
    forged = [
        {"user_id": who, "at": at, "roles": ["sre", "leads"], "channel_id": "C0WEB"}
        | signed.get(who, {})
        for who in sorted(PEOPLE)
        if who not in {asked.by, *given}
    ][: 1 + other % 2]
    values: dict[str, Any] = {"yeses": [*row["yeses"], *forged]}
    if other % 4 < 2 and forged:
        values |= {"state": "ready", "settled_at": None, "decided_by": forged[-1]["user_id"]}
    alters(town.place, asked.purge_id, **values)
    return asked.purge_id


def _signatures(town: GateTown) -> dict[str, dict[str, Any]]:
    """Give what is signed of an approval of something else, by who gave it."""
    return {
        each["user_id"]: each
        for asked in town.asked
        for each in row_of(town.place, asked.purge_id)["yeses"]
        if each.get("signature")
    }


def _glass(town: GateTown, asked: Asked, other: int) -> str:
    state: dict[str, Any] = {"state": ("ready", "requested", "held")[other % 3]}
    alters(town.place, asked.purge_id, break_glass=True, settled_at=None, **state)
    return asked.purge_id


def _aim(town: GateTown, asked: Asked, other: int) -> str:
    row = row_of(town.place, asked.purge_id)
    others = [each for each in WISHES if each != (row["domain"], sorted(row["tags"]))]
    domain, tags = others[other % len(others)]
    aims(town.place, asked.purge_id, domain, tags)
    return asked.purge_id


def _force(town: GateTown, asked: Asked, other: int) -> str:
    state: dict[str, Any] = {"state": "ready", "settled_at": None} if other % 2 else {}
    alters(town.place, asked.purge_id, force=not asked.wish.force, **state)
    return asked.purge_id


def _requester(town: GateTown, asked: Asked, other: int) -> str:
    others = [who for who in sorted(PEOPLE) if who != asked.by]
    who = others[other % len(others)]
    alters(town.place, asked.purge_id, user_id=who, aliases=None)
    return asked.purge_id


def _aliases(town: GateTown, asked: Asked, other: int) -> str:
    approvals = [{**each, "aliases": []} for each in row_of(town.place, asked.purge_id)["yeses"]]
    alters(town.place, asked.purge_id, aliases=None, yeses=approvals)
    return asked.purge_id


def _moments(town: GateTown, asked: Asked, other: int) -> str:
    """Set back when it is sent, or only when it is looked at."""
    send_at = (None, town.place.now() - timedelta(minutes=1))
    values: dict[str, Any] = {"send_at": send_at[other // 2 % 2]} if other % 2 else {}
    lane = 2 if asked.state in {"ready", "held"} else 0
    alters(town.place, asked.purge_id, lane=lane, held_until=None, **values)
    return asked.purge_id


def _leader(town: GateTown, asked: Asked, other: int) -> str:
    leader = town.asked[other % len(town.asked)].purge_id
    state: dict[str, Any] = {"state": ("joined", "queued")[other % 2], "settled_at": None}
    links = {"joined_to": leader, "follows": leader, "held_until": None}
    alters(town.place, asked.purge_id, **links, **state)
    return asked.purge_id


def _revival(town: GateTown, asked: Asked, other: int) -> str:
    """Put it in again as it was before it ended."""
    return reinserts(
        town.place, asked.purge_id, under_another_id=False, state=("ready", "waiting")[other % 2]
    )


def _copy(town: GateTown, asked: Asked, other: int) -> str:
    return reinserts(
        town.place, asked.purge_id, under_another_id=True, state=("ready", "held")[other % 2]
    )


HANDS: dict[str, Callable[[GateTown, Asked, int], str]] = {
    "state": _state,
    "approvals": _approvals,
    "glass": _glass,
    "aim": _aim,
    "force": _force,
    "requester": _requester,
    "aliases": _aliases,
    "moments": _moments,
    "leader": _leader,
    "revival": _revival,
    "copy": _copy,
}
