"""Parse the questions after `/purge`: help, status, history, pending, quota, version.

    question  ::=  nothing | "help" [ word ] | word "help"        word: another question's first
               |   "status" [ id | "last" ]                       alone: the asker's latest purge
               |   "history" { domain | member | option }         each at most once, in any order
               |   "pending"                                      what waits for approval
               |   "quota"
               |   "version"
    id        ::=  the ID of a purge, in any case, or a task ID of the CDN; in a code span or not
    option    ::=  dash+ "user" sep member             dash: - or what phones make of it
               |   dash+ "since" sep ( span | day )
    sep       ::=  spaces | "="
    member    ::=  U0123456 | <@U0123456> | <@U0123456|name> | "me"
    span      ::=  number ( "m" | "h" | "d" | "w" )    90m, 12h, 2d, 2w
    day       ::=  2026-11-20                          from 00:00 UTC on

No first word has a dot, so none can be a domain.  A word that resembles a first word is an error
with a correction; any other word is read as the domain of a purge.

The question for another page of the history has the same words, after the position at which the
page begins: `older 2026-11-20T09:41:07+00:00 P1M82J8FAHK949 history www.example.com --since 2d`.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from bot.core.command import query_errors as kinds
from bot.core.errors import InputError
from bot.core.text.domain_name import excerpt, normalise_domain
from bot.core.text.errors import DOMAIN_DOTLESS
from bot.core.text.tokens import DASHES, SPACES, TokenError, Word, words_of

STATUS, HISTORY, PENDING, QUOTA = "status", "history", "pending", "quota"
"""The codes of the notices that hold the answers."""
VERSION = "version"
TOPICS = (STATUS, HISTORY, PENDING, QUOTA, VERSION)
"""The topics of the help."""
STATUS_FORM = "/purge status ID"
HISTORY_FORM = "/purge history [domain] [--user U0123456] [--since 2d]"
PENDING_FORM = "/purge pending"
QUOTA_FORM = "/purge quota"
VERSION_FORM = "/purge version"
LATEST = "last"
"""Stands for the ID of the asker's latest purge."""
ME = "me"
"""Stands for the member ID of the asker."""


@dataclass(frozen=True, slots=True)
class HelpCommand:
    """A request for help.  `topic` is one of TOPICS, or None for the overview."""

    topic: str | None = None


@dataclass(frozen=True, slots=True)
class VersionCommand:
    """A question for the bot's version."""


@dataclass(frozen=True, slots=True)
class StatusQuestion:
    """A question for the state of a purge.  `id`: a purge ID, a task ID of the CDN, or LATEST."""

    id: str


@dataclass(frozen=True, slots=True)
class PendingQuestion:
    """A question for the purges that wait for approval."""


