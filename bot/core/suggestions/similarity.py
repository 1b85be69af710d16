"""Decide whether a new word may be a misspelling of a known one.

    heroo, hreo, her, HERO        hero            a letter too many, swapped, missing; another case
    campagin-sping                campaign-spring a misspelling in each part
    campaign_spring               campaign-spring another separator between the parts, or none
    article-13, v2, page07        article-12, …   none: different digits mean a different tag
    block-b, home-de, size-xl     block-a, …      none: a different short part means a different tag
    campaign-x                    campaign        none: it has one part more

The distance is counted in edits: a letter inserted, deleted, changed, or swapped with the next.  A
part of up to 3 characters allows no edit, one of up to 7 allows one, a longer one two; the whole
word allows two.  For the labels of a domain the limits are wider, because nothing is sent for a
domain that is only suggested.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_EDITS = 2
"""The maximum distance of a misspelling."""

_BETWEEN_PARTS = re.compile("[-_./:~+=|]")


_TAG, _DOMAIN = (3, 7), (1, 7)
"""The length up to which a part allows no edit, and up to which one; a longer one allows two."""


def digits_of(word: str) -> str:
    """Return the digits of a word in order.  Words with different digits are different things."""
    return "".join(filter(str.isdigit, word))


def slip_of(written: str, known: Iterable[str]) -> str | None:
    """Return the known tag that was most likely meant, or None."""
    return next(iter(_near(written, known, _TAG)), None)


def slips_of_domain(written: str, known: Iterable[str]) -> list[str]:
    """Return the known domains that were perhaps meant, the most likely first."""
    return _near(written, known, _DOMAIN)


def _near(written: str, known: Iterable[str], leniency: tuple[int, int]) -> list[str]:
    found = [
        (edits, meant)
        for meant in known
        if meant != written and (edits := _edits(written, meant, leniency)) is not None
    ]
    return [meant for _, meant in sorted(found)]


def _edits(written: str, meant: str, leniency: tuple[int, int]) -> int | None:
    """Return the number of edits between the two words, or None if there are too many."""
    if digits_of(written) != digits_of(meant):
        return None
    ours, theirs = (_BETWEEN_PARTS.split(word.casefold()) for word in (written, meant))
    if len(ours) != len(theirs):
        return 1 if "".join(ours) == "".join(theirs) else None
    edits = 0
    for our, their in zip(ours, theirs, strict=True):
        most = sum(len(their) > limit for limit in leniency)
        apart = _distance(our, their, most)
        if apart > most:
            return None
        edits += apart
    return edits if edits <= MOST_EDITS else None


def _distance(one: str, other: str, most: int) -> int:
    """Return the edits between two words, at most `most` + 1 (optimal string alignment)."""
    if one == other:
        return 0
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        line = [row]
        for column, their in enumerate(other, start=1):
            cost = min(last[column] + 1, line[-1] + 1, last[column - 1] + (letter != their))
            swapped = (
                row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == their
            )
            line.append(min(cost, before[column - 2] + 1) if swapped else cost)
        if min(line) > most:
            return most + 1
        before, last = last, line
    return last[-1]
