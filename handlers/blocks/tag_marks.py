"""Which tags deserve a second look, and why: stars, look-alikes, encoded and unusual characters.

    tag       what is said of it
    *         may mean every tag
    hero*     holds *, which may stand for anything
    hеro      has the Cyrillic letter е (U+0435)
    ɑpp       has the Latin letter ɑ (U+0251), which looks like a
    sale%2A   holds %2A, which reads *
    ｈero     holds ｈ (U+FF48) and reads hero
    hero?     holds the sign ?

Not marked are ASCII letters and digits, the signs in USUAL_SIGNS, and letters of any one script,
unless all letters of a word of another script look like Latin ones.  Scripts and look-alikes are
those of Unicode (UTS 39), from the library confusable-homoglyphs, which is loaded only for a tag
that is not ASCII.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from bot.core.text.domain_name import excerpt

USUAL_SIGNS = "-_.:/@#+=~"

STAR, DISGUISE, SIGN = range(3)
"""Ranks: what may stand for other tags comes first, then what looks like another tag."""

_USUAL = re.compile(f"[A-Za-z0-9{re.escape(USUAL_SIGNS)}]*")
# Some software decodes twice, so that %252A becomes *.
_ENCODED = re.compile("(?:%(?:25)*[0-9A-Fa-f]{2})+")
_WRITTEN_TOGETHER = tuple(
    frozenset(names.split()) for names in ("HAN HIRAGANA KATAKANA", "HAN HANGUL", "HAN BOPOMOFO")
)
"""Scripts that one language uses together."""
_KANA_SIGNS = "ー〆"
"""Letters that Unicode assigns to no script, but that belong to kana."""
_NAMED_MOST = 2
_READING_MOST = 40


@dataclass(frozen=True, slots=True)
class Mark:
    """One reason for a second look, as text after the tag: `holds the sign ?`."""

    says: str
    rank: int


@dataclass(frozen=True, slots=True)
class Marked:
    """A tag, and why it deserves a second look, the most serious reason first."""

    tag: str
    marks: tuple[Mark, ...]

    @property
    def says(self) -> str:
        return "; ".join(mark.says for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Overview:
    """Tags in the order in which they are shown: the marked ones first, by rank."""

    marked: tuple[Marked, ...]
    plain: tuple[str, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        return (*(each.tag for each in self.marked), *self.plain)


@lru_cache(maxsize=64)
def look_over(tags: tuple[str, ...]) -> Overview:
    """Return the tags in order, those that deserve a second look first."""
    seen = [Marked(tag, marks_of(tag)) for tag in tags]
    marked = sorted((each for each in seen if each.marks), key=lambda each: each.marks[0].rank)
    return Overview(tuple(marked), tuple(each.tag for each in seen if not each.marks))


def marks_of(tag: str) -> tuple[Mark, ...]:
    """Return why a tag deserves a second look, the most serious reason first; () if it does not."""
    if _USUAL.fullmatch(tag):
        return ()
    marks = [*_stars(tag), *_encoded(tag), *_other_forms(tag)]
    if not tag.isascii():
        marks += _letters(tag)
    marks += _signs(tag)
    return tuple(sorted(marks, key=lambda mark: mark.rank))


def _stars(tag: str) -> Iterable[Mark]:
    if "*" in tag:
        everything = not tag.strip("*")
        yield Mark(
            "may mean every tag" if everything else "holds *, which may stand for anything", STAR
        )


def _encoded(tag: str) -> Iterable[Mark]:
    for run in list(dict.fromkeys(_ENCODED.findall(tag)))[:_NAMED_MOST]:
        read, before = unquote(run), run
        while read != before:
            read, before = unquote(read), read
        if "\ufffd" in read:
            says = f"holds {excerpt(run, _READING_MOST)}, which reads as no character"
        else:
            shown = read if not read.isspace() else "".join(f"[U+{ord(c):04X}]" for c in read)
            says = (
                f"holds {excerpt(run, _READING_MOST)}, which reads {excerpt(shown, _READING_MOST)}"
            )
        yield Mark(says, STAR if "*" in read else DISGUISE)


def _other_forms(tag: str) -> Iterable[Mark]:
    """Yield the mark of full-width and mathematical letters, ligatures and combining marks."""
    read = unicodedata.normalize("NFKC", tag)
    if read == tag:
        return
    odd = next((c for c in tag if _has_other_form(c)), None)
    odd = odd or next((c for c in tag if unicodedata.category(c)[0] == "M"), None)
    what = f"holds {_named(odd)}" if odd else "is written in parts"
    yield Mark(
        f"{what} and reads {excerpt(read, _READING_MOST)}",
        STAR if "*" in read and "*" not in tag else DISGUISE,
    )


def _letters(tag: str) -> Iterable[Mark]:
    letters = [c for c in tag if c.isalpha() and not _has_other_form(c)]
    scripts = {_script(c) for c in letters} - {"COMMON", "INHERITED"}
    written = any(scripts <= together for together in _WRITTEN_TOGETHER)
    foreign = [c for c in letters if _script(c) not in {"LATIN", "COMMON", "INHERITED"}]
    if len(scripts) > 1 and not written:
        posing = [c for c in foreign if _imitates(c)]
        names = " and ".join(
            sorted(map(_spoken, scripts), key=lambda name: (name != "Latin", name))
        )
        says = f"mixes {names} letters"
        yield Mark(_has_letters(posing) if posing and "LATIN" in scripts else says, DISGUISE)
    else:
        words = re.findall(r"[^\W\d_]+", tag)
        posing = [c for word in words if all(map(_imitates, word)) for c in word if c in foreign]
        if posing:
            yield Mark(_has_letters(posing), DISGUISE)
    for c in dict.fromkeys(c for c in letters if not c.isascii() and _script(c) == "LATIN"):
        if len(like := _imitates(c)) == 1:
            yield Mark(f"has the Latin letter {_named(c)}, which looks like {like}", DISGUISE)
    homeless = [c for c in letters if _script(c) in {"COMMON", "INHERITED"}]
    if scripts and scripts <= _WRITTEN_TOGETHER[0]:
        homeless = [c for c in homeless if c not in _KANA_SIGNS]
    if homeless:
        yield Mark(f"holds {_listed(homeless)}", SIGN)


def _signs(tag: str) -> Iterable[Mark]:
    """Yield the marks of digits beyond ASCII, of loose combining marks and of unusual signs."""
    bare = _ENCODED.sub("", tag)
    odd = [
        c
        for c in dict.fromkeys(bare)
        if not (c.isalpha() or c == "*" or _USUAL.fullmatch(c) or _has_other_form(c))
    ]
    marks = [c for c in odd if unicodedata.category(c)[0] == "M"]
    loose = [c for c in marks if _script(c) in {"COMMON", "INHERITED"}]
    if loose and unicodedata.normalize("NFC", tag) == tag:
        yield Mark(f"holds the mark {_listed(loose)} above or below a letter", DISGUISE)
    signs = [c for c in odd if c not in marks]
    for c in [c for c in signs if not c.isascii() and _imitates(c)]:
        like = _imitates(c)
        rank = STAR if like == "*" else DISGUISE
        yield Mark(f"holds the sign {_named(c)}, which looks like {like}", rank)
        signs.remove(c)
    if signs:
        plural = "s" if len(signs) > 1 else ""
        yield Mark(f"holds the sign{plural} {_listed(signs)}", SIGN)


def _has_letters(letters: Sequence[str]) -> str:
    names = " and ".join(dict.fromkeys(_spoken(_script(c)) for c in letters))
    plural = "s" if len(set(letters)) > 1 else ""
    return f"has the {names} letter{plural} {_listed(letters)}"


def _listed(characters: Sequence[str]) -> str:
    found = list(dict.fromkeys(characters))
    shown = [_named(c) for c in found[:_NAMED_MOST]]
    if left := len(found) - len(shown):
        return f"{', '.join(shown)} and {left} more"
    return " and ".join(shown)


def _named(character: str) -> str:
    if character.isascii():
        return character
    number = f"U+{ord(character):04X}"
    # A combining mark would join the text before it, and an invisible character shows nothing.
    alone = unicodedata.category(character)[0] in "MC"
    return number if alone else f"{character} ({number})"


def _has_other_form(character: str) -> bool:
    return not character.isascii() and unicodedata.normalize("NFKC", character) != character


def _spoken(script: str) -> str:
    return script.replace("_", " ").title()


def _script(character: str) -> str:
    from confusable_homoglyphs import categories

    return str(categories.alias(character)).upper()


def _imitates(character: str) -> str:
    """Return the ASCII text that a character looks like, or "" if there is none."""
    from confusable_homoglyphs.confusables import confusables_data

    likes = (like["c"] for like in confusables_data.get(character, ()))
    return next((str(like) for like in likes if like.isascii()), "")
