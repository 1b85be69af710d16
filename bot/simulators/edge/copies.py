"""What the origin has, and what the edge keeps of it.

    asked for a page, the edge has a copy, and since the copy was last looked after
      no purge of its domain was completed                   → the copy, however old
      a plain one, and Last-Modified is what it was          → the copy, as old as before
      a plain one, and Last-Modified is another, or a forced → a new copy, 0 s old

Every page has been there since a day before the beginning, and every copy since an hour before
it, as if others had asked for them.  Which tags a page carries, nobody says: a purge is of all
pages of its domain.  Copies never become too old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

PAGE_AGE_S = 24 * 3600
COPY_AGE_S = 3600


@dataclass(frozen=True, slots=True)
class Purged:
    """A purge that is complete since `at`, in epoch seconds."""

    domain: str
    force: bool
    at: float


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the origin.  `modified` is in whole seconds, as Last-Modified can tell no more."""

    version: int
    modified: int


@dataclass(frozen=True, slots=True)
class Copy:
    """What the edge keeps.  `checked` is until when purges have been looked after."""

    page: Page
    stored: float
    checked: float


@dataclass(frozen=True, slots=True)
class Served:
    page: Page
    age_s: float
    hit: bool


class Copies:
    """The origin's pages and the edge's copies, by host and target (path and query)."""

    def __init__(self, now: Callable[[], float], purges: Callable[[], Iterable[Purged]]) -> None:
        self._now = now
        self._purges = purges
        self.reset()

    def reset(self) -> None:
        """Begin anew, now."""
        self._began = self._now()
        self.pages: dict[tuple[str, str], Page] = {}
        self.copies: dict[tuple[str, str], Copy] = {}

    def publish(self, host: str, target: str) -> Page:
        """Put a new version at the origin; the edge learns nothing of it."""
        version = self._page(host, target).version + 1
        page = self.pages[host, target] = Page(version, int(self._now()))
        return page

    def serve(self, host: str, target: str) -> Served:
        """Answer for a page, with a copy that is there or one that is fetched now."""
        now = self._now()
        page, copy = self._page(host, target), self._copy(host, target)
        purges = [p for p in self._purges() if p.domain == host and copy.checked < p.at <= now]
        changed = page.modified != copy.page.modified
        hit = not purges or not (changed or any(purge.force for purge in purges))
        copy = replace(copy, checked=now) if hit else Copy(page, now, now)
        self.copies[host, target] = copy
        return Served(copy.page, now - copy.stored, hit)

    def _page(self, host: str, target: str) -> Page:
        first = Page(1, int(self._began - PAGE_AGE_S))
        return self.pages.setdefault((host, target), first)

    def _copy(self, host: str, target: str) -> Copy:
        stored = self._began - COPY_AGE_S
        first = Copy(Page(1, int(self._began - PAGE_AGE_S)), stored, stored)
        return self.copies.setdefault((host, target), first)
