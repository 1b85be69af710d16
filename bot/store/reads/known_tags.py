"""Which tags each domain was purged of: those that the CDN gave a task for.

A tag is known for ever, and by its domain alone: who purged it is a matter of the history.  Tags
longer than MOST_CHARACTERS are not kept: nobody types them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, or_, select, true

from bot.core.suggestions.similarity import MOST_EDITS, digits_of
from bot.store.database.engine import Database, insert_if_new
from bot.store.schema.tables import known_tags

MOST_CHARACTERS = 200
MOST_ALIKE = 1000
"""Among so many known tags of about the same length and beginning, or end, one is looked for."""
_BATCH = 500

_t = known_tags.c
_AMONG = select(_t.tag).where(
    _t.domain == bindparam("domain"), _t.tag.in_(bindparam("tags", expanding=True))
)


class Tags:
    """The known tags of one database.  Raises: StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def unknown(self, domain: str, tags: Sequence[str]) -> tuple[str, ...]:
        """Give those of the tags that the domain was never purged of; of overlong ones none."""
        kept = [tag for tag in tags if len(tag) <= MOST_CHARACTERS]
        known: set[str] = set()
        for start in range(0, len(kept), _BATCH):
            some = kept[start : start + _BATCH]
            known.update(row.tag for row in self._database.read(_AMONG, domain=domain, tags=some))
        return tuple(tag for tag in kept if tag not in known)

    def are_many(self, domain: str, least: int) -> bool:
        """Whether so many tags of the domain are known."""
        some = select(_t.tag).where(_t.domain == domain).limit(least)
        return len(self._database.read(some).all()) >= least

    def like(self, domain: str, tag: str) -> list[str]:
        """Give the known tags of which this one may be a slip: of about its length, with its digits,
        and with its beginning or its end.  Where they are very many, those that differ from it in
        one place come first.
        """
        third = max(1, len(tag) // 3)
        step = max(1, len(tag) // 8)
        # A place of one slip is within two steps; all before and after it is as it is in the tag.
        in_one_place = [
            and_(_begins(tag[:start]), _ends(tag[start + 2 * step :]))
            for start in range(0, len(tag), step)
        ]
        question = select(_t.tag).where(
            _t.domain == domain,
            _t.digits == digits_of(tag),
            _t.size.between(len(tag) - MOST_EDITS, len(tag) + MOST_EDITS),
            or_(_begins(tag[:third]), _ends(tag[-third:])),
        )
        nearest_first = question.order_by(case((or_(*in_one_place), 0), else_=1)).limit(MOST_ALIKE)
        return [row.tag for row in self._database.read(nearest_first)]

    def learn(self, connection: Connection, pairs: Iterable[tuple[str, str]]) -> None:
        """Add tags, each with its domain before it, within the caller's transaction.

        Two that add the same ones do so in the same order, so that neither waits for the other in
        turn.
        """
        rows = [
            {"domain": domain, "tag": tag, "digits": digits_of(tag), "size": len(tag)}
            for domain, tag in sorted(set(pairs))
            if len(tag) <= MOST_CHARACTERS
        ]
        if rows:
            connection.execute(insert_if_new(connection.dialect.name, known_tags), rows)


def _begins(text: str) -> ColumnElement[bool]:
    return _t.tag.istartswith(text, autoescape=True) if text else true()


def _ends(text: str) -> ColumnElement[bool]:
    return _t.tag.iendswith(text, autoescape=True) if text else true()
