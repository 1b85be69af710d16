"""Compare a purge's row with its audit trail.  Write access to the database is enough to change the
row, but not to change the chain without breaking a hash.

    chain     each entry follows the one before it, and matches its own hash
    begin     the first entry is the request, by the same requester
    steps     each step follows from the one before: the same request, in a state that allows the
              event, and the approvals grew only by the person of the entry
    length    there is exactly one step for each version
    end       the last step recorded the values of the row

A pruned entry is skipped, because its content is deleted.  Only trails of ended purges are pruned,
so a pruned entry of any other purge is an error.  Entries of earlier releases record fewer facts;
facts that are not recorded are not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.audit import PRUNED, REMOVED, START, AuditEntry, Link, link, pruned
from bot.core.purge.purge import ENDS, WATCHED, Event, Purge, State

STEPS = frozenset(event.value for event in Event)
"""The events that change a purge.  Their number is its version."""
_ALWAYS_SAID = ("domain", "tags", "force", "state")
_SAID_BESIDE_REQUESTER = ("requester", "approvals", "decided_by", "break_glass")
"""An entry that records the requester also records these, unless they are empty."""
_ASKED_FOR = ("domain", "tags", "force", "requester")
"""The facts that no step changes."""
_VOTES = frozenset({Event.COUNT.value, Event.APPROVE.value})
_COMES_FROM = {
    Event.WAIT.value: {State.REQUESTED.value},
    Event.ALLOW.value: {State.REQUESTED.value},
    Event.BREAK_GLASS.value: {State.REQUESTED.value},
    Event.COUNT.value: {State.WAITING.value},
    Event.APPROVE.value: {State.WAITING.value},
    Event.RELEASE.value: {State.JOINED.value, State.QUEUED.value},
}
"""The states in which the events on the way to a sending can occur, in every release so far."""
_MAY_BE_PRUNED = ENDS | WATCHED
"""States whose trails may be pruned.  An ended `unknown` purge may be at work again."""


@dataclass(frozen=True, slots=True)
class RecordedApproval:
    user_id: str


@dataclass(frozen=True, slots=True)
class RecordedPurge:
    """The fields of a purge's row that its trail records."""

    id: str
    user_id: str
    domain: str
    tags: tuple[str, ...]
    force: bool
    break_glass: bool
    state: str
    version: int
    approvals: tuple[RecordedApproval, ...]
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class Misfit:
    """What is wrong, and in which entry of the chain; None: in the row itself."""

    wrong: str
    entry: int | None = None

    def __str__(self) -> str:
        return self.wrong if self.entry is None else f"entry {self.entry} {self.wrong}"


def facts_of(purge: Purge | RecordedPurge) -> dict[str, str]:
    """Return what each step records: who requested what, who approved, and the state."""
    facts = {
        "domain": purge.domain,
        "tags": ",".join(purge.tags),
        "force": str(purge.force).lower(),
        "state": str(purge.state),
        "requester": purge.user_id,
    }
    optional = {
        "approvals": ",".join(yes.user_id for yes in purge.approvals),
        "decided_by": purge.decided_by,
        "break_glass": "true" if purge.break_glass else None,
    }
    return facts | {name: fact for name, fact in optional.items() if fact}


def mismatch(purge: Purge | RecordedPurge, links: Iterable[Link]) -> str | None:
    """Return what differs between a purge and its chain's links, in order.  None if nothing."""
    trail = Trail(purge.id)
    for found in links:
        if broken := trail.take(found):
            return str(broken)
    misfit = trail.misfit(purge)
    return str(misfit) if misfit else None


