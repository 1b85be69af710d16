"""What a purge says of itself: since when it counts, whom it is of, and what can still be done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.policy.approvers import Briefing
from bot.core.purge.purge import State
from tests.support.builders import NOW, a_purge

MINUTE = timedelta(minutes=1)
CALLED = Briefing(called=("S0SRE",))
QUIET = Briefing()


def test_it_counts_from_when_it_was_asked_for_or_from_when_that_was_later_decided_on() -> None:
    assert a_purge().due_since == NOW
    assert a_purge(decided_at=NOW + MINUTE).due_since == NOW + MINUTE
    assert a_purge(decided_at=NOW - MINUTE).due_since == NOW


def test_who_may_decide_is_called_again_at_half_of_the_time_that_there_is() -> None:
    waiting = a_purge(State.WAITING, expires_at=NOW + 30 * MINUTE, briefing=CALLED)
    assert waiting.remind_at == NOW + 15 * MINUTE


def test_nobody_is_called_again_without_an_end_or_twice_or_where_nobody_was() -> None:
    end = NOW + 30 * MINUTE
    assert a_purge(State.WAITING, briefing=CALLED).remind_at is None
    assert (
        a_purge(State.WAITING, briefing=CALLED, expires_at=end, reminded_at=NOW).remind_at is None
    )
    assert a_purge(State.WAITING, briefing=QUIET, expires_at=end).remind_at is None
    assert a_purge(State.WAITING, expires_at=end).remind_at is not None


@pytest.mark.parametrize("state", list(State), ids=str)
def test_only_what_is_granted_and_not_yet_due_can_be_undone(state: State) -> None:
    granted = a_purge(state, send_at=NOW + MINUTE)
    assert granted.can_be_undone(NOW) is (state is State.READY)
    assert not granted.can_be_undone(NOW + MINUTE)
    assert not a_purge(state).can_be_undone(NOW)


def test_the_same_tags_are_the_same_in_any_order_and_on_one_domain_only() -> None:
    both = a_purge(tags=("hero", "logo"))
    assert both.target == a_purge(tags=("logo", "hero")).target
    assert len({both.target, a_purge().target, a_purge(domain="img.example.com").target}) == 3
    assert len(both.target) == 64


def test_its_requester_is_everybody_whose_id_it_names() -> None:
    assert a_purge(aliases=("W0ANA",)).requester_ids == {"U0ANA", "W0ANA"}
