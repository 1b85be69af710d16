"""A town in trouble: what the CDN and Slack do to a bot, and people who purge all the same.

Faults    troubles on both sides that come and go; every roll of the dice takes back the last ones
People    ask, approve, deny and cancel, some tags by several at once
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from typing import Any

import requests

from bot.demo.town import Town
from tests.support.messages import APPROVE, buttons

CANCEL = "purge:cancel"
SITE, IMAGES, MOBILE = "www.example.com", "img.example.com", "m.www.example.com"
"""The name of one lies within the name of another: the CDN's words must not be mistaken."""
APPROVALS = f"""
  - approval: Images may be forced without asking
    domains: [{IMAGES}]
    required: no
"""
PURGE = "RefreshObjectCacheByCacheTag"
SCAN_BATCHES = ("DescribeRefreshTaskById", "DescribeRefreshTasks")

_REFUSALS = (
    "QuotaPerMinuteExceeded.Refresh",
    "TooMany.Refresh",
    "Throttling.User",
    "ServiceBusy",
    "InvalidDomain.NotFound",
    "Forbidden.RAM",
)
_DOUBTS: tuple[dict[str, Any], ...] = (
    {"kind": "lose_answer"},
    {"kind": "drop_before"},
    {"kind": "no_task_id"},
    {"kind": "garbage"},
    {"kind": "http", "status": 504},
    {"kind": "http", "status": 504, "executed": True},
    *(
        {"kind": "error", "code": code, "executed": executed}
        for code in ("InternalError", "ServiceUnavailable")
        for executed in (False, True)
    ),
)
_SLACK = (
    "chat.update",
    "chat.postMessage",
    "conversations.history",
    "conversations.replies",
    "usergroups.users.list",
)


class Faults:
    """Throws troubles at a town, by dice."""

    def __init__(self, place: Town, dice: random.Random) -> None:
        self.rolls = 0
        self._place = place
        self._dice = dice
        domains = (SITE, IMAGES, MOBILE)
        place.post("cdn/settings", {"domains": domains, "task_seconds": 4})

    def change(self) -> None:
        """Take back the last troubles, and let others come."""
        self.rolls += 1
        self._place.heals()
        for trouble in self._at_the_cdn():
            self._place.breaks(**trouble)
        dice = self._dice
        end = dice.choice(("Complete", "Complete", "Complete", "Failed", "Timeout", "Canceled"))
        habits = {
            "task_end": end,
            "joined_ids": dice.random() < 0.2,
            "knows_tag_tasks": dice.random() < 0.85,
        }
        self._place.post("cdn/settings", habits)
        self._place.post("slack/faults", self._at_slack())

    def clear(self) -> None:
        """From now on all is well."""
        self._place.heals()
        habits = {"task_end": "Complete", "joined_ids": False, "knows_tag_tasks": True}
        self._place.post("cdn/settings", habits)
        self._place.post("slack/faults", {"web_api": [], "lose_reply_of": []})

    def _at_the_cdn(self) -> list[dict[str, Any]]:
        dice = self._dice
        troubles: list[dict[str, Any]] = []
        if dice.random() < 0.4:
            code = dice.choice(_REFUSALS)
            troubles.append({"kind": "error", "code": code, "action": PURGE})
        if dice.random() < 0.5:
            troubles.append({**dice.choice(_DOUBTS), "action": PURGE})
        if dice.random() < 0.4:
            troubles.append({"kind": "slow_answer", "seconds": 0.4, "action": PURGE})
        if dice.random() < 0.3:
            troubles.append({**dice.choice(_DOUBTS), "action": dice.choice(SCAN_BATCHES)})
        for trouble in troubles:
            trouble["times"] = dice.randint(1, 3)
        dice.shuffle(troubles)
        return troubles

    def _at_slack(self) -> dict[str, Any]:
        dice = self._dice
        troubles = [
            {
                "method": dice.choice(_SLACK),
                "error": dice.choice(("ratelimited", "http_500", "drop", "fatal_error")),
                "times": dice.randint(1, 3),
            }
            for _ in range(dice.randint(0, 2))
        ]
        lost = [{"method": method} for method in _SLACK[:2] if dice.random() < 0.2]
        return {"web_api": troubles, "lose_reply_of": lost}


@dataclass
class People:
    """Who asks and who decides; `asked` counts what Slack told them was received, and of that
    `commands` and `presses` hold the trigger IDs.
    """

    place: Town
    dice: random.Random
    asked: int = 0
    commands: set[str] = field(default_factory=set)
    presses: set[str] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=count)
    stop: threading.Event = field(default_factory=threading.Event)
    pause_s: float = 0.1
    """How long somebody who types without pause waits at most."""

    def ask(self) -> None:
        """Purge by a tag of its own, or by one that is asked for several times in a row."""
        dice = self.dice
        domain = dice.choice((SITE, IMAGES, IMAGES, MOBILE))
        if dice.random() < 0.85:
            self._type(domain, f"own-{next(self.numbers)}")
            return
        tag = f"shared-{dice.randrange(8)}"
        for _ in range(dice.randint(1, 3)):
            self._type(domain, tag)

    def _type(self, domain: str, tag: str) -> None:
        person = "U0SAM" if domain == MOBILE else "U0ANA"
        force = " --force" if self.dice.random() < 0.5 else ""
        answer = self.place.says(person, f"/purge {domain} {tag}{force}")
        if answer["outcome"] == "acked":
            self.asked += 1
            self.commands.add(answer["trigger_id"])

    def ask_until(self, most: int) -> None:
        """Type without pause."""
        while self.asked < most and not self.stop.wait(self.dice.uniform(0.0, self.pause_s)):
            self.ask()

    def press_until_stopped(self) -> None:
        while not self.stop.wait(0.4):
            self.press(most=4)

    def press(self, most: int) -> None:
        """Press on some of the cards that have buttons to decide."""
        seen = self.place.sees("U0KIM")
        waiting = [card for card in seen if "Approve" in buttons(card)]
        for card in self.dice.sample(waiting, min(most, len(waiting))):
            self._decide(card)

    def _decide(self, card: dict[str, Any]) -> None:
        way = self.dice.random()
        try:
            if way < 0.8:
                answer = self.place.presses("U0KIM", APPROVE, card)
            elif way < 0.9:
                requester = "U0SAM" if MOBILE in str(card["blocks"]) else "U0ANA"
                answer = self.place.presses(requester, CANCEL, card)
            else:
                answer = self.place.denies("U0KIM", card, "the match is on")
        except requests.HTTPError as error:
            if error.response.status_code != HTTPStatus.BAD_REQUEST:
                raise
            return  # the card lost its buttons while the finger was on its way
        if answer["outcome"] == "acked":
            self.presses.add(answer["trigger_id"])