class Trail:
    """A chain that is read link by link.  It keeps only what the comparison with a row needs."""

    def __init__(self, purge_id: str) -> None:
        self.begin: AuditEntry | None = None
        self._purge_id = purge_id
        self._end = START
        self._steps = 0
        self._emptied = 0
        self._first_emptied: int | None = None
        self._last: Link | None = None
        self._emptied_since = False
        """Whether a pruned entry, which may have been a step, follows the last step."""
        self._removed: int | None = None
        """The number of the entry that records the removal of the row."""

    @property
    def next_number(self) -> int:
        """The number of the next entry."""
        return self._end[0] + 1

    @property
    def is_of_purge(self) -> bool:
        """Whether the chain begins with a request, so that there must be a purge."""
        return self.begin is not None and self.begin.event == Event.REQUEST.value

    def take(self, found: Link) -> Misfit | None:
        """Read the next link.  Return what is wrong if it does not follow, else None.

        Raises: ValueError, TypeError if a number or a hash is not well-formed.
        """
        if wrong := _wrong_in(found, self._purge_id, self._end):
            return Misfit(wrong, self.next_number)
        entry, self._end = found.entry, found.end
        self.begin = self.begin or entry
        if entry.event == PRUNED:
            self._emptied += 1
            self._emptied_since = True
            self._first_emptied = self._first_emptied or found.seq
        elif entry.event == REMOVED:
            self._removed = found.seq
        elif entry.event in STEPS:
            before = None if self._emptied_since else self._last
            self._steps += 1
            self._emptied_since = False
            self._last = found
            if before and (wrong := _does_not_follow(entry, before.entry)):
                return Misfit(wrong, found.seq)
        return None

    def misfit_without_row(self) -> Misfit | None:
        """Return what is wrong with a whole chain whose purge has no row, or None.

        A chain whose first entry was pruned is not known to be that of a purge.
        """
        if not self.is_of_purge:
            return None
        if self._removed is None:
            return Misfit("is missing: its trail tells of it")
        state = self._last.entry.detail.get("state") if self._last else None
        if self._emptied_since or state in ENDS:
            return None
        return Misfit("was removed before the purge came to its end", self._removed)

    def misfit(self, purge: Purge | RecordedPurge) -> Misfit | None:
        """Return what differs between the purge and the whole chain, or None."""
        if self._removed is not None:
            return Misfit("has a row, which was removed", self._removed)
        if self._steps > purge.version:
            return Misfit("has an entry for a step that it never took")
        if self._steps + self._emptied < purge.version:
            return Misfit("is missing", self.next_number)
        if self._first_emptied and purge.state not in _MAY_BE_PRUNED:
            return Misfit("was emptied before the purge came to its end", self._first_emptied)
        return self._misfit_of_begin(purge) or self._misfit_of_last(purge)

    def _misfit_of_begin(self, purge: Purge | RecordedPurge) -> Misfit | None:
        begin = self.begin
        if begin is None or begin.event == PRUNED:
            return None
        if begin.event != Event.REQUEST.value:
            return Misfit("is not the request", 1)
        # A decision may reset the flag if no approval is needed, but nothing sets it later.
        broken = purge.break_glass and begin.detail.get("break_glass") != "true"
        differing = {"requester": begin.user_id != purge.user_id, "break_glass": broken}
        return _differs("request", 1, [name for name, does in differing.items() if does])

    def _misfit_of_last(self, purge: Purge | RecordedPurge) -> Misfit | None:
        last = self._last
        if last is None or (self._emptied_since and self._steps < purge.version):
            return None
        recorded, facts = last.entry.detail, facts_of(purge)
        names = (*_ALWAYS_SAID, *(_SAID_BESIDE_REQUESTER if "requester" in recorded else ()))
        joined = {"tags": purge.tags, "approvals": [yes.user_id for yes in purge.approvals]}
        differing = [
            name
            for name in names
            # The bot stores no tag and no ID with a comma: a text with a comma could pass for two.
            if recorded.get(name) != facts.get(name)
            or any("," in each for each in joined.get(name, ()))
        ]
        return _differs("last step", last.seq, differing)


def approved_at(links: Iterable[Link]) -> datetime | None:
    """Return when the last needed approval was given; None if it was not."""
    moments = [found.entry.at for found in links if found.entry.event == Event.APPROVE.value]
    return moments[-1] if moments else None


def _does_not_follow(entry: AuditEntry, before: AuditEntry) -> str | None:
    """Return why a step cannot follow the step before it, as far as both record their state.

    The row may have been changed between the two, and a step records the values that it finds.
    """
    recorded, already = entry.detail, before.detail
    both = recorded.keys() & already.keys()
    changed = [name for name in _ASKED_FOR if name in both and recorded[name] != already[name]]
    if changed:
        return f"is about another {', '.join(changed)} than the step before"
    state = already.get("state")
    if state is not None and state not in _COMES_FROM.get(entry.event, {state}):
        return f"cannot come after {state}"
    if "requester" in both:
        given, so_far = _approvals(recorded), _approvals(already)
        voted = [*so_far, entry.user_id] if entry.event in _VOTES else so_far
        if given and given != voted:
            return "has approvals that nobody gave"
    return None


def _approvals(detail: Mapping[str, str]) -> list[str | None]:
    recorded = detail.get("approvals")
    return [*recorded.split(",")] if recorded else []


def _wrong_in(found: Link, purge_id: str, end: tuple[int, str]) -> str | None:
    """Return what is wrong in an entry that should be next in its chain, or None."""
    expected = link(found.entry, end)
    if found.seq > expected.seq:
        return "is missing"
    if found.entry.event == PRUNED:  # the content of a pruned entry cannot be hashed again
        whole = found.entry == pruned(purge_id, found.entry.at)
        expected = replace(expected, hash=found.hash if whole else "")
    return None if found == expected and found.entry.purge_id == purge_id else "was altered"


def _differs(from_what: str, entry: int, names: Sequence[str]) -> Misfit | None:
    if not names:
        return None
    return Misfit(f"its row differs from its {from_what}, entry {entry}, in {', '.join(names)}")
