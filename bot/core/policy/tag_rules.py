"""The tag patterns of the policy, and the three ways to compare them with a tag.

    fit      allow rules        exact comparison
    cover    demands and denials
                                comparison with everything that the CDN might read: `fold`
    exempt   exemptions         exact comparison, and only if the tag cannot be read as anything
                                else that the patterns do not fit

It is not documented how the CDN treats case, * and encoding in a tag.  So a demand holds for
everything that may mean its tags, and an exemption for exactly its tags: then no tag avoids a
demand, whatever the CDN does.
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
"""Texts that `fold` only lower-cases: visible ASCII without %."""
_LOOKALIKES = dict.fromkeys(map(ord, "\u204e\u066d\u2217\U0001031f"), ANY_TAG)
"""Characters that Unicode lists as confusable with *, and that NFKC does not change."""
_SEPARATOR = ","
"""No typed tag contains one.  If folding produces one, the text may mean several tags."""
_NO_UTF_8 = "\ufffd"
"""Stands for bytes that are not UTF-8, which some decoders accept anyway (%C0%AA as *)."""


@lru_cache(maxsize=64)  # one tag is compared with many patterns in a row
def fold(text: str) -> str:
    """Return a canonical form that is equal for all texts that may be taken for the same tag.

    The text is percent-decoded, normalised (NFKC), stripped of invisible characters and
    case-folded, repeatedly until nothing changes, because each step may enable another.  Bytes that
    are not UTF-8 become U+FFFD, and a % that encodes nothing stays.  A text longer than
    MAX_FOLDED_CHARACTERS, or encoded more than MAX_ROUNDS times, becomes ANY_TAG: this bounds the
    work and weakens no demand.
    """
    if _PLAIN.fullmatch(text):
        return text.lower()
    # NFKC sorts combining marks in quadratic time.
    if len(text) > MAX_FOLDED_CHARACTERS:
        return ANY_TAG
    coded = text.encode(errors="surrogatepass")
    for _ in range(MAX_ROUNDS):
        before = coded
        # Bytes that are not UTF-8 yet may become so, like those after the first % of %25E2%80%8B.
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
    """The patterns under one key `tags`.  Each way of comparing is prepared on first use."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        self._take_all = ANY_TAG in patterns

    def fit(self, tag: str) -> bool:
        """Return whether a pattern matches the tag exactly."""
        return self._take_all or self._written.match(tag) is not None

    def cover(self, tag: str) -> bool:
        """Return whether the tag may mean one that a pattern matches, exactly or folded."""
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
        """Return whether a pattern matches the tag exactly, and all else that it may mean."""
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
        # Folding may split what belongs together (%* and %20), so the original patterns are used
        # too.
        written = (pattern for pattern in self._patterns if not _PLAIN.fullmatch(pattern))
        return glob((*map(fold, self._patterns), *written), re.IGNORECASE)
