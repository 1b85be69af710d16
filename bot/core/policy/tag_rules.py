"""The tag patterns of a policy, and the three ways in which they are compared with a tag.

    fit      allow rules        letter by letter
    cover    what demands       as the CDN might read it at worst: `fold`
    exempt   what exempts       letter by letter, and only a tag that can be read in no other way
                                that the patterns do not fit

What the CDN makes of case, of * and of encoding in a tag is not documented.  So a demand holds
for whatever may mean its tags, and an exemption for nothing but them: whatever the CDN does,
nothing slips through.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cached_property, lru_cache
from urllib.parse import unquote_to_bytes

from bot.core.policy.fields import glob
from bot.core.text.domain_name import is_unseen

ANY_TAG = "*"
MAX_FOLDED_CHARACTERS = 2048
MAX_ROUNDS = 8

_PLAIN = re.compile(r"[!-$&-~]*")
"""What is folded by lower-casing alone: ASCII that can be seen, without %."""
_LOOKALIKES = dict.fromkeys(map(ord, "\u204e\u066d\u2217\U0001031f"), ANY_TAG)
"""What Unicode's list of confusable characters knows for *, and NFKC leaves as it is."""
_SEPARATOR = ","
"""As written no tag holds one; where it comes out of one, that may mean several tags."""
_NO_UTF_8 = "\ufffd"
"""For bytes that are no UTF-8, which some read all the same (%C0%AA as *)."""


@lru_cache(maxsize=64)  # A tag is compared with many patterns, one after the other.
def fold(text: str) -> str:
    """Give the one form of all texts that somebody might take for the same tag.

    Percent-decoded, in NFKC, without what cannot be seen, and without case; again until nothing
    changes, since each of these may bring about another.  Bytes that are no UTF-8 become U+FFFD,
    and a % that encodes nothing stays.  What is too long, or wrapped too often, to be looked
    through becomes ANY_TAG: the work is bounded, and nobody gains by it.
    """
    if _PLAIN.fullmatch(text):
        return text.lower()
    # NFKC sorts marks at a cost that grows with the square of their number.
    if len(text) > MAX_FOLDED_CHARACTERS:
        return ANY_TAG
    coded = text.encode(errors="surrogatepass")
    for _ in range(MAX_ROUNDS):
        before = coded
        # Bytes that are no UTF-8 yet may become it, as those after the first % of %25E2%80%8B.
        text = unquote_to_bytes(coded).decode(errors="surrogateescape")
        text = unicodedata.normalize("NFKC", text)
        text = text.translate(_LOOKALIKES | {ord(c): "" for c in set(text) if _is_dropped(c)})
        coded = text.casefold().encode(errors="surrogateescape")
        if coded == before:
            return coded.decode(errors="replace")
    return ANY_TAG


def _is_dropped(character: str) -> bool:
    is_escaped_byte = "\udc80" <= character <= "\udcff"
    return not is_escaped_byte and (is_unseen(character) or character.isspace())


class TagPatterns:
    """The patterns under one key `tags`; each way of comparing is prepared when first used."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        self._take_all = ANY_TAG in patterns

    def fit(self, tag: str) -> bool:
        """Whether a pattern fits the tag as it is written."""
        return self._take_all or self._written.match(tag) is not None

    def cover(self, tag: str) -> bool:
        """Whether the tag may mean one that a pattern fits, as written or folded."""
        if self._take_all:
            return True
        folded = fold(tag)
        return (
            not folded
            or ANY_TAG in folded
            or _SEPARATOR in folded
            or self._wide.match(folded) is not None
            or (folded != tag and self._wide.match(tag) is not None)
        )

    def exempt(self, tag: str) -> bool:
        """Whether a pattern fits the tag as it is written, and also whatever else it may mean."""
        folded = fold(tag)
        if not folded or any(each in folded for each in (ANY_TAG, _SEPARATOR, _NO_UTF_8)):
            return False
        return self.fit(tag) and (self._take_all or self._folded.match(folded) is not None)

    @cached_property
    def _written(self) -> re.Pattern[str]:
        return glob(self._patterns, re.NOFLAG)

    @cached_property
    def _folded(self) -> re.Pattern[str]:
        return glob(map(fold, self._patterns), re.NOFLAG)

    @cached_property
    def _wide(self) -> re.Pattern[str]:
        # Folding may part what belongs together (%* and %20), so patterns hold as written too.
        written = (pattern for pattern in self._patterns if not _PLAIN.fullmatch(pattern))
        return glob((*map(fold, self._patterns), *written), re.IGNORECASE)
