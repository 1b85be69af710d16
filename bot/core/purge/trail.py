"""Does a purge stand as its audit trail says?  The row can be changed by whoever can write to the
database; its chain cannot without breaking a hash.

    chain     each entry follows the one before it and says what its hash says
    begin     the first entry is the request, by the same requester
    steps     each follows from the one before: the same was asked for, in a state that it can come
              from, and only whoever approved was added to the approvals
    length    there is a step for each version, and none more
    end       what the last step wrote down is what the row says

An emptied entry is passed over, for what it said is gone.  Only the trail of a purge that has come
to its end is ever pruned, so before the end an emptied entry is a fault.  Entries that an earlier
release wrote say less; what they do not say is not compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.audit import PRUNED, START, AuditEntry, Link, link, pruned
from bot.core.purge.purge import ENDS, WATCHED, Event, Purge, State

STEPS = frozenset(event.value for event in Event)
"""The events that change a purge: as many as its version says."""
_ALWAYS_SAID = ("domain", "tags", "force", "state")
_SAID_BESIDE_REQUESTER = ("requester", "approvals", "decided_by", "break_glass")
"""An entry that says who the requester is says these too, where there is something to say."""
_ASKED_FOR = ("domain", "tags", "force", "requester")
"""What no step changes."""
_VOTES = frozenset({Event.COUNT.value, Event.APPROVE.value})
_COMES_FROM = {
    Event.WAIT.value: {State.REQUESTED.value},
    Event.ALLOW.value: {State.REQUESTED.value},
    Event.BREAK_GLASS.value: {State.REQUESTED.value},
    Event.COUNT.value: {State.WAITING.value},
    Event.APPROVE.value: {State.WAITING.value},
    Event.RELEASE.value: {State.JOINED.value, State.QUEUED.value},
}
"""In which states what leads to a sending can happen, as it was in every release."""
_MAY_BE_PRUNED = ENDS | WATCHED
"""What was unknown has come to an end, and may be at work again once its task is found."""


@dataclass(frozen=True, slots=True)
class RecordedApproval:
    user_id: str


@dataclass(frozen=True, slots=True)
class RecordedPurge:
    """As much of a purge's row as its trail tells of."""

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
    """What is wrong, and in which entry of the chain; None: in none of them, but in the row."""

    wrong: str
    entry: int | None = None

    def __str__(self) -> str:
        return self.wrong if self.entry is None else f"entry {self.entry} {self.wrong}"


def facts_of(purge: Purge | RecordedPurge) -> dict[str, str]:
    """Give what each step writes down about who asked for what, who agreed, and how it stands."""
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
    """Say what does not fit between a purge and the links of its chain, in order; None: all fits."""
    trail = Trail(purge.id)
    for found in links:
        if broken := trail.take(found):
            return str(broken)
    misfit = trail.misfit(purge)
    return str(misfit) if misfit else None


class Trail:
    """One chain, taken in link by link: it keeps no more than it takes to hold a row against it."""

    def __init__(self, purge_id: str) -> None:
        self.begin: AuditEntry | None = None
        self._purge_id = purge_id
        self._end = START
        self._steps = 0
        self._emptied = 0
        self._first_emptied: int | None = None
        self._last: Link | None = None
        self._emptied_since = False
        """Whether an emptied entry, which may have been a step, follows the last step."""

    @property
    def next_number(self) -> int:
        """The number of the entry that comes next."""
        return self._end[0] + 1

    @property
    def is_of_purge(self) -> bool:
        """Whether the chain says that there is a purge."""
        return self.begin is not None and self.begin.event == Event.REQUEST.value

    def take(self, found: Link) -> Misfit | None:
        """Take in the next link; say what is wrong if it does not follow.

        Raises: ValueError, TypeError where a number or a hash is none.
        """
        if wrong := _wrong_in(found, self._purge_id, self._end):
            return Misfit(wrong, self.next_number)
        entry, self._end = found.entry, found.end
        self.begin = self.begin or entry
        if entry.event == PRUNED:
            self._emptied += 1
            self._emptied_since = True
            self._first_emptied = self._first_emptied or found.seq
        elif entry.event in STEPS:
            before = None if self._emptied_since else self._last
            self._steps += 1
            self._emptied_since = False
            self._last = found
            if before and (wrong := _does_not_follow(entry, before.entry)):
                return Misfit(wrong, found.seq)
        return None

    def misfit(self, purge: Purge | RecordedPurge) -> Misfit | None:
        """Say what does not fit between the purge and the whole chain."""
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
        # The glass is mended where it turns out that nobody had to be asked, and never broken later.
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
            # Of ours none has a comma within; one that has would pass for two.
            if recorded.get(name) != facts.get(name)
            or any("," in each for each in joined.get(name, ()))
        ]
        return _differs("last step", last.seq, differing)


def approved_at(links: Iterable[Link]) -> datetime | None:
    """Give when the last approval that was still missing was given; None: none was."""
    moments = [found.entry.at for found in links if found.entry.event == Event.APPROVE.value]
    return moments[-1] if moments else None


def _does_not_follow(entry: AuditEntry, before: AuditEntry) -> str | None:
    """Say why a step cannot come after the one before it, as far as both say how it stands.

    The row may have been changed between them, and a step writes down what it finds.
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
    """Say what is wrong in an entry that should be the next after the end of its chain."""
    expected = link(found.entry, end)
    if found.seq > expected.seq:
        return "is missing"
    if found.entry.event == PRUNED:  # what it said cannot be hashed again
        whole = found.entry == pruned(purge_id, found.entry.at)
        expected = replace(expected, hash=found.hash if whole else "")
    return None if found == expected and found.entry.purge_id == purge_id else "was altered"


def _differs(from_what: str, entry: int, names: Sequence[str]) -> Misfit | None:
    if not names:
        return None
    return Misfit(f"its row differs from its {from_what}, entry {entry}, in {', '.join(names)}")