@dataclass(frozen=True, slots=True)
class QuotaQuestion:
    """A question for what is left of the CDN's quotas."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """The position of a purge in the order of time; the ID decides between equal times."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """The start of a page: just before `key` in time, or just after it (`newer`)."""

    key: Key
    newer: bool = False


@dataclass(frozen=True, slots=True)
class HistoryQuestion:
    """A question for past purges.  `since` is a span or a day as typed, in lower case.

    `user_id` is ME until the asker's ID is known.
    """

    domain: str | None = None
    user_id: str | None = None
    since: str | None = None
    cursor: Cursor | None = None


Question = StatusQuestion | HistoryQuestion | PendingQuestion | QuotaQuestion


def read_question(text: str) -> HelpCommand | VersionCommand | Question | None:
    """Parse the question in `text`, which follows `/purge`.  None if it is not a question.

    Raises: InputError, of a kind in `bot.core.command.query_errors` or one about domains.
    """
    first, *more = re.split(f"[{SPACES}]+", text.strip(SPACES), maxsplit=1)
    rest = more[0] if more else ""
    word = _word(first)
    if not first or word == _HELP:
        return HelpCommand(topic if (topic := _word(rest)) in TOPICS else None)
    if word in TOPICS and _word(rest) == _HELP:
        return HelpCommand(word)
    try:
        match word:
            case "status":
                return _status(rest)
            case "history":
                return _history(_MENTION.sub(r"\1", rest))
            case "pending" | "quota" | "version":
                if extra := list(words_of(rest)):
                    part = excerpt(extra[0].shown)
                    raise InputError(kinds.WORD_EXTRA, part=part, form=f"/purge {word}")
                return _ALONE[word]
            case _:
                _check_spelling(word, rest)
                return None
    except TokenError as error:
        if error.draft is not None:
            with contextlib.suppress(InputError):  # only the first of two errors is explained
                corrected = f"/purge {format_question(_history(error.draft))}"
                error.info.facts["corrected"] = corrected
        raise


def put_right(text: str) -> str | None:
    """Return the question in `text` in its canonical form, with `/purge`.  None if it is none.

    Raises: InputError, as `read_question` does.
    """
    match read_question(text):
        case None:
            return None
        case HelpCommand(topic):
            return " ".join(filter(None, ("/purge help", topic)))
        case VersionCommand():
            return VERSION_FORM
        case question:
            return f"/purge {format_question(question)}"


def format_question(question: Question) -> str:
    """Return the question as text that `read_asked` reads back."""
    match question:
        case StatusQuestion(id=wanted):
            return f"status {wanted}"
        case PendingQuestion():
            return "pending"
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
    """Parse a question that `format_question` wrote.  Return None for any other text."""
    place = _PLACE.fullmatch(text)
    try:
        question = read_question(place["words"] if place else text)
        if place is None:
            return None if isinstance(question, HelpCommand | VersionCommand) else question
        at = datetime.fromisoformat(place["at"])
    except (InputError, ValueError):
        return None
    if not isinstance(question, HistoryQuestion) or at.tzinfo is None:
        return None
    return replace(question, cursor=Cursor(Key(at, place["id"]), place["way"] == "newer"))


def began_at(since: str | None, now: datetime) -> datetime | None:
    """Return the time that `since` of a question denotes at `now`.  None if it is None."""
    if since is None:
        return None
    if span := _SPAN.fullmatch(since):
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    return datetime.combine(date.fromisoformat(since), datetime.min.time(), UTC)


_HELP = "help"
_ALONE: dict[str, PendingQuestion | QuotaQuestion | VersionCommand] = {
    PENDING: PendingQuestion(),
    QUOTA: QuotaQuestion(),
    VERSION: VersionCommand(),
}
"""The questions that take no further words."""
_SAME_AS = {
    **{f"--{word}": word for word in (_HELP, VERSION)},
    **dict.fromkeys(("--h", "--usage", "--?", "?"), _HELP),
    "waiting": PENDING,
}
"""Synonyms of the first words."""
_LATEST = frozenset({"", "last", "latest", "newest"})
_ME = frozenset({"me", "@me", "mine", "myself", "@myself"})
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>")
_MEMBER = re.compile("[UW][A-Z0-9]{2,30}")
_PURGE_ID = re.compile("P[0-9A-Z]{13}")
_ID = re.compile("[0-9A-Za-z_.,-]{1,1000}")
_SPAN = re.compile("([1-9][0-9]{0,3})([mhdw])")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PLACE = re.compile(r"(?P<way>older|newer) (?P<at>\S{1,40}) (?P<id>\w{1,32}) (?P<words>history.*)")
_READ_ALOUD = str.maketrans("OIL", "011")
"""IDs contain none of these letters.  A person who typed one misread or misheard the digit."""


def _word(text: str) -> str:
    """Return the canonical form of the first word of a question."""
    word = text.strip(SPACES).casefold()
    if word.startswith(tuple(DASHES)):
        word = re.sub(f"^[{DASHES}]+", "--", word)
    return _SAME_AS.get(word, word)


def _check_spelling(word: str, rest: str) -> None:
    """Check the first word.  Raises: InputError if it only resembles one of a question."""
    bare = word.removeprefix("--")
    if not re.fullmatch("[a-z]{3,20}", bare) or (bare != word and rest.strip(SPACES)):
        return
    # An option of a purge is never alone: what stands alone is a word that shells know.
    known = (_HELP, *TOPICS) if bare == word else (_HELP, VERSION)
    word = bare
    near = [each for each in known if each.startswith(word)]
    near = near or difflib.get_close_matches(word, known, n=1, cutoff=_LIKE)
    if not near:
        return
    facts = {"part": word, "suggestion": near[0]}
    with contextlib.suppress(InputError):  # only the first of two errors is explained
        if (corrected := put_right(f"{near[0]} {rest}")) is not None:
            facts["corrected"] = corrected
    raise InputError(kinds.MISSPELT, **facts)


_LIKE = 0.7
"""How similar a word must be to the first word of a question, by `difflib`: halp, stats, pendng."""


def _status(text: str) -> StatusQuestion:
    words = text.strip(f"{SPACES}`").split()
    if len(words) > 1:
        raise InputError(kinds.WORD_EXTRA, part=excerpt(words[1]), form=STATUS_FORM)
    wanted = words[0] if words else ""
    if wanted.lstrip(DASHES).casefold() in _LATEST:
        return StatusQuestion(LATEST)
    if _PURGE_ID.fullmatch(wanted.upper()):
        return StatusQuestion(wanted.upper().translate(_READ_ALOUD))
    if not _ID.fullmatch(wanted):
        raise InputError(kinds.ID_MALFORMED, part=excerpt(wanted))
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
                near = difflib.get_close_matches(name, _OPTIONS, n=1, cutoff=0.5)
                draft = word.become(f"--{near[0]}") if near and not word.is_reason else None
                raise TokenError(kinds.OPTION_UNKNOWN, draft, part=excerpt(word.shown))
            if not values and words and not words[0].is_option:
                values = [words.pop(0).shown]
            value = values[0] if values else ""
        elif word.shown[:1] == "@" or _MEMBER.fullmatch(word.shown) or word.shown.casefold() in _ME:
            name, value = "user", word.shown
        else:
            name, value = "domain", _domain(word, given)
        if name in given:
            raise InputError(kinds.OPTION_TWICE, option=f"--{name}")
        given[name] = _OPTIONS[name](value) if name in _OPTIONS else value
    return HistoryQuestion(given.get("domain"), given.get("user"), given.get("since"))


def _domain(word: Word, given: Mapping[str, str]) -> str:
    if "domain" in given:
        raise InputError(kinds.WORD_EXTRA, part=excerpt(word.shown), form=HISTORY_FORM)
    try:
        domain = normalise_domain(word.shown)
    except InputError as error:
        if error.info.kind is not DOMAIN_DOTLESS:
            raise
        # The usual explanation (a domain without a dot) would mislead here: history hero
        raise InputError(kinds.WORD_EXTRA, part=excerpt(word.shown), form=HISTORY_FORM) from None
    if word.link and normalise_domain(word.link["address"]) != domain:
        raise InputError(kinds.WORD_EXTRA, part=excerpt(word.link[0]), form=HISTORY_FORM)
    return domain


def _member(written: str) -> str:
    if written.casefold() in _ME:
        return ME
    if not _MEMBER.fullmatch(written):
        raise InputError(kinds.USER_MALFORMED, part=excerpt(written) or "--user")
    return written


def _since(written: str) -> str:
    since = written.casefold()
    if _SPAN.fullmatch(since):
        return since
    with contextlib.suppress(ValueError):
        if _DAY.fullmatch(since):
            date.fromisoformat(since)
            return since
    raise InputError(kinds.SINCE_MALFORMED, part=excerpt(written) or "--since")


_OPTIONS = {"user": _member, "since": _since}
