"""A bot in the middle of its work, for tests that move, restore or upgrade what it remembers.

tag     domain             state
done    www.example.com    complete
lost    img.example.com    unknown, and still looked for
work    www.example.com    at work at the CDN, and joined by another of the same
late    www.example.com    held: the CDN takes it later
hero    www.example.com    waits for approval
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from bot.core.purge.purge import Purge
from bot.demo.town import Town
from tests.support.messages import APPROVE, cards
from tests.support.processes import all_purges, card_of, check_one_card_each, check_trail

STATES = {
    ("done", "complete"),
    ("lost", "unknown"),
    ("work", "submitted"),
    ("work", "joined"),
    ("late", "held"),
    ("hero", "waiting"),
}


def keep_busy(place: Town) -> None:
    """Bring the town to what is drawn above."""
    _asks(place, "www.example.com done")
    place.waits(minutes=8)
    place.waits(minutes=1)
    place.breaks(kind="lose_answer", times=1)
    _asks(place, "img.example.com lost")
    _asks(place, "www.example.com work")
    _asks(place, "www.example.com work", "U0SAM")
    place.breaks(kind="error", code="TooMany.Refresh", times=1)
    _asks(place, "www.example.com late")
    _asks(place, "www.example.com hero --force")
    assert states(place) == STATES


def _asks(place: Town, command: str, person: str = "U0ANA") -> None:
    place.says(person, f"/purge {command}")
    place.settle()


def states(place: Town) -> set[tuple[str, str]]:
    return {(purge.tags[0], purge.state.value) for purge in all_purges(place)}


def purge_of(place: Town, tag: str) -> Purge:
    (found,) = (purge for purge in all_purges(place) if purge.tags == (tag,))
    return found


def card_for(place: Town, tag: str) -> dict[str, Any]:
    purge_id = purge_of(place, tag).id
    (card,) = (each for each in cards(place) if card_of(each) == purge_id)
    return card


def sent(place: Town) -> Counter[str]:
    return Counter(request["params"]["CacheTag"] for request in place.purges_sent())


def check_all_goes_on(place: Town) -> None:
    """The approval that waited works by a click, what was due is done, and nothing is done twice."""
    before = sent(place)
    place.presses("U0SAM", APPROVE, card_for(place, "hero"))
    place.settle()
    assert sent(place) - before == Counter(hero=1)
    for _ in range(10):
        place.waits(minutes=1)
    assert states(place) == {(tag, "complete") for tag, _ in STATES}
    assert sent(place) == Counter(done=1, lost=1, work=1, late=2, hero=1)
    check_one_card_each(place, all_purges(place))
    check_trail(place)
