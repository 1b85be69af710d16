"""What must hold in the stories of `tests/models/approvals/test_gate_machine.py`.

each step ──► the worker's round ──► every new call at the CDN is held against what people did
at the end    all comes to an end, and without hands in the database the trail is whole
"""

from __future__ import annotations

import sys
from typing import Any

from hypothesis.stateful import invariant
from sqlalchemy import select

from bot.store.audit.verify import verify
from bot.store.schema.tables import audit
from tests.models.approvals.gate_oracle import Call, Claim, Wish, most_matched
from tests.models.approvals.gate_place import ENDS, GatePlace

JOIN_WINDOW_S = 5
"""How long what was sent covers the same, by the settings."""


class GateTown(GatePlace):
    """`claims` is what hands wrote, `forged` where they wrote the trail as well.  Of each call,
    `causes` are the requests that justify it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.claims: list[Claim] = []
        self.forged: set[str] = set()
        self.calls: list[Call] = []
        self.causes: list[list[int]] = []

    # What must hold

    @invariant()
    def nothing_is_sent_without_leave(self) -> None:
        if not self.opened:
            return
        seen = self.place.purges_sent()
        for each in seen[len(self.calls) :]:
            self._judge(_call_of(each))
        assert self._repeated() == 0 or self.forged, f"sent again: {self.calls}"

    def _repeated(self) -> int:
        """Give how many calls were carried out beyond one for each request."""
        done = [causes for call, causes in zip(self.calls, self.causes, strict=True) if call.done]
        return len(done) - most_matched(done)

    def _judge(self, call: Call) -> None:
        """Hold a call that was just seen against what was asked for."""
        others = self.oracle.takes_approval(call)
        self.counts["sent forced" if call.wish.force else "sent plain"] += 1
        self.counts["sent with approval"] += others
        why_not = [self.oracle.why_not(each, call) for each in self.asked]
        causes = [number for number, reason in enumerate(why_not) if reason is None]
        if not others and self.oracle.claimed(call, self.claims):
            self.counts["sent for a hand"] += not causes
            return self._keep(call, causes, done=False)
        if not causes and self.forged:
            causes = [
                number
                for number, each in enumerate(self.asked)
                if each.purge_id in self.forged
                and self.oracle.why_not(each, call, ends_count=False) is None
            ]
            self.counts["sent though ended"] += bool(causes)
        assert causes, f"{call}: {list(zip(why_not, self.asked, strict=True))}"
        return self._keep(call, causes, done=call.done)

    def _keep(self, call: Call, causes: list[int], *, done: bool) -> None:
        self.calls.append(Call(call.wish, call.at, done))
        self.causes.append(causes)

    def _no_refusal_without_cause(self) -> None:
        """Where no hand was at work, nothing is doubtful, and what was approved stays so."""
        for row in self._rows():
            code = (row.refusal or {}).get("code")
            assert code != "record-doubtful", row
            assert code != "approval-lost" or self.changed_rights, row

    def _what_is_done_was_sent(self) -> None:
        """One call may do for several requests, but a plain one never for a forced one."""
        for asked in self.membership("complete"):
            covering = [
                call
                for call in self.calls
                if call.done
                and (call.wish.domain, call.wish.tags) == (asked.wish.domain, asked.wish.tags)
                and call.wish.force >= asked.wish.force
                and call.at >= asked.at - JOIN_WINDOW_S
            ]
            assert covering, f"told complete, but not sent: {asked}"

    def teardown(self) -> None:
        try:
            if self.opened and sys.exc_info()[0] is None:
                self._comes_to_an_end()
        finally:
            self.stack.close()

    def _comes_to_an_end(self) -> None:
        assert self.place.bot is not None
        self.place.heals()
        self.slack_answers_again()
        if any(each.state in {"offered", "held"} for each in self.asked):
            self.waits_for_new_quota()
        for _ in range(5):
            self.wait(24 * 60)
        self.nothing_is_sent_without_leave()
        assert self.place.get("slack/violations")["violations"] == []
        self._count()
        if not self.touched:
            self._no_refusal_without_cause()
            self._what_is_done_was_sent()
            assert all(each.state in ENDS for each in self.asked), self.asked
            assert verify(self.place.bot.store.engine).finding is None

    def _count(self) -> None:
        assert self.place.bot is not None
        with self.place.bot.store.engine.connect() as connection:
            for (event,) in connection.execute(select(audit.c.event)):
                self.counts[event] += 1
        self.counts["repeated"] += self._repeated()
        for row in self._rows():
            if row.refusal:
                self.counts[f"refused: {row.refusal['code']}"] += 1


def _call_of(seen: dict[str, Any]) -> Call:
    params = seen["params"]
    tags = frozenset(params["CacheTag"].split(","))
    wish = Wish(params["DomainName"], tags, params.get("Force", "false").lower() == "true")
    return Call(wish, seen["at"], done=seen["outcome"] in {"ok", "lost", "no_task_id"})
