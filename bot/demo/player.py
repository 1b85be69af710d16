"""Do the steps of a conversation in the town, one method per step, and check the expectations.

says, presses, denies    what people do
waits, cdn_…, bot_…      what happens around them
…sees…, cdn_was_asked    expectations: OtherwiseThanSaid if they do not hold
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable

from bot.demo.town import Town
from bot.demo.transcript import Json, Names, Transcript, buttons_of, lines_of

PURGE = "RefreshObjectCacheByCacheTag"
_UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


class OtherwiseThanSaid(Exception):
    """A step cannot be done, or its expectation does not hold.  The message says what is true."""


class Player:
    """Acts for `people` (IDs) in a town and prints what they do and see."""

    def __init__(self, place: Town, people: Iterable[str], write: Callable[[str], object]) -> None:
        self._place = place
        self._people = tuple(people)
        self._channel = "C0WEB"
        self._states = self._look()
        self._names = Names.read(self._states.values())
        self._transcript = Transcript(write, self._names)

    def settle(self) -> None:
        """Let the bot do what is due, and print what people see of it."""
        self._place.settle()
        self._states = self._look()
        self._transcript.show(self._states)

    # What people do

    def says(self, person: str, text: str, channel: str | None = None) -> None:
        where = self._enter(person, channel)
        self._transcript.act(self._place.now(), person, where, text)
        answer = self._place.says(person, text, where)
        if answer["outcome"] == "sent":
            self._transcript.skip(where, answer["ts"])

    def presses(self, person: str, button: str, channel: str | None = None) -> None:
        """Press it on the newest message that had it when the state was last read."""
        where = self._enter(person, channel)
        for message in reversed(self._states[person]["messages"][where]):
            for label, action_id in buttons_of(message):
                if label.lower() == button.lower():
                    self._transcript.act(self._place.now(), person, where, f"presses [{label}]")
                    self._place.presses(person, action_id, message, where)
                    return
        raise OtherwiseThanSaid(f"There is no such button.\n{self._view(person, where)}")

    def denies(self, person: str, text: str, channel: str | None = None) -> None:
        """Press Deny, and send the form that the bot opens if the press counts."""
        self.presses(person, "Deny", channel)
        self._place.settle()
        if self._place.sends_form(person, text) is not None:
            self._transcript.act(self._place.now(), person, self._channel, f"writes “{text}”")

    # What the world does

    def waits(self, count: int, unit: str) -> None:
        self._transcript.happen(f"{count} {unit}{'' if count == 1 else 's'} later")
        self._place.waits(settle=False, seconds=count * _UNIT_S[unit])

    def cdn_answers(self, code: str, times: int | None) -> None:
        self._transcript.happen(f"the CDN answers {code} {_often(times)}")
        self._place.breaks(kind="error", code=code, action=PURGE, times=times)

    def cdn_loses_answer(self) -> None:
        self._transcript.happen("the CDN loses the next answer")
        self._place.breaks(kind="lose_answer", action=PURGE, times=1)

    def cdn_is_well(self) -> None:
        self._transcript.happen("the CDN is well again")
        self._place.heals()

    def bot_stops(self) -> None:
        if self._place.bot is None:
            raise OtherwiseThanSaid("The bot does not run.")
        self._transcript.happen("the bot stops")
        self._place.stop_bot()

    def bot_starts(self) -> None:
        if self._place.bot is not None:
            raise OtherwiseThanSaid("The bot runs already.")
        self._transcript.happen("the bot starts")
        self._place.start_bot()

    # What is expected

    def everyone_sees(self, text: str, channel: str | None = None) -> None:
        where = self._go(channel)
        for person, state in self._states.items():
            if where in state["messages"]:
                self.sees(person, text)

    def nobody_sees(self, text: str, channel: str | None = None) -> None:
        for where in self._names.channels if channel is None else [self._go(channel)]:
            for person in self._people:
                self._must_not_see(person, text, where)

    def sees(self, person: str, text: str, channel: str | None = None) -> None:
        where = self._go(channel)
        if self._find(person, text, where) is None:
            raise OtherwiseThanSaid(self._view(person, where))

    def does_not_see(self, person: str, text: str, channel: str | None = None) -> None:
        self._must_not_see(person, text, self._go(channel))

    def cdn_was_asked(self, times: int) -> None:
        asked = [row["params"] for row in self._place.purges_sent()]
        if len(asked) != times:
            rows = [
                f"  {row['DomainName']} {row['CacheTag']} Force={row['Force']}" for row in asked
            ]
            raise OtherwiseThanSaid("\n".join([f"It was asked {_often(len(asked))}.", *rows]))

    def _go(self, channel: str | None) -> str:
        self._channel = channel or self._channel
        return self._channel

    def _enter(self, person: str, channel: str | None) -> str:
        """Go to a channel.  Raises: OtherwiseThanSaid if the person is not in it."""
        where = self._go(channel)
        if where not in self._states[person]["messages"]:
            name, place = self._names.people[person], self._names.channels[where]
            raise OtherwiseThanSaid(f"{name} is not in {place}.")
        return where

    def _must_not_see(self, person: str, text: str, where: str) -> None:
        found = self._find(person, text, where)
        if found is not None:
            name, place = self._names.people[person], self._names.channels[where]
            raise OtherwiseThanSaid(f"{name} sees it in {place}:\n{_indented(found)}")

    def _find(self, person: str, text: str, where: str) -> str | None:
        """Return the newest message that contains `text`, ignoring line breaks."""
        wanted = " ".join(text.split())
        said = reversed(self._messages(person, where))
        return next((each for each in said if wanted in " ".join(each.split())), None)

    def _view(self, person: str, where: str) -> str:
        seen = "\n\n".join(map(_indented, self._messages(person, where))) or "  nothing"
        return f"{self._names.people[person]} sees in {self._names.channels[where]}:\n{seen}"

    def _messages(self, person: str, where: str) -> list[str]:
        seen = self._states[person]["messages"].get(where, [])
        return ["\n".join(lines_of(message, self._names)) for message in seen]

    def _look(self) -> dict[str, Json]:
        return {person: self._place.get("slack/state", {"as": person}) for person in self._people}


def _often(times: int | None) -> str:
    match times:
        case None:
            return "from now on"
        case 0:
            return "never"
        case 1:
            return "once"
        case _:
            return f"{times} times"


def _indented(text: str) -> str:
    return textwrap.indent(text, "  ")
