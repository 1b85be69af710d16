"""The answers to questions, as values.  They are stored with the message until it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ListedPurge:
    """A purge in a list.  `at` is in seconds since 1970; `tags` are its first tags.

    `more_tags` is the number of its other tags.  `state` is a string, because a newer version may
    have stored a state that this version does not know.
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
    """A page of the history.  `newer` and `older` are the questions for the adjacent pages.

    `sees` are the patterns of the domains whose purges the asker may see.  `cut_short`: the search
    stopped early, so there may be more purges.
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
    """The purges that wait for approval.  `more` is the number of those that are not listed."""

    purges: tuple[ListedPurge, ...]
    more: int
    sees: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuotaAnswer:
    """The remaining quotas of today (`bot.cdn.responses.Quota`), and the number of purges sent.

    `failure` is the error code, with its facts, if the CDN did not report the quotas.
    """

    resets_at: datetime
    plain: int
    forced: int
    quota: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None
    failure_facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TagDoubt:
    """A question to the requester.  Each of `slips` is (the tag as typed, the known tag).

    `others` is the number of the other tags, which do not change.  `meant` and `typed` are the
    values of the two buttons; `typed` is None if the tags must not be purged as typed.
    """

    domain: str
    force: bool
    slips: tuple[tuple[str, str], ...]
    others: int
    meant: str
    typed: str | None


Answer = HistoryAnswer | PendingAnswer | QuotaAnswer | TagDoubt
