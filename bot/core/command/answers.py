"""What questions are answered with, as values; they are kept with the message until it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ListedPurge:
    """A purge in a list: `at` in seconds since 1970, its first tags and how many more there are.

    `state` is a word: a newer version may have written one that this one does not know.
    """

    id: str
    at: int
    domain: str
    tags: tuple[str, ...]
    more_tags: int
    force: bool
    user_id: str
    state: str


@dataclass(frozen=True, slots=True)
class HistoryAnswer:
    """A page of the history; `newer` and `older` are the questions for the pages beside it.

    `sees` are the patterns of the domains whose purges the asker may see.  `cut_short`: there may
    be more that was not looked at.
    """

    asker: str
    question: str
    is_first: bool
    sees: tuple[str, ...]
    cut_short: bool
    purges: tuple[ListedPurge, ...]
    since: datetime | None = None
    newer: str | None = None
    older: str | None = None


@dataclass(frozen=True, slots=True)
class PendingAnswer:
    """What waits for approval; `more` are not listed."""

    purges: tuple[ListedPurge, ...]
    more: int
    sees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuotaAnswer:
    """What is left of today's quotas, as `bot.cdn.responses.Quota` has it, and what was sent.

    `failure` is the code of why the CDN did not tell, with its facts.
    """

    resets_at: datetime
    plain: int
    forced: int
    quota: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None
    failure_facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TagDoubt:
    """Asked back: each of `slips` is a tag as it was written, and the known one perhaps meant.

    `others` tags stay as they are.  `meant` and `typed` are what the buttons carry; None: it may
    not be purged as typed.
    """

    domain: str
    force: bool
    slips: tuple[tuple[str, str], ...]
    others: int
    meant: str
    typed: str | None


Answer = HistoryAnswer | PendingAnswer | QuotaAnswer | TagDoubt
