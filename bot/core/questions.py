"""The questions after `/purge`: what became of a purge, what was purged, what is left.

    question  ::=  nothing | "help"
               |   "status" id
               |   "history" { domain | member | option }         each at most once, in any order
               |   "quota"
    id        ::=  the ID of a purge, in any case, or a task ID of the CDN; in a code span or not
    option    ::=  dash+ "user" sep member             dash: - or what phones make of it
               |   dash+ "since" sep ( span | day )
    sep       ::=  spaces | "="
    member    ::=  U0123456 | <@U0123456> | <@U0123456|name>
    span      ::=  number ( "m" | "h" | "d" | "w" )    90m, 12h, 2d, 2w
    day       ::=  2026-11-20                          from 00:00 UTC on

None of the first words has a dot, so none of them can be a domain.

A page of the history is asked for again in the same words, with the place where it begins before
them: `older 2026-11-20T09:41:07+00:00 P1M82J8FAHK949 history www.example.com --since 2d`.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from bot.core import question_errors as kinds
from bot.core.command_words import DASHES, SPACES, Fault, Word, words_of
from bot.core.domains import excerpt, normalise_domain
from bot.core.errors import Mistake

KINDS = kinds.KINDS

STATUS, HISTORY, QUOTA = "status", "history", "quota"
"""The codes of the notices that answer."""
STATUS_FORM = "/purge status ID"
HISTORY_FORM = "/purge history [domain] [--user U0123456] [--since 2d]"
QUOTA_FORM = "/purge quota"


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """The wish to be shown how."""


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """What became of a purge?  `id`: its own, or a task ID of the CDN."""

    id: str


@dataclass(frozen=True, slots=True)
class QuotaQuestion:
    """What is left of the CDN's quotas?"""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """The place of a purge among all, by time; of two at the same moment the ID decides."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: just before a place in time, or (`newer`) just after it."""

    key: Key
    newer: bool = False


@dataclass(frozen=True, slots=True)
class HistoryQuestion:
    """What was purged?  `since` is a span or a day as it was written, in small letters."""

    domain: str | None = None
    user_id: str | None = None
    since: str | None = None
    cursor: Cursor | None = None


Question = StatusQuestion | HistoryQuestion | QuotaQuestion


def read_question(text: str) -> HelpCommand | Question | None:
    """The question that `text` (what follows `/purge`) asks; None if it is none.

    Raises: Mistake, of a kind in KINDS or of one about domains.
    """
    first, *more = re.split(f"[{SPACES}]+", text.strip(SPACES), maxsplit=1)
    rest = more[0] if more else ""
    try:
        match first.casefold():
            case "" | "help" if not rest:
                return HelpCommand()
            case "status":
                return _status(rest)
            case "history":
                return _history(_MENTION.sub(r"\1", rest))
            case "quota":
                _nothing_more(list(words_of(rest)), QUOTA_FORM)
                return QuotaQuestion()
            case _:
                return None
    except Fault as fault:
        facts = dict(fault.facts)
        with contextlib.suppress(Fault, Mistake):  # of two mistakes only the first is explained
            if fault.draft is not None:
                facts["corrected"] = f"/purge {format_question(_history(fault.draft))}"
        raise Mistake(fault.kind, **facts) from None


def format_question(question: Question) -> str:
    """The question in words that `read_asked` reads back."""
    match question:
        case StatusQuestion(id=wanted):
            return f"status {wanted}"
        case QuotaQuestion():
            return "quota"
        case HistoryQuestion(cursor=Cursor(key=key, newer=newer)):
            words = format_question(replace(question, cursor=None))
            return f"{'newer' if newer else 'older'} {key.at.isoformat()} {key.id} {words}"
        case HistoryQuestion(domain=domain):
            user = f"--user {question.user_id}" if question.user_id else ""
            since = f"--since {question.since}" if question.since else ""
            return " ".join(filter(None, ("history", domain, user, since)))


def read_asked(text: str) -> Question | None:
    """The question that `format_question` wrote; None for any other text."""
    place = _PLACE.fullmatch(text)
    try:
        question = read_question(place["words"] if place else text)
        if place is None:
            return None if isinstance(question, HelpCommand) else question
        if not isinstance(question, HistoryQuestion):
            return None
        at = datetime.fromisoformat(place["at"])
    except (Mistake, ValueError):
        return None
    if at.tzinfo is None:
        return None
    key = Key(at, place["id"])
    return replace(question, cursor=Cursor(key, place["way"] == "newer"))


