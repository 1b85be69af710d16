"""Is a word that nobody used before perhaps a slip in writing one that is known?

    heroo, hreo, her, HERO        hero            a letter too many, swapped, missing; another case
    campagin-sping                campaign-spring a slip in each part
    campaign_spring               campaign-spring another sign between the parts, or none
    article-13, v2, page07        article-12, …   no slip: its digits differ, so it is another one
    block-b, home-de, size-xl     block-a, …      no slip: so short a part is another one
    campaign-x                    campaign        no slip: it has a part more

A slip is counted in edits: a letter put in, left out, changed, or swapped with the next.  A part
of up to 3 characters takes none, one of up to 7 takes one, a longer one two, and the whole two.
Labels of a domain are read more leniently: nothing is sent for a domain that is only suggested.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_EDITS = 2
"""How far a slip is from what was meant."""

_BETWEEN_PARTS = re.compile("[-_./:~+=|]")


_TAG, _DOMAIN = (3, 7), (1, 7)
"""Up to how many characters a part takes no edit, and up to how many one; a longer one takes two."""


def digits_of(word: str) -> str:
    """Give the digits of a word in their order: two words with other ones are two things."""
    return "".join(filter(str.isdigit, word))


def slip_of(written: str, known: Iterable[str]) -> str | None:
    """Give the known tag that was most likely meant; None where it is like none of them."""
    return next(iter(_near(written, known, _TAG)), None)


def slips_of_domain(written: str, known: Iterable[str]) -> list[str]:
    """Give the known domains that were perhaps meant, the likeliest first."""
    return _near(written, known, _DOMAIN)


def _near(written: str, known: Iterable[str], leniency: tuple[int, int]) -> list[str]:
    found = [
        (edits, meant)
        for meant in known
        if meant != written and (edits := _edits(written, meant, leniency)) is not None
    ]
    return [meant for _, meant in sorted(found)]


def _edits(written: str, meant: str, leniency: tuple[int, int]) -> int | None:
    """Give how many edits lead from what was meant to what was written; None: it is no slip."""
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
    """Give the edits between two words, as far as `most` (optimal string alignment)."""
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
