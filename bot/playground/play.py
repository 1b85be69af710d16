"""Plays a conversation from a file in the town, prints it as a chat, and checks what it expects.

    NAME [in #CHANNEL]: TEXT            says it, or runs it when it begins with /
    NAME presses BUTTON [in #CHANNEL]   on the newest message with that button
    wait N seconds|minutes|hours|days   then the bot does what has become due
    CDN answers CODE [once|N times]     to purges; without a number, from now on
    CDN loses the next answer           the purge is carried out, and its answer is lost
    CDN is well again                   takes all that back
    the bot stops
    the bot starts
    everyone sees "TEXT" [in #CHANNEL]          all who can look into the channel
    nobody sees "TEXT" [in #CHANNEL]            in any channel, unless one is named
    NAME sees "TEXT" [in #CHANNEL]              what only they see counts too
    NAME does not see "TEXT" [in #CHANNEL]
    the CDN was asked never|once|N times        for purges, in all

One step a line.  Lines that begin with # are comments; those at the top are the title.  Without
`in #CHANNEL` a step is where the last one was, at first in #web-publishing.  A step that begins
with `and` follows the one before at once: the bot does what is due only after both.
TEXT that is seen is compared with messages as they read now, as they are printed here.

NAME      a person of the town, by first name: Ana, Sam, Kim, Ada, Leo, Gus, Eve
CHANNEL   web-publishing, cdn-ops, random or launch-secret
CODE      an error code of the CDN, such as QuotaExceeded.Refresh

Exit codes: 0 played; 1 it went otherwise than the file says; 2 the file cannot be played.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.playground.cdn.catalogue import CATALOGUE
from bot.playground.slack import default_world
from bot.playground.town import Town, town
from bot.playground.transcript import Json, Names, Transcript, buttons_of, lines_of

_WORLD = default_world()
PEOPLE = {
    row["real_name"].split()[0].lower(): row["id"]
    for row in _WORLD["people"]
    if row.get("kind") not in {"bot", "deleted"} and row["id"] != "USLACKBOT"
}
CHANNELS = {f"#{row['name']}": row["id"] for row in _WORLD["channels"] if "name" in row}
PURGE = "RefreshObjectCacheByCacheTag"
_NUMBERS = {"never": 0, "once": 1, "twice": 2}
_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


def play_file(path: Path) -> int:
    """Play a conversation, print it, and give the exit code; what is wrong goes to stderr."""
    try:
        title, steps = read(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError, Unreadable) as error:
        sys.stderr.write(f"{path} cannot be played:\n{error}\n")
        return 2
    sys.stdout.write(f"{title}\n")
    with town() as place:
        try:
            Player(place, sys.stdout.write).play(steps)
        except OtherwiseThanSaid as error:
            sys.stderr.write(f"\n{path}, {error}\n")
            return 1
    return 0


class Unreadable(Exception):
    """Lines that are no steps; the text names each of them."""


class OtherwiseThanSaid(Exception):
    """A step cannot be done, or what it expects is not so."""


class Player:
    """Does the steps in a town; its methods are what FORMS name."""

    def __init__(self, place: Town, write: Callable[[str], object]) -> None:
        self._place = place
        self._channel = "C0WEB"
        self._states = self._look()
        self._names = Names.read(self._states.values())
        self._transcript = Transcript(write, self._names)

    def play(self, steps: list[Step]) -> None:
        """Do the steps in turn.  Raises: OtherwiseThanSaid."""
        for step, following in zip(steps, [*steps[1:], None], strict=True):
            try:
                step.form.run(self, **step.given)
            except OtherwiseThanSaid as error:
                raise OtherwiseThanSaid(f"line {step.line}: {step.text}\n{error}") from None
            if step.form.acts and not (following and following.at_once):
                self._place.settle()
                self._states = self._look()
                self._transcript.show(self._states)

    # What people do

    def says(self, person: str, text: str, channel: str | None) -> None:
        where = self._enter(person, channel)
        self._transcript.acted(self._place.now(), person, where, text)
        answer = self._place.says(person, text, where)
        if answer["outcome"] == "sent":
            self._transcript.skip(where, answer["ts"])

    def presses(self, person: str, button: str, channel: str | None) -> None:
        where = self._enter(person, channel)
        for message in reversed(self._states[person]["messages"][where]):
            for label, action_id in buttons_of(message):
                if label.lower() == button.lower():
                    self._transcript.acted(self._place.now(), person, where, f"presses [{label}]")
                    self._place.presses(person, action_id, message, where)
                    return
        raise OtherwiseThanSaid(f"There is no such button.\n{self._view(person, where)}")

    # What the world does

    def waits(self, count: int, unit: str) -> None:
        unit = unit.lower()
        self._transcript.happened(f"{count} {unit}{'' if count == 1 else 's'} later")
        self._place.waits(settle=False, seconds=count * _SECONDS[unit])

    def cdn_answers(self, code: str, times: int | None) -> None:
        often = "from now on" if times is None else "once" if times == 1 else f"{times} times"
        self._transcript.happened(f"the CDN answers {code}, {often}")
        self._place.breaks(kind="error", code=code, action=PURGE, times=times)

    def cdn_loses_answer(self) -> None:
        self._transcript.happened("the CDN loses the next answer")
        self._place.breaks(kind="lose_answer", action=PURGE, times=1)

    def cdn_is_well(self) -> None:
        self._transcript.happened("the CDN is well again")
        self._place.heals()

    def bot_stops(self) -> None:
        self._transcript.happened("the bot stops")
        self._place.stop_bot()

    def bot_starts(self) -> None:
        self._transcript.happened("the bot starts")
        self._place.start_bot()

    # What is expected

    def everyone_sees(self, text: str, channel: str | None) -> None:
        where = self._go(channel)
        for person, state in self._states.items():
            if where in state["messages"]:
                self.sees(person, text, None)

    def nobody_sees(self, text: str, channel: str | None) -> None:
        places = list(self._names.channels) if channel is None else [self._go(channel)]
        for person in self._states:
            for where in places:
                self._hides(person, text, where)

    def sees(self, person: str, text: str, channel: str | None) -> None:
        where = self._go(channel)
        if not self._find(person, text, where):
            raise OtherwiseThanSaid(f"It is not to be seen.\n{self._view(person, where)}")

    def does_not_see(self, person: str, text: str, channel: str | None) -> None:
        self._hides(person, text, self._go(channel))

    def cdn_was_asked(self, times: int) -> None:
        asked = self._place.purges_sent()
        if len(asked) != times:
            rows = [
                "  {DomainName} {CacheTag} Force={Force}".format(**row["params"]) for row in asked
            ]
            raise OtherwiseThanSaid("\n".join([f"It was asked {len(asked)} times.", *rows]))

    def _look(self) -> dict[str, Json]:
        return {person: self._place.get("slack/state", {"as": person}) for person in PEOPLE.values()}

    def _go(self, channel: str | None) -> str:
        self._channel = channel or self._channel
        return self._channel

    def _enter(self, person: str, channel: str | None) -> str:
        where = self._go(channel)
        if where not in self._states[person]["messages"]:
            name = self._names
            raise OtherwiseThanSaid(f"{name.people[person]} is not in {name.channels[where]}.")
        return where

    def _hides(self, person: str, text: str, where: str) -> None:
        if found := self._find(person, text, where):
            place = f"{self._names.people[person]} sees it in {self._names.channels[where]}"
            raise OtherwiseThanSaid(f"{place}:\n{_indented(found)}")

    def _find(self, person: str, text: str, where: str) -> str:
        """Give the newest message that says `text`, empty if there is none."""
        wanted = " ".join(text.split())
        read = (said for said in reversed(self._messages(person, where)) if wanted in _flat(said))
        return next(read, "")

    def _messages(self, person: str, where: str) -> list[str]:
        seen = self._states[person]["messages"].get(where, [])
        return ["\n".join(lines_of(message, self._names)) for message in seen]

    def _view(self, person: str, where: str) -> str:
        seen = "\n\n".join(map(_indented, self._messages(person, where))) or "  nothing"
        name, place = self._names.people[person], self._names.channels[where]
        return f"What {name} sees in {place}:\n{seen}"


# The grammar


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a step: how it looks, how it is read, what it does, and whether that acts."""

    shape: str
    pattern: str
    run: Callable[..., None]
    acts: bool = True

    def match(self, text: str) -> re.Match[str] | None:
        return re.fullmatch(self.pattern.replace(" ", r"\s+"), text, re.IGNORECASE)


