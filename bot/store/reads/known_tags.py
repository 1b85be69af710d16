"""The tags that each domain was purged of and that the CDN created a task for.

A known tag is never deleted.  It is stored per domain, without its requester.  Tags longer than
MOST_CHARACTERS are not stored, because nobody types them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    String,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
)

from bot.core.suggestions.similarity import MOST_EDITS, digits_of
from bot.store.database.engine import Database, prepared_if_new
from bot.store.database.statements import Prepared
from bot.store.recent import Recent
from bot.store.schema.tables import known_tags

MOST_CHARACTERS = 200
MOST_ALIKE = 1000
"""How many tags `Tags.like` returns at most."""
_BATCH = 500

_t = known_tags.c
_AMONG = select(_t.tag).where(
    _t.domain == bindparam("domain"), _t.tag.in_(bindparam("tags", expanding=True))
)
_IS_KNOWN = Prepared(
    select(_t.tag).where(_t.domain == bindparam("domain"), _t.tag == bindparam("tag"))
)
_SOME = Prepared(
    select(_t.tag).where(_t.domain == bindparam("domain")).limit(bindparam("most", type_=Integer))
)
_LEARN = prepared_if_new(known_tags)


class Tags:
    """The known tags of one database.  Its queries raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # What is known stays known, so it is asked for once.
        self._known: Recent[bool] = Recent()
        self._many: Recent[int] = Recent()

    def unknown(self, domain: str, tags: Sequence[str]) -> tuple[str, ...]:
        """Return the tags that the domain was never purged of, without overlong tags."""
        asked = [
            tag
            for tag in tags
            if len(tag) <= MOST_CHARACTERS and f"{domain} {tag}" not in self._known
        ]
        known: set[str] = set()
        if len(asked) == 1:
            known.update(
                row.tag for row in self._database.rows(_IS_KNOWN, domain=domain, tag=asked[0])
            )
        else:
            for start in range(0, len(asked), _BATCH):
                some = asked[start : start + _BATCH]
                found = self._database.read(_AMONG, domain=domain, tags=some)
                known.update(row.tag for row in found)
        for tag in known:
            self._known.keep(f"{domain} {tag}", True)
        return tuple(tag for tag in asked if tag not in known)

    def are_many(self, domain: str, least: int) -> bool:
        """Return whether at least `least` tags of the domain are known."""
        if self._many.get(domain, 0) >= least:
            return True
        found = len(self._database.rows(_SOME, domain=domain, most=least))
        self._many.keep(domain, found)
        return found >= least

    def like(self, domain: str, tag: str) -> list[str]:
        """Return the known tags that a person may have meant who typed this one.

        They have about the same length, the same digits, and the same beginning or end.  If there
        are more than MOST_ALIKE, tags that differ from it in one place are preferred.
        """
        third = max(1, len(tag) // 3)
        begins = {"begin": tag[:third]}
        ends = {"end": tag[-third:]}
        for number, (start, end) in enumerate(_one_place(len(tag))):
            begins[f"begin{number}"] = tag[:start]
            ends[f"end{number}"] = tag[end:]
        if _escaped(tag) != tag:
            begins = {name: _escaped(text) for name, text in begins.items()}
            ends = {name: _escaped(text) for name, text in ends.items()}
        values = {name: f"{text}%" for name, text in begins.items()}
        values |= {name: f"%{text}" for name, text in ends.items()}
        sizes = {"least": len(tag) - MOST_EDITS, "longest": len(tag) + MOST_EDITS}
        found = self._database.rows(
            _alike(len(tag)), domain=domain, digits=digits_of(tag), **sizes, **values
        )
        return [row.tag for row in found]

    def learn(self, connection: Connection, pairs: Iterable[tuple[str, str]]) -> None:
        """Add pairs of a domain and a tag, in the caller's transaction.

        They are sorted, so that two transactions which add the same pairs cannot deadlock.
        """
        rows = [
            {"domain": domain, "tag": tag, "digits": digits_of(tag), "size": len(tag)}
            for domain, tag in sorted(set(pairs))
            if len(tag) <= MOST_CHARACTERS
        ]
        _LEARN[connection.dialect.name].run_many(connection, rows)


def _one_place(size: int) -> list[tuple[int, int]]:
    """Return the places of a tag of that length, as pairs: start and end of each place.

    Places overlap: each is two steps long, and the next begins one step later.  So a typo lies
    within one place, and the text before and after that place is equal in both tags.
    """
    step = max(1, size // 8)
    return [(start, start + 2 * step) for start in range(0, size, step)]


@lru_cache(maxsize=MOST_CHARACTERS)
def _alike(size: int) -> Prepared:
    in_one_place = [
        and_(_is_like(f"begin{number}"), _is_like(f"end{number}"))
        for number in range(len(_one_place(size)))
    ]
    return Prepared(
        select(_t.tag)
        .where(
            _t.domain == bindparam("domain"),
            _t.digits == bindparam("digits"),
            _t.size.between(bindparam("least", type_=Integer), bindparam("longest", type_=Integer)),
            or_(_is_like("begin"), _is_like("end")),
        )
        .order_by(case((or_(*in_one_place), 0), else_=1))
        .limit(MOST_ALIKE)
    )


def _is_like(pattern: str) -> ColumnElement[bool]:
    return func.lower(_t.tag).like(func.lower(bindparam(pattern, type_=String)), escape="/")


_ESCAPES = str.maketrans({"/": "//", "%": "/%", "_": "/_"})


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES)
