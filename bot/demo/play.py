"""Play a conversation from a file in the town, print it as a chat, and check its expectations.

    NAME [in #CHANNEL]: TEXT                  says it, or runs it when it begins with /
    NAME presses BUTTON [in #CHANNEL]         on the newest message with that button
    NAME denies [in #CHANNEL]: TEXT           presses Deny there, and gives the reason
    wait N seconds|minutes|hours|days         then the bot does what has become due
    CDN answers CODE [once|N times]           to purges; without a number, from now on
    CDN loses the next answer                 a purge is carried out, its answer is lost
    CDN is well again                         takes all that back
    the bot stops
    the bot starts                            over what the last one left
    everyone sees "TEXT" [in #CHANNEL]        all who may look into the channel
    nobody sees "TEXT" [in #CHANNEL]          in any channel, unless one is named
    NAME sees "TEXT" [in #CHANNEL]            what only they are shown counts too
    NAME does not see "TEXT" [in #CHANNEL]
    the CDN was asked never|once|N times      for purges, in all, whatever it answered

One step per line.  Lines that begin with # are comments; those at the top are printed first.
Without `in #CHANNEL` a step is in the channel of the step before, at first in #web-publishing.  A
step that begins with `and` follows the one before immediately: the bot acts only after both.
Expected texts are compared with the current messages, in the form of the transcript.  A play begins
at 09:00 UTC.

NAME      somebody in town: Ana, Sam, Kim, Ada, Leo, Gus, Eve
CHANNEL   web-publishing, cdn-ops, random, launch-secret
CODE      an error code of the CDN, such as QuotaExceeded.Refresh

Exit codes: 0 played; 1 it differs from the file; 2 the file cannot be played.
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.demo.player import OtherwiseThanSaid, Player
from bot.demo.town import town
from bot.simulators.cdn.catalogue import CATALOGUE
from bot.simulators.slack import default_world

_WORLD = default_world()
PEOPLE: dict[str, str] = {
    row["real_name"].split()[0]: row["id"]
    for row in _WORLD["people"]
    if row.get("kind") not in {"bot", "deleted"} and row["name"] != "slackbot"
}
CHANNELS: dict[str, str] = {
    f"#{row['name']}": row["id"] for row in _WORLD["channels"] if "name" in row
}
CODES = {code: code for code in CATALOGUE}
_START_S = 9 * 3600
"""Every play begins at 09:00 UTC, because the CDN's day ends at 16:00 UTC."""

_ACK_TIMEOUT_S = 60.0
"""Longer than Slack's 3 s, so that a play is the same on a slow machine."""


def play_file(path: Path) -> int:
    """Play a conversation, print it, and return the exit code.  Errors go to stderr."""
    try:
        title, steps = read(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError, Unreadable) as error:
        sys.stderr.write(f"{path} cannot be played.\n{error}\n")
        return 2
    sys.stdout.write(title)
    with town(with_bot=False) as place:
        place.slack.workspace.faults.ack_timeout_s = _ACK_TIMEOUT_S
        place.waits(seconds=(_START_S - place.now().timestamp()) % 86_400)
        place.start_bot()
        try:
            play(steps, Player(place, PEOPLE.values(), sys.stdout.write))
        except OtherwiseThanSaid as error:
            sys.stdout.flush()
            sys.stderr.write(f"\n{path} went otherwise than it says.\n{error}\n")
            return 1
    return 0


def play(steps: list[Step], player: Player) -> None:
    """Do the steps in turn.  Raises: OtherwiseThanSaid, with the line."""
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        try:
            step.form.run(player, **step.given)
        except OtherwiseThanSaid as error:
            raise OtherwiseThanSaid(f"line {step.line}: {step.text}\n{error}") from None
        if step.form.acts and not (following and following.at_once):
            player.settle()


@dataclass(frozen=True, slots=True)
class Form:
    """The syntax of a step, the method of Player that does it, and whether it changes anything."""

    shape: str
    run: Callable[..., None]
    acts: bool = True

    def match(self, text: str) -> re.Match[str] | None:
        pattern = self.shape.removeprefix("the ")
        for word, expression in _EXPRESSIONS.items():
            pattern = pattern.replace(word, expression)
        pattern = f"(the )?{pattern}".replace(" ", r"\s+")
        return re.fullmatch(pattern, text, re.IGNORECASE)


