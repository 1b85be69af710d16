"""Eight people at one card at the same moment, and what the policy of their town asks for.

who may            approve, one of them often twice; deny by form; press Deny as others approve
the requester      cancels, and approves their own request
who may not        approves, and cancels what is not theirs
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import requests

from bot.demo.town import Town
from tests.support.messages import APPROVE, DENY, words
from tests.support.policies import LEADS_APPROVE

CANCEL = "purge:cancel"
FINGERS = 8

SRE = {"U0SAM", "U0KIM"}
LEADS = {"U0ADA"}
ONE, TWO, ONE_OF_EACH = "www.example.com", "img.example.com", "docs.example.org"
APPROVALS = f"""
  - approval: Two for the images
    domains: [{TWO}]
    count: 2
  - approval: One of SRE and one of the leads for the documentation
    domains: [{ONE_OF_EACH}]
    roles: [sre, leads]
    one_of_each: true
"""
RULES = f"""{LEADS_APPROVE}
  - rule: Editors may force the documentation
    roles: [editors]
    allow: [purge, force]
    domains: [{ONE_OF_EACH}]
"""

Message = dict[str, Any]


@dataclass(frozen=True)
class Finger:
    """One click to come; with `form`, the sending of a form of a denial that is open already."""

    person: str
    action: str
    form: str | None = None


@dataclass
class Race:
    """The people at the cards, and what Slack told them was received."""

    place: Town
    dice: random.Random
    acknowledged: set[str] = field(default_factory=set)
    forms: dict[str, str] = field(default_factory=dict)
    seen: int = 0
    start: threading.Barrier = field(default_factory=lambda: threading.Barrier(FINGERS))

    def ask(self, number: int) -> None:
        """Type a command for a forced purge with a tag of its own."""
        domain = (ONE, TWO, ONE_OF_EACH)[number % 3]
        person = "U0SAM" if number % 4 == 0 else "U0ANA"
        answer = self.place.says(person, f"/purge {domain} race-{number} --force")
        assert answer["outcome"] == "acked", answer

    def run(self, card: Message, people: ThreadPoolExecutor) -> None:
        """Let eight people press at the same moment; a form that opens after that is sent too."""
        requester = "U0SAM" if "Asked by <@U0SAM>" in words(card) else "U0ANA"
        fingers = self.fingers(card, requester)
        triggers = list(people.map(lambda finger: self.press(card, finger), fingers))
        for finger, trigger in zip(fingers, triggers, strict=True):
            form = self.form_of(trigger) if finger.action == DENY else None
            if form is not None:
                self.send_form(finger.person, form)

    def fingers(self, card: Message, requester: str) -> list[Finger]:
        """Give who does what to a card; those who have no say make up the number."""
        dice = self.dice
        deciders = sorted(SRE | LEADS)
        fingers = [Finger(person, APPROVE) for person in deciders if dice.random() < 0.6]
        fingers += [Finger(requester, APPROVE)] if dice.random() < 0.5 else []
        fingers += [Finger(requester, CANCEL)] if dice.random() < 0.3 else []
        fingers += [Finger(dice.choice(deciders), DENY)] if dice.random() < 0.3 else []
        if dice.random() < 0.4:
            fingers += self.open_form(card, dice.choice(sorted({*deciders} - {requester})))
        others = [Finger("U0LEO", APPROVE), Finger("U0LEO", CANCEL), Finger("U0ANA", APPROVE)]
        if fingers:
            others.append(fingers[0])
        while len(fingers) < FINGERS:
            fingers.append(dice.choice(others))
        dice.shuffle(fingers)
        return fingers

    def open_form(self, card: Message, person: str) -> list[Finger]:
        """Press Deny ahead of all others and wait a moment for the form, which a kill may take."""
        trigger = self.deliver(lambda: self.place.presses(person, DENY, card))
        for _ in range(50 if trigger else 0):
            if form := self.form_of(trigger):
                return [Finger(person, DENY, form)]
            threading.Event().wait(0.02)
        return []

    def form_of(self, trigger: str | None) -> str | None:
        """Give the form that a press opened, if it has."""
        wish = {"method": "views.open", "since": str(self.seen)}
        for call in self.place.get("slack/calls", wish)["calls"]:
            self.seen = call["n"]
            if call["answer"]["ok"]:
                self.forms[call["arguments"]["trigger_id"]] = call["answer"]["view"]["id"]
        return self.forms.get(trigger) if trigger else None

    def press(self, card: Message, finger: Finger) -> str | None:
        self.start.wait()
        if finger.form is not None:
            return self.send_form(finger.person, finger.form)
        return self.deliver(lambda: self.place.presses(finger.person, finger.action, card))

    def send_form(self, person: str, form: str) -> str | None:
        wish = {"as": person, "view_id": form, "values": {"reason": {"reason": "the match is on"}}}
        return self.deliver(lambda: self.place.post("slack/submit", wish))

    def deliver(self, click: Callable[[], dict[str, Any]]) -> str | None:
        """Click, and give Slack's ID of the click if the bot has received it."""
        try:
            answer = click()
        except requests.HTTPError as error:
            if error.response.status_code != HTTPStatus.BAD_REQUEST:
                raise
            return None  # the button or the form went away while the finger was on its way
        if answer["outcome"] != "acked":
            return None
        self.acknowledged.add(answer["trigger_id"])
        return str(answer["trigger_id"])
