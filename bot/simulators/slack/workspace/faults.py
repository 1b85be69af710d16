"""Troubles that can be ordered: answers that fail, replies that get lost, deliveries that repeat.

{"web_api": [{"method": "chat.postMessage" | "*", "error": …, "times": 1}], …}

error         what the caller sees
ratelimited   429 with Retry-After: `retry_after`
http_500 …    that status, and a page that is not JSON
drop          the connection ends without an answer; nothing was done
slow          the true answer, `delay_s` later
any other     {"ok": false, "error": that}

method        of the Web API, "*" for every one of it; or "response_url": `ratelimited`, or any other
              answered with the status 200, which Slack is not known to do

{"refuse_blocks": ["table"]}   blocks that this workspace does not take: invalid_blocks
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, TypeVar


@dataclass(slots=True)
class WebApiFault:
    error: str
    method: str = "*"
    retry_after: float | str = 1
    delay_s: float = 2.0
    times: int | None = 1  # None: until cleared

    def __post_init__(self) -> None:
        if self.error.startswith("http_") and not self.error[5:].isdigit():
            raise ValueError(f"{self.error} names no status")


@dataclass(slots=True)
class LostReply:
    """The method is carried out, then its answer never arrives, or `answer` in its place."""

    method: str
    times: int | None = 1
    answer: Any = None


ACK_TIMEOUT_S = 3.0
"""How long Slack waits for an acknowledgement."""


@dataclass(slots=True)
class Faults:
    web_api: list[WebApiFault] = field(default_factory=list)
    lose_reply_of: list[LostReply] = field(default_factory=list)
    deliver_twice: bool = False
    redeliver_unacked: bool = False
    ack_timeout_s: float = field(default_factory=lambda: ACK_TIMEOUT_S)
    refuse_blocks: list[str] = field(default_factory=list)

    def update(self, changes: dict[str, Any]) -> None:
        """Take over the named faults.  Raises: ValueError on a name or a value of the wrong kind."""
        known = {entry.name for entry in fields(self)}
        if unknown := changes.keys() - known:
            raise ValueError(f"unknown fault: {', '.join(sorted(unknown))}")
        taken = dict(changes)
        try:
            if "web_api" in taken:
                taken["web_api"] = [WebApiFault(**row) for row in taken["web_api"]]
            if "lose_reply_of" in taken:
                taken["lose_reply_of"] = _lost_replies(taken["lose_reply_of"])
            if "ack_timeout_s" in taken:
                taken["ack_timeout_s"] = float(taken["ack_timeout_s"])
        except TypeError as error:
            raise ValueError(_HOW_TO) from error
        for name, value in taken.items():
            setattr(self, name, value)

    def next_for(self, method: str) -> WebApiFault | None:
        """Use up one fault for this call, if one was ordered."""
        return _use(self.web_api, {"*", method})

    def next_for_response_url(self) -> WebApiFault | None:
        """Use up one fault for an answer through a response URL, if one was ordered."""
        return _use(self.web_api, {"response_url"})

    def lost_reply(self, method: str) -> LostReply | None:
        """Use up one lost reply for this call, if one was ordered."""
        return _use(self.lose_reply_of, {"*", method})

    def refuses(self, blocks: list[dict[str, Any]]) -> bool:
        """Whether one of the blocks, which are well-formed, is not taken all the same."""
        return any(block["type"] in self.refuse_blocks for block in blocks)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


_HOW_TO = (
    'This is not how a fault is written: {"web_api": [{"method": "chat.postMessage", "error": '
    '"ratelimited", "retry_after": 2, "times": 1}]}.'
)


def _lost_replies(value: Any) -> list[LostReply]:
    rows = value if isinstance(value, list) else [value]
    return [LostReply(**row) if isinstance(row, dict) else LostReply(row) for row in rows if row]


_Fault = TypeVar("_Fault", WebApiFault, LostReply)


def _use(faults: list[_Fault], methods: set[str]) -> _Fault | None:
    for fault in faults:
        if fault.method in methods:
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    faults.remove(fault)
            return fault
    return None
