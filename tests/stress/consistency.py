"""What the bot said of each purge, held against what the CDN and Slack know.

state         what must be so at the CDN
complete      its tasks are for this purge, and all of them are complete
failed        one of its tasks ended badly; without a task: the CDN never took it
unreported    its tasks have no end
unknown       the answer was lost or cut off, or the bot was killed on the way
all others    the CDN never took it

CHECKS give what is not so, a sentence each.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot.core.purge.purge import ENDS, Purge, State
from bot.core.purge.tracking import task_ids
from bot.demo.town import Town
from tests.support.faults import IMAGES
from tests.support.messages import cards, notes_below, words
from tests.support.processes import all_purges, approvals_pressed, card_of, unapproved

TITLES = {
    State.DENIED: "denied: nothing was purged",
    State.EXPIRED: "expired: ",
    State.CANCELLED: "ed: nothing was purged",
    State.REFUSED: "refused: nothing was purged",
    State.COMPLETE: "complete*",
    State.UNREPORTED: "sent: the CDN reported no end",
    State.UNKNOWN: "outcome unknown",
}
NOTES = {
    State.DENIED: "was denied by",
    State.EXPIRED: "expired",
    State.REFUSED: "was not sent.",
    State.COMPLETE: "is complete.",
    State.FAILED: "failed",
    State.UNREPORTED: "reported no end of it",
    State.UNKNOWN: "nobody knows whether the CDN took it",
}
FAULTS_INSIDE = {"InternalError", "ServiceUnavailable"}
LOST = FAULTS_INSIDE | {"lost", "dropped", "no_task_id", "garbage", "http"}
"""The outcomes at the CDN after which the caller cannot know what became of its request."""
Key = tuple[str, str, bool]
"""Domain, tags and force: what the CDN hears of a purge."""
CLOCKS_DIFFER_S = 0.5
"""By so little that of a busy replica may be wrong; tries are further apart."""
ON_ITS_WAY_S = 0.5
"""So long a request may be on its way: it arrives although its sender is dead already."""
A_MOMENT_S = 3.0
"""So long before it was killed a bot may have done what it could not write down any more."""


@dataclass(frozen=True)
class Truth:
    """Everything that everybody knows at the end."""

    purges: dict[str, Purge]
    requests: list[dict[str, Any]]
    tasks: dict[str, dict[str, Any]]
    cards: dict[str, list[dict[str, Any]]]
    notes: dict[str, list[dict[str, Any]]]
    killed_at: list[float]
    approvals: dict[str, dict[str, float]]
    cut_off: Callable[[Purge], bool] = lambda _: False
    """Whether a network cut off the answer to what was last sent for a purge."""

    @classmethod
    def of(cls, place: Town, killed_at: list[float]) -> Truth:
        shown: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for card in cards(place):
            if card["metadata"]:
                shown[card_of(card)].append(card)
        return cls(
            purges={purge.id: purge for purge in all_purges(place)},
            requests=place.purges_sent(),
            tasks={task["id"]: task for task in place.get("cdn/state")["tasks"]},
            cards=shown,
            notes=notes_below(place),
            killed_at=killed_at,
            approvals=approvals_pressed(place),
        )

    @cached_property
    def heard(self) -> dict[Key, list[dict[str, Any]]]:
        """What the CDN heard of each domain, tag and force, in order."""
        heard = defaultdict(list)
        for request in self.requests:
            said = request["params"]
            heard[said["DomainName"], said["CacheTag"], said["Force"] == "true"].append(request)
        return heard

    @cached_property
    def owned(self) -> Counter[str]:
        """How many purges, but for those that were joined to another, have a task."""
        sent = [purge for purge in self.purges.values() if purge.joined_to is None]
        return Counter(task for purge in sent for task in task_ids(purge))

    def request_of(self, purge: Purge) -> dict[str, Any] | None:
        """Give what the CDN heard of the last sending of a purge, if it did."""
        if purge.sent_at is None or purge.joined_to is not None:
            return None
        began = purge.sent_at.timestamp()
        ended = (purge.settled_at or purge.sent_at).timestamp()
        near = [
            each
            for each in self.heard.get(key_of(purge), ())
            if began - CLOCKS_DIFFER_S <= each["at"] <= ended + CLOCKS_DIFFER_S
        ]
        # A try of another purge of the same may have ended just before: by the exact times first.
        exact = (each for each in near if began <= each["at"] <= ended)
        return next(exact, near[0] if near else None)

    def failed_inside(self, purge: Purge) -> bool:
        """Whether the CDN answered a try of this purge with a fault of its own."""
        began = purge.requested_at.timestamp()
        ended = purge.settled_at.timestamp() if purge.settled_at else began
        tries = [each for each in self.heard[key_of(purge)] if began <= each["at"] <= ended]
        return any(each["outcome"] in FAULTS_INSIDE for each in tries)

    def was_killed_after(self, at: float) -> bool:
        """Whether a bot was killed a moment after this, or just before, when it was on its way."""
        return any(at - ON_ITS_WAY_S <= killed <= at + A_MOMENT_S for killed in self.killed_at)

    def told(self, purge: Purge) -> list[dict[str, Any]]:
        """Give the notes below its card that tell the requester of a purge how it went."""
        shown = self.cards.get(purge.id, [])
        below = self.notes.get(shown[0]["ts"], []) if shown else []
        return [note for note in below if f"<@{purge.user_id}>, your" in words(note)]

    def counts(self) -> str:
        states = Counter(purge.state.value for purge in self.purges.values())
        unknown = [each for each in self.purges.values() if each.state is State.UNKNOWN]
        done = sum(bool((self.request_of(each) or {}).get("task_id")) for each in unknown)
        found = sum(purge.found_at is not None for purge in self.purges.values())
        return (
            f"{len(self.purges)} purges, {len(self.requests)} requests, "
            f"{len(self.tasks)} tasks; 0 untrue, 0 untold, 0 told twice, 0 forced twice, 0 unapproved; "
            + ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
            + f"; {found} found again, {done} unknown but done"
        )


def key_of(purge: Purge) -> Key:
    return purge.domain, ",".join(purge.tags), purge.force


# Each purge; a check gives what is not as it should be


def check_states(truth: Truth) -> Iterator[str]:
    """The state of a purge is what the CDN knows."""
    for purge in truth.purges.values():
        tasks = [truth.tasks[task] for task in task_ids(purge)]
        for task in tasks:
            if (task["domain"], tuple(task["tags"])) != (purge.domain, purge.tags):
                yield f"{purge.id} of {purge.tags} shows the task of another: {task}"
            if purge.force and not task["force"]:
                yield f"{purge.id} was not carried out by force: {task}"
            if truth.owned[task["id"]] != 1:
                yield f"task {task['id']} is shown by {truth.owned[task['id']]} purges"
        if not fits(purge, {task["status"] for task in tasks}):
            yield f"{purge.id} is {purge.state}: {tasks}"


def fits(purge: Purge, statuses: set[str]) -> bool:
    """Whether a state goes with what the CDN says of the tasks, if there are any."""
    match purge.state:
        case State.COMPLETE:
            return statuses == {"Complete"}
        case State.FAILED if statuses:
            return bool(statuses & {"Failed", "Timeout", "Canceled"})
        case State.UNREPORTED:
            return "Refreshing" in statuses
        case _:
            return purge.state in ENDS and not statuses


def check_unknown(truth: Truth) -> Iterator[str]:
    """Where the bot says that nobody knows, it had no way to know."""
    for purge in truth.purges.values():
        if purge.state is not State.UNKNOWN:
            continue
        assert purge.sent_at is not None
        assert purge.failure is not None
        if purge.joined_to is not None:
            if truth.purges[purge.joined_to].state is not State.UNKNOWN:
                yield f"{purge.id} is unknown, but not {purge.joined_to}"
            continue
        if purge.doubt is not None and truth.failed_inside(purge):
            continue  # an earlier try may have been carried out, whatever the last one came to
        request = truth.request_of(purge)
        if request is None or request["outcome"] not in LOST:
            at = request["at"] if request else purge.sent_at.timestamp()
            killed = purge.failure.code == "send-interrupted" and truth.was_killed_after(at)
            if not killed and not truth.cut_off(purge):
                troubles = sorted((moment - at for moment in truth.killed_at), key=abs)[:3]
                yield (
                    f"{purge.id} could have been known ({purge.failure.code} at {at}, troubles "
                    f"{troubles} s later): {request}"
                )


def check_cards(truth: Truth) -> Iterator[str]:
    """There is one card, and it says so."""
    for purge in truth.purges.values():
        shown = truth.cards.get(purge.id, [])
        if len(shown) != 1:
            if shown or purge.state is not State.REFUSED:  # the requester alone was told
                yield f"{purge.id} has {len(shown)} cards"
            continue
        said = words(shown[0])
        kind = "Forced purge" if purge.force else "Purge"
        twice = purge.refusal is not None and purge.refusal.other is not None
        wanted = (
            "not asked for twice"
            if twice
            else TITLES.get(purge.state)
            or (
                "failed: the CDN did not complete it"
                if purge.task_id
                else "failed: nothing was purged"
            )
        )
        title = said.partition("\n")[0]
        if f"*{kind}" not in title or wanted not in title or (purge.task_id or "") not in said:
            yield f"{purge.id} is {purge.state}, task {purge.task_id}: {said}"


def check_notes(truth: Truth) -> Iterator[str]:
    """The requester was told the end, once."""
    for purge in truth.purges.values():
        said = truth.told(purge)
        own_doing = purge.state is State.CANCELLED and purge.decided_by == purge.user_id
        seen_before = (purge.needs, purge.attempt, purge.decided_at, purge.held_until)
        at_once = purge.state is State.REFUSED and not any(seen_before)
        other = truth.purges.get(purge.joined_to or "")
        with_other = other is not None and other.user_id == purge.user_id
        told_there = with_other and other is not None and other.notified_at == purge.notified_at
        if len(said) != int(not (own_doing or at_once or told_there)):
            yield f"{purge.id} is {purge.state}, and was told {len(said)} times"
        told_early = purge.notified_at and purge.settled_at and purge.notified_at < purge.settled_at
        for note in said:
            if not told_early and NOTES[purge.state] not in words(note):
                yield f"{purge.id} is {purge.state}: {words(note)}"


# What the CDN heard


def check_requests(truth: Truth) -> Iterator[str]:
    """Nothing was sent that was not asked for, nothing forced twice, nothing done that is denied."""
    by_key: dict[Key, list[Purge]] = defaultdict(list)
    for purge in truth.purges.values():
        by_key[key_of(purge)].append(purge)
    for key, heard in truth.heard.items():
        purges, force = by_key[key], key[2]
        if len(heard) > sum(purge.attempt for purge in purges):
            yield f"{key} was sent more often than was written down"
        taken = [request["task_id"] for request in heard if request["task_id"]]
        if len(taken) > sum(min(purge.attempt, 1) if force else purge.attempt for purge in purges):
            yield f"{key} was taken {len(taken)} times"
        orphans = [ids for ids in taken if not truth.owned[ids.split(",")[0]]]
        if len(orphans) > sum(may_be_untold(purge) for purge in purges):
            states = [(purge.id, purge.state.value, purge.attempt) for purge in purges]
            yield f"{key} was taken as {orphans}, but nobody says so: {states}"


def may_be_untold(purge: Purge) -> int:
    """Give how many tasks of a purge may be shown nowhere, though it says what is true."""
    if purge.state is State.UNKNOWN and purge.joined_to is None:
        return purge.attempt
    if purge.force or not purge.task_id:
        return 0
    return purge.attempt if purge.joined_to else purge.attempt - 1  # it was tried again


def check_approvals(truth: Truth) -> Iterator[str]:
    """What was forced was approved by somebody else, whatever the bot says of it."""
    yield from unapproved(truth.purges.values(), truth.requests, truth.approvals, {IMAGES})


CHECKS = (check_approvals, check_states, check_unknown, check_cards, check_notes, check_requests)
