"""Split the text of a command into words: separators, quoted reasons, Slack's links.

    www.example.com,hero  --reason “new prices”  <http://a.example|a.example>
    └─────┬───────┘ └┬─┘  └─────────┬──────────┘ └────────────┬────────────┘
        word        word     word, its reason shown      word, a.example shown

Commas of all scripts are separators, because keyboards for Chinese, Japanese and Arabic type their
own.  But a word that begins with `tag:` is taken literally and ends only at a space or at `,`.

A quotation mark ends a reason if it is of the same kind (double or single) as the opening one.  A
single one between two letters is an apostrophe.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.errors import ErrorKind, InputError
from bot.core.text import errors as kinds
from bot.core.text.domain_name import excerpt, is_plain, is_unseen

# Phones and office programs replace a typed hyphen with these.
LONG_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d"
DASHES = "-" + LONG_DASHES
DOUBLE_QUOTES = '"“”„‟«»＂'
QUOTES = DOUBLE_QUOTES + "'‘’‚‛"
SPACES = "\t\n\r\u2028\u2029" + "".join(
    c for c in map(chr, range(0x3001)) if unicodedata.category(c) == "Zs"
)
COMMAS = (
    ",\u055d\u060c\u07f8\u1363\u1802\u1808\u2e41\u3001\ua4fe\ua60d\ua6f5"
    "\ufe10\ufe11\ufe50\ufe51\uff0c\uff64"
)
NEWLINES = "\n\r\u2028\u2029"
LINK = re.compile(
    r"(?P<escape>tag:)?<(?P<address>https?://[^|<>]+)(\|(?P<label>[^|<>]+))?>", re.IGNORECASE
)
NEXT_OPTION = re.compile(f"[{SPACES}{COMMAS}][{DASHES}]")

_SEPARATORS = SPACES + COMMAS
_WORD = re.compile(f"tag:[^{SPACES},]+|[^{_SEPARATORS}]+", re.IGNORECASE)
_REASON = re.compile(
    f"[{DASHES}]+reason([{SPACES}]*=)?[{SPACES}]*(?P<quote>[{QUOTES}])", re.IGNORECASE
)


class TokenError(InputError):
    """An error with `draft`: the command as probably meant, unparsed; None if unclear."""

    def __init__(self, kind: ErrorKind, draft: str | None = None, /, **facts: str) -> None:
        super().__init__(kind, **facts)
        self.draft = draft


@dataclass(frozen=True, slots=True)
class Word:
    """A part of `source`.  `shown` is what the user saw (links unwrapped), or a reason's text."""

    source: str
    start: int
    end: int
    shown: str
    is_reason: bool = False

    @property
    def visible(self) -> str:
        """`shown` without invisible characters."""
        if is_plain(self.shown):
            return self.shown
        return "".join(c for c in self.shown if not is_unseen(c))

    @property
    def is_option(self) -> bool:
        return self.is_reason or self.visible.startswith(tuple(DASHES))

    @property
    def link(self) -> re.Match[str] | None:
        """The match of LINK, if the word is one of Slack's links."""
        return LINK.fullmatch(self.source, self.start, self.end)

    @property
    def following(self) -> re.Match[str] | None:
        """The characters after this word, up to the next separator."""
        return _WORD.search(self.source, self.end)

    def become(self, text: str, until: int | None = None) -> str:
        """Return the source with `text` in place of this word, or of all up to `until`."""
        return f"{self.source[: self.start]}{text}{self.source[until or self.end :]}"


def words_of(source: str) -> Iterator[Word]:
    """Yield the words in order.  Raises: TokenError if a quoted reason does not end correctly."""
    position = 0
    while found := _WORD.search(source, position):
        start, position = found.span()
        if opened := _REASON.match(source, start):
            position = _closing_quote(source, opened)
            text = source[opened.end() : position - 1]
            yield Word(source, start, position, text, is_reason=True)
        else:
            link = LINK.fullmatch(found[0])
            shown = (
                (link["escape"] or "") + (link["label"] or link["address"]) if link else found[0]
            )
            yield Word(source, start, position, shown)


def _closing_quote(source: str, opened: re.Match[str]) -> int:
    """Return the index after the closing quotation mark of a reason."""
    is_double = opened["quote"] in DOUBLE_QUOTES
    for end in range(opened.end() + 1, len(source) + 1):
        before, quote, after = source[end - 2], source[end - 1], source[end : end + 1]
        if quote not in QUOTES or (quote in DOUBLE_QUOTES) != is_double:
            continue
        if not is_double and before.isalnum() and after.isalnum():
            continue
        if glued := _WORD.match(source, end):
            apart = f"{source[:end]} {source[end:]}"
            raise TokenError(kinds.REASON_GLUED, apart, part=excerpt(glued[0]))
        return end
    # If an option were inside, a closing quotation mark at the end would make it part of the text.
    swallows = NEXT_OPTION.search(source, opened.end())
    draft = None if swallows else source + opened["quote"]
    raise TokenError(kinds.REASON_OPEN, draft, part=excerpt(source[opened.start() :]))
