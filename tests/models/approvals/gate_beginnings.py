"""How the stories of `tests.models.approvals.gate_town` begin: what is rare has to come early to come often enough."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.models.approvals.approval_policies import EDITORS, LEADS
from tests.models.approvals.database_meddling import HANDS, MeddledTown
from tests.models.approvals.gate_oracle import Asked
from tests.models.approvals.gate_place import AGAIN, FIT, OWN, PEOPLE
from tests.models.approvals.gate_policies import GATE_LAWS

WISHES = [
    "www.example.com price-a",
    "www.example.com hero",
    "www.example.com hero,price-a",
    "www.example.com price-a,hero",
    "img.example.com price-a",
]
WEIGHTY = ("aim", "approvals", "force", "requester", "glass", "moments")
TOO_LATE_S = 1861


@dataclass(frozen=True)
class Beginning:
    """How a story begins; `first` is what happens first, `hand` what is written meanwhile."""

    first: str
    law: str
    by: str
    wish: str
    how: str
    hand: str
    other: int
    forges: bool
    grid: bool
    key: bool
    meddled: bool


def dealt(number: int) -> Beginning:
    """Give a beginning, all of them equally often: Hypothesis by itself likes some better."""
    dice = random.Random(number)
    first = dice.choice(FIRSTS)
    law = dice.choice(list(GATE_LAWS))
    plain_waits = law in {"ALL", "SOME"}
    return Beginning(
        first,
        law,
        by=dice.choice(["U0SAM", "U0SAM", "U0ANA", "U0KIM"]),
        wish=dice.choice(WISHES[:3]),
        how=dice.choice(["", "--force"]) if plain_waits else "--force",
        hand=dice.choice([*sorted(HANDS), *WEIGHTY]),
        other=dice.randrange(8),
        forges=dice.random() < 2 / 3,
        grid="by W" in first or dice.random() < 1 / 2,
        key=dice.random() < 1 / 3,
        meddled=first in MEDDLED or dice.random() < 1 / 3,
    )


def begin(town: MeddledTown, story: Beginning) -> None:
    """Play the beginning of a story, or of one more within it."""
    if story.first in MEDDLED and not town.meddled:
        return
    if story.first in CALM:
        CALM[story.first](town, story)
    elif story.first:
        play = {**TENSE, **MEDDLED}[story.first]
        if asked := _asked(town, story, story.how, approved=False):
            play(town, story, asked)


def _asked(
    town: MeddledTown, story: Beginning, how: str = "", *, approved: bool = True
) -> Asked | None:
    before = len(town.asked)
    town.types(story.by, story.wish, how, by_w=False)
    if len(town.asked) == before:
        return None
    asked = town.asked[before]
    if approved:
        town.all_approve(asked)
    return asked


# Without hands


def _released(town: MeddledTown, story: Beginning, how: str = "") -> None:
    """Two of the same, and the first is taken back while it is held."""
    town.the_cdn_fails("TooMany.Refresh")
    if asked := _asked(town, story, how):
        town.wait(205 if asked.state == "ready" else 0)
        town.types("U0ADA", story.wish, how, by_w=False)
        town.presses(asked, OWN, "cancel")
        town.wait(61)


def _released_by_force(town: MeddledTown, story: Beginning) -> None:
    _released(town, story, "--force")


def _queued(town: MeddledTown, story: Beginning) -> None:
    town.place.post("cdn/settings", {"task_seconds": 300})
    if _asked(town, story):
        town.wait(210)
        town.types("U0ADA", story.wish, "", by_w=False)


def _spent(town: MeddledTown, story: Beginning) -> None:
    town.the_cdn_fails("QuotaExceeded.Refresh")
    if asked := _asked(town, story):
        town.wait(210)
        town.presses(asked, OWN, "postpone")


def _glass(town: MeddledTown, story: Beginning) -> None:
    _asked(town, story, "--force --break-glass", approved=False)


def _again(town: MeddledTown, story: Beginning) -> None:
    town.the_cdn_fails("lose_answer")
    if asked := _asked(town, story):
        town.wait(240)
        town.presses(asked, "U0KIM", "again")


def _escalated(town: MeddledTown, story: Beginning) -> None:
    if asked := _asked(town, story):
        town.wait(240)
        town.presses(asked, "U0KIM", "escalate")


def _plain_over_forced(town: MeddledTown, story: Beginning) -> None:
    """A plain one is about to be sent; a forced one of the same must not ride on it, nor it be one."""
    town.the_cdn_fails("TooMany.Refresh")
    if _asked(town, story):
        town.types("U0KIM", story.wish, "--force", by_w=False)


# With others who decide


def _remembered(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    """Somebody loses the right just after Slack was asked who they are."""
    person = town.find(asked, FIT)
    town.presses(asked, FIT, "deny")
    if person in PEOPLE and person != asked.by:
        town.becomes(person, frozenset(), "member")
        town.presses(asked, person, "approve")
        if story.other % 2:  # what did not count then does not come to count
            town.becomes(person, PEOPLE[person], "member")
            town.wait(210)


def _forgotten(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    """Somebody loses the right before it is sent, just after Slack was asked who they are."""
    _lost_meanwhile(town, story, asked, warm=True)


def _lost_meanwhile(
    town: MeddledTown, story: Beginning, asked: Asked, *, warm: bool = False
) -> None:
    """The requester or somebody who approved loses a right while it can be undone, or is held."""
    town.the_cdn_fails("TooMany.Refresh")
    town.all_approve(asked)
    approved = [one.person for one in asked.approvals]
    for person in [story.by, *approved][story.other % 2 :][:1]:
        if warm:
            town.types(person, WISHES[4], "", by_w=False)
        lost = (frozenset[str](), frozenset({EDITORS}), frozenset({LEADS}))
        town.becomes(person, lost[story.other // 2 % 3], "member")
    town.wait(42)
    town.wait(210)


def _twice(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    town.presses(asked, FIT, "approve")
    town.presses(asked, AGAIN, "approve", by_w=True)


def _own(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    town.presses(asked, OWN, "approve", by_w=story.other % 2 == 0)


def _too_late(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    town.place.waits(seconds=TOO_LATE_S, settle=False)
    town.presses(asked, FIT, "approve")


def _undone(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    town.all_approve(asked)
    town.presses(asked, OWN, "cancel")


# With hands


def _written_while_it_waits(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    _writes(town, story, asked)
    if story.hand == "requester":
        town.presses(asked, OWN, "approve")
    town.presses(asked, FIT, "approve")
    if story.hand != "approvals":
        town.all_approve(asked)


def _written_between(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    town.presses(asked, FIT, "approve")
    _written_while_it_waits(town, story, asked)


def _written_in_time(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    town.all_approve(asked)
    _writes(town, story, asked)


def _written_afterwards(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    town.all_approve(asked)
    town.wait(260)
    _writes(town, story, asked)


def _own_after_a_hand(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    """Clear who the requester is by their other ID, and let them press by it."""
    town.meddles("aliases", town.asked.index(asked), 0, forges=story.forges)
    town.presses(asked, OWN, "approve", by_w=True)


def _writes(town: MeddledTown, story: Beginning, asked: Asked) -> None:
    town.meddles(story.hand, town.asked.index(asked), story.other, forges=story.forges)


Alone = Callable[[MeddledTown, Beginning], None]
WithOthers = Callable[[MeddledTown, Beginning, Asked], None]

CALM: dict[str, Alone] = {
    "released": _released,
    "released by force": _released_by_force,
    "queued": _queued,
    "spent": _spent,
    "glass": _glass,
    "again": _again,
    "escalated": _escalated,
    "plain beside forced": _plain_over_forced,
}
TENSE: dict[str, WithOthers] = {
    "remembered": _remembered,
    "forgotten": _forgotten,
    "lost meanwhile": _lost_meanwhile,
    "twice by W": _twice,
    "own by W": _own,
    "too late": _too_late,
    "undone": _undone,
}
MEDDLED: dict[str, WithOthers] = {
    "written while it waits": _written_while_it_waits,
    "written between": _written_between,
    "written in time": _written_in_time,
    "written afterwards": _written_afterwards,
    "own by W after a hand": _own_after_a_hand,
}
FIRSTS = [
    *(*CALM, *TENSE, *TENSE, *MEDDLED),
    *["written while it waits"] * 5,
    *["written in time"] * 4,
]
"""What happens first, as often as it takes to find what is rare."""
