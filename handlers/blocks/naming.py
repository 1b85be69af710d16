"""The titles and names of a purge's states, for the card, thread replies and the history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from bot.core.purge.purge import Purge, PurgeRequest, State
from handlers.blocks.kit import moment
from handlers.blocks.progress import waits_for_new_day


class Called(NamedTuple):
    """The emoji and the title of a card; `{Kind}` stands for the purge's kind.  `outcome` is the
    text in the history; without it, the history shows the state's own name without an emoji.
    """

    emoji: str
    title: str
    outcome: str | None = None


STATES: Mapping[str, Called] = {
    State.REQUESTED: Called("hourglass_flowing_sand", "Checking your rights…", "being checked"),
    State.REFUSED: Called("no_entry", "{Kind} refused: nothing was purged", "refused"),
    State.WAITING: Called("raised_hand", "{Kind} waits for approval", "waits for approval"),
    State.DENIED: Called("no_entry", "{Kind} denied: nothing was purged", "denied"),
    State.EXPIRED: Called(
        "alarm_clock", "{Kind} expired: nobody decided in time, nothing was purged", "expired"
    ),
    State.CANCELLED: Called("wastebasket", "{Kind} cancelled: nothing was purged", "cancelled"),
    State.READY: Called(
        "hourglass_flowing_sand", "{Kind}: sending to the CDN…", "about to be sent"
    ),
    State.SENDING: Called("hourglass_flowing_sand", "{Kind}: sending to the CDN…", "being sent"),
    State.HELD: Called("double_vertical_bar", "{Kind} held: the CDN does not take it now", "held"),
    State.OFFERED: Called(
        "no_entry_sign", "{Kind} not sent: the CDN's quota is used up", "quota used up"
    ),
    State.JOINED: Called("link", "{Kind} joined to one of the same", "joined to another"),
    State.QUEUED: Called("hourglass_flowing_sand", "{Kind} queued behind one of the same"),
    State.SUBMITTED: Called(
        "white_check_mark", "{Kind} submitted: the CDN has taken it", "submitted"
    ),
    State.RUNNING: Called("arrows_counterclockwise", "{Kind} running", "running"),
    State.COMPLETE: Called("white_check_mark", "{Kind} complete", "complete"),
    State.UNREPORTED: Called(
        "grey_question", "{Kind} submitted: the CDN reported no end", "no end reported"
    ),
    State.FAILED: Called("x", "{Kind} failed: nothing was purged", "failed"),
    State.UNKNOWN: Called("warning", "{Kind}: outcome unknown", "unknown"),
}


def kind_of(purge: PurgeRequest) -> str:
    """Return the name of the purge's kind, for the middle of a sentence."""
    return "forced purge" if purge.force else "purge"


def title_of(purge: Purge) -> str:
    """Return the title of a card, without its emoji."""
    kind = kind_of(purge).capitalize()
    if purge.state is State.READY and purge.send_at is not None:
        return f"{kind} approved: it goes out at {moment(purge.send_at, '{time_secs}')}"
    if waits_for_new_day(purge):
        return f"{kind} waits for the CDN's new day"
    if purge.state in {State.CANCELLED, State.REFUSED} and purge.doubt:
        return f"{kind} {purge.state.value}: it is not tried again"
    if purge.state is State.FAILED and purge.task_id:
        return f"{kind} failed: the CDN did not complete it"
    return STATES[purge.state].title.format(Kind=kind)
