"""Whether the leases of a process can still be its own, by a clock that is turned by hand."""

from __future__ import annotations

from bot.store.queue.owner import LEASE, LeaseOwner

HALF_S = LEASE.total_seconds() / 2


class Clock:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_who_renews_in_time_is_alive_however_long_it_takes() -> None:
    clock = Clock()
    holder = LeaseOwner(clock)
    still_alive = holder.still_alive()
    for _ in range(10):
        clock.s += HALF_S
        assert still_alive()
        holder.renewed()
    assert still_alive()


def test_who_was_paused_is_not_alive_for_what_it_had_begun_even_if_it_renews_first() -> None:
    clock = Clock()
    holder = LeaseOwner(clock)
    begun_before = holder.still_alive()
    clock.s += HALF_S + 0.1
    assert not begun_before()
    holder.renewed()
    assert not begun_before()
    assert holder.still_alive()()