_TIMES = r"once|twice|[1-9]\d{0,3} times"
# The patterns of the capitals in a shape.  The groups are the arguments of the method.
_EXPRESSIONS = {
    " [in #CHANNEL]": r"(?: in (?P<channel>#[^\s:]+))?",
    " [once|N times]": f"(?: (?P<times>{_TIMES}))?",
    "never|once|N times": f"(?P<times>never|{_TIMES})",
    "N seconds|minutes|hours|days": r"(?P<count>[1-9]\d{0,3}) (?P<unit>second|minute|hour|day)s?",
    '"TEXT"': r'["“](?P<text>.+)["”]',
    ": TEXT": r":\s*(?P<text>.+)",
    "NAME": r"(?P<person>\w+)",
    "BUTTON": r"(?P<button>.+?)",
    "CODE": r"(?P<code>[\w.]+)",
}
# The first matching form is used.
FORMS = (
    Form('everyone sees "TEXT" [in #CHANNEL]', Player.everyone_sees, acts=False),
    Form('nobody sees "TEXT" [in #CHANNEL]', Player.nobody_sees, acts=False),
    Form('NAME sees "TEXT" [in #CHANNEL]', Player.sees, acts=False),
    Form('NAME does not see "TEXT" [in #CHANNEL]', Player.does_not_see, acts=False),
    Form("the CDN was asked never|once|N times", Player.cdn_was_asked, acts=False),
    Form("NAME denies [in #CHANNEL]: TEXT", Player.denies),
    Form("NAME [in #CHANNEL]: TEXT", Player.says),
    Form("NAME presses BUTTON [in #CHANNEL]", Player.presses),
    Form("wait N seconds|minutes|hours|days", Player.waits),
    Form("CDN answers CODE [once|N times]", Player.cdn_answers),
    Form("CDN loses the next answer", Player.cdn_loses_answer),
    Form("CDN is well again", Player.cdn_is_well),
    Form("the bot stops", Player.bot_stops),
    Form("the bot starts", Player.bot_starts),
)


@dataclass(frozen=True, slots=True)
class Step:
    """A parsed line.  `given` are the arguments for its form's method."""

    line: int
    text: str
    form: Form
    given: Mapping[str, Any]
    at_once: bool = False


class Unreadable(Exception):
    """Lines that are not steps.  The message explains each of them."""


def read(text: str) -> tuple[str, list[Step]]:
    """Return the title and the steps.  Raises: Unreadable."""
    title: list[str] = []
    steps: list[Step] = []
    wrong: list[str] = []
    lines = [line.strip() for line in text.split("\n")]
    while len(title) < len(lines) and lines[len(title)].startswith("#"):
        title.append(lines[len(title)].lstrip("#").strip())
    for number, line in enumerate(lines, start=1):
        if not line or line.startswith("#"):
            continue
        try:
            steps.append(_step(number, line, follows=bool(steps) and steps[-1].form.acts))
        except Unreadable as error:
            wrong.append(f"line {number}: {line}\n{error}")
    if wrong or not steps:
        raise Unreadable("\n".join(wrong) or "There is no step in it.")
    return "".join(f"{line}\n" for line in title), steps


def _step(number: int, line: str, *, follows: bool) -> Step:
    """Parse one step.  `follows`: it comes after a step that acts."""
    text = re.sub(r"^and\s+", "", line, flags=re.IGNORECASE)
    for form in FORMS:
        if found := form.match(text):
            break
    else:
        raise Unreadable(_guess(text))
    at_once = text != line
    if at_once and not (follows and form.acts):
        raise Unreadable("  only a deed can follow at once, and only another deed")
    given = {name: _value(name, word) for name, word in found.groupdict().items()}
    return Step(number, line, form, given, at_once)


def _value(name: str, word: str | None) -> Any:
    """Return the value of a word of the file.  Raises: Unreadable if there is no such thing."""
    match name, word:
        case _, None:
            return None
        case "person", str():
            return _known("person", word, PEOPLE)
        case "channel", str():
            return _known("channel", word, CHANNELS)
        case "code", str():
            return _known("error code", word, CODES)
        case "count", str():
            return int(word)
        case "times", str():
            words = {"never": 0, "once": 1, "twice": 2}
            return words.get(word.lower()) if word.lower() in words else int(word.split()[0])
        case "unit", str():
            return word.lower()
        case _:
            return word


def _known(kind: str, word: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        if name.lower() == word.lower():
            return value
    near = ", ".join(difflib.get_close_matches(word, known, n=3, cutoff=0))
    raise Unreadable(f"  there is no {kind} {word}; nearest: {near}")


def _guess(text: str) -> str:
    """Return which words of a line were understood, and the most similar step."""
    understood = []

    def liken(found: re.Match[str]) -> str:
        word = found[0]
        for capitals, known in (("NAME", PEOPLE), ("#CHANNEL", CHANNELS), ("CODE", CODES)):
            if word.lower() in map(str.lower, known):
                understood.append(f"{word} ({capitals})")
                return capitals
        return '"TEXT"' if word[0] in '"“' else "N" if word.isdigit() else word

    likened = re.sub(r'["“].*["”]|#?[\w.-]+', liken, text)

    def likeness(form: Form) -> float:
        return difflib.SequenceMatcher(None, likened, form.shape).ratio()

    nearest = max(FORMS, key=likeness).shape
    return f"  understood: {', '.join(understood) or 'nothing'}\n  nearest step: {nearest}"
