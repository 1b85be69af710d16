"""Audit trails as they are written for purges that tests make up."""

from __future__ import annotations

from dataclasses import replace

from bot.core.audit import START, Link, link
from bot.core.decisions.transition import entry_of
from bot.core.purge.purge import Event, Purge, State


def trail_of(purge: Purge) -> list[Link]:
    """Give the chain of a purge that was requested, and came to its state in as many steps as it has:
    allowed at once, or approved by one after the other.
    """
    asked = replace(purge, state=State.REQUESTED, version=1, approvals=(), decided_by=None)
    steps: list[tuple[Event, str | None, Purge]] = []
    if purge.approvals:
        waiting = replace(asked, state=State.WAITING)
        steps.append((Event.WAIT, None, waiting))
        for number, given in enumerate(purge.approvals, 1):
            counted = replace(waiting, approvals=purge.approvals[:number])
            steps.append((Event.COUNT, given.user_id, counted))
        steps[-1] = (Event.APPROVE, purge.approvals[-1].user_id, purge)
    else:
        steps.append((Event.ALLOW, None, purge))
    at = purge.requested_at
    entries = [entry_of(asked, Event.REQUEST, at, user_id=purge.user_id)]
    more = purge.version - 1 - len(steps)
    entries += [entry_of(asked, Event.REMIND, at) for _ in range(more)]
    entries += [entry_of(stood, event, at, user_id) for event, user_id, stood in steps]
    links: list[Link] = []
    for entry in entries:
        links.append(link(entry, links[-1].end if links else START))
    return links