def began_at(since: str | None, now: datetime) -> datetime | None:
    """The moment that `since` of a question means; None if it has none."""
    if since is None:
        return None
    if span := _SPAN.fullmatch(since):
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    return datetime.combine(date.fromisoformat(since), datetime.min.time(), UTC)


_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_MEMBER = re.compile("[UW][A-Z0-9]{2,30}")
_PURGE_ID = re.compile("P[0-9A-Z]{13}")
_ID = re.compile("[0-9A-Za-z_.,-]{1,1000}")
_SPAN = re.compile("([1-9][0-9]{0,3})([mhdw])")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PLACE = re.compile(r"(?P<way>older|newer) (?P<at>\S{1,40}) (?P<id>\w{1,32}) (?P<words>history.*)")
_READ_ALOUD = str.maketrans("OIL", "011")
"""An ID has no such letters: who writes one has heard, or misread, the digit."""


def _status(text: str) -> StatusQuestion:
    words = text.strip(f"{SPACES}`").split()
    if not words:
        raise Mistake(kinds.ID_MISSING)
    if len(words) > 1:
        raise Mistake(kinds.WORD_EXTRA, part=excerpt(words[1]), form=STATUS_FORM)
    wanted = words[0]
    if _PURGE_ID.fullmatch(wanted.upper()):
        return StatusQuestion(wanted.upper().translate(_READ_ALOUD))
    if not _ID.fullmatch(wanted):
        raise Mistake(kinds.ID_MALFORMED, part=excerpt(wanted))
    return StatusQuestion(wanted)


def _history(text: str) -> HistoryQuestion:
    words = list(words_of(text))
    given: dict[str, str] = {}
    while words:
        word = words.pop(0)
        if word.is_option:
            option, *values = re.split("[=:]", word.visible.lstrip(DASHES), maxsplit=1)
            name = option.casefold()
            if name not in _OPTIONS or word.is_reason:
                raise _no_such_option(word, name)
            if not values and words and not words[0].is_option:
                values = [words.pop(0).shown]
            value = values[0] if values else ""
        elif word.shown.startswith("@") or _MEMBER.fullmatch(word.shown):
            name, value = "user", word.shown
        else:
            name, value = "domain", _domain(word, given)
        if name in given:
            raise Mistake(kinds.OPTION_TWICE, option=f"--{name}")
        given[name] = _OPTIONS[name](value) if name in _OPTIONS else value
    return HistoryQuestion(given.get("domain"), given.get("user"), given.get("since"))


def _domain(word: Word, given: Mapping[str, str]) -> str:
    if "domain" in given:
        raise Mistake(kinds.WORD_EXTRA, part=excerpt(word.shown), form=HISTORY_FORM)
    domain = normalise_domain(word.shown)
    if word.link and normalise_domain(word.link["address"]) != domain:
        raise Mistake(kinds.WORD_EXTRA, part=excerpt(word.link[0]), form=HISTORY_FORM)
    return domain


def _member(written: str) -> str:
    if not _MEMBER.fullmatch(written):
        raise Mistake(kinds.USER_MALFORMED, part=excerpt(written) or "--user")
    return written


def _since(written: str) -> str:
    since = written.casefold()
    if _DAY.fullmatch(since):
        try:
            date.fromisoformat(since)
        except ValueError:
            since = ""
    elif not _SPAN.fullmatch(since):
        since = ""
    if not since:
        raise Mistake(kinds.SINCE_MALFORMED, part=excerpt(written) or "--since")
    return since


_OPTIONS = {"user": _member, "since": _since}


def _no_such_option(word: Word, name: str) -> Fault:
    near = difflib.get_close_matches(name, _OPTIONS, n=1, cutoff=0.5)
    draft = word.become(f"--{near[0]}") if near and not word.is_reason else None
    return Fault(kinds.OPTION_UNKNOWN, draft, part=excerpt(word.shown))


def _nothing_more(words: Sequence[Word], form: str) -> None:
    if words:
        raise Mistake(kinds.WORD_EXTRA, part=excerpt(words[0].shown), form=form)