_WHO = r"(?P<person>\w+)"
_WHERE = r"(?: in (?P<channel>#\S+?))?"
_QUOTED = r"[\"“](?P<text>.+)[\"”]" + _WHERE
FORMS = (
    Form('everyone sees "TEXT" [in #CHANNEL]', f"everyone sees {_QUOTED}", Player.everyone_sees, acts=False),
    Form('nobody sees "TEXT" [in #CHANNEL]', f"nobody sees {_QUOTED}", Player.nobody_sees, acts=False),
    Form('NAME sees "TEXT" [in #CHANNEL]', f"{_WHO} sees {_QUOTED}", Player.sees, acts=False),
    Form('NAME does not see "TEXT" [in #CHANNEL]', f"{_WHO} does not see {_QUOTED}", Player.does_not_see, acts=False),
    Form("the CDN was asked never|once|N times", r"(?:the )?CDN was asked (?P<times>never|once|twice|\d+ times)", Player.cdn_was_asked, acts=False),
    Form("NAME [in #CHANNEL]: TEXT", rf"{_WHO}{_WHERE}:\s*(?P<text>.+)", Player.says),
    Form("NAME presses BUTTON [in #CHANNEL]", rf"{_WHO} presses (?P<button>.+?){_WHERE}", Player.presses),
    Form("wait N seconds|minutes|hours|days", r"wait (?P<count>\d+) (?P<unit>second|minute|hour|day)s?", Player.waits),
    Form("CDN answers CODE [once|N times]", r"(?:the )?CDN answers (?P<code>[\w.]+)(?: (?P<times>once|twice|\d+ times))?", Player.cdn_answers),
    Form("CDN loses the next answer", "(?:the )?CDN loses the next answer", Player.cdn_loses_answer),
    Form("CDN is well again", "(?:the )?CDN is well again", Player.cdn_is_well),
    Form("the bot stops", "(?:the )?bot stops", Player.bot_stops),
    Form("the bot starts", "(?:the )?bot starts", Player.bot_starts),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A line that was understood; `given` are the arguments of its form's method."""

    line: int
    text: str
    form: Form
    given: dict[str, Any]
    at_once: bool
