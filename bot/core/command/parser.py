"""Parse the text after `/purge` into a command, or explain what is wrong with it.

    command  ::=  question | purge                 see `bot.core.command.queries`
    purge    ::=  domain tag { sep tag } { option }        options may stand anywhere
    sep      ::=  space | comma      in any number; NBSP and newline are spaces, ， and ، commas
    domain   ::=  see `bot.core.text.domain_name`; Slack's <https://host|host> is unwrapped
    tag      ::=  any word that can be a tag, see `bot.core.text.tag_words`
               |  "tag:" any characters but space, ",", unreadable ones, quotes and long dashes
                  case is kept, duplicates are dropped, all together ≤ 16 384 characters
    option   ::=  dash+ "force"                    any case; dash: - or what phones make of it
               |  dash+ "break" dash "glass"       requires a reason
               |  dash+ "reason" [ "=" ] quote text quote         text ≤ 500 characters
    quote    ::=  " or ', straight or curled; in text, " becomes ' and spaces become one

A typing error must never turn a forced purge into a plain one.  So these are errors, never tags: a
word that begins with a dash and is not an option, a word with exactly the letters of "force"
(`force`, `force--`, `froce`), words after it that may be a reason (`hero --force broken logo`), a
value (`--force=true`, `--force yes`), and `hero--force`.  Text
meant for a reader, a browser or a shell is not a tag either: markup around a word, addresses, a
second domain, a second command.  A real tag of such a form is written with the prefix `tag:`
(`tag:force`, `tag:-x`, `tag:index.html`, `tag:*`).  Otherwise `tag:` is part of the tag.

Each error has the fact `part`, the text that is wrong.  If the intended command can be inferred,
the error has the whole corrected command as the fact `corrected`.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from bot.core.command import query_errors as question_errors
from bot.core.command.queries import HelpCommand, Question, VersionCommand, put_right, read_question
from bot.core.errors import InputError, kinds_in
from bot.core.text import errors as kinds
from bot.core.text.domain_name import excerpt, is_plain, is_unreadable, is_unseen, normalise_domain
from bot.core.text.tag_words import Oddity, meant_by, oddity
from bot.core.text.tokens import (
    COMMAS,
    DASHES,
    DOUBLE_QUOTES,
    LONG_DASHES,
    NEWLINES,
    NEXT_OPTION,
    QUOTES,
    SPACES,
    TokenError,
    Word,
    words_of,
)

_LONG_DASHES, _QUOTES = frozenset(LONG_DASHES), frozenset(QUOTES)
MAX_TAG_CHARACTERS = 16384
MAX_REASON_CHARACTERS = 500
ESCAPED = re.compile("(?:tag:)+", re.IGNORECASE)
"""The prefix of a tag for which `is_odd` holds.  The first `tag:` is not part of the tag."""


@dataclass(frozen=True, slots=True)
class PurgeCommand:
    """A request to purge tags of a domain.

    `domain` has the form that `normalise_domain` returns.  `tags` are in the order typed, without
    duplicates.  `reason` has the form that `clean_reason` returns.
    """

    domain: str
    tags: tuple[str, ...]
    force: bool = False
    reason: str | None = None
    break_glass: bool = False


def parse(text: str) -> PurgeCommand | HelpCommand | VersionCommand | Question:
    """Parse `text`, which is what follows `/purge`.

    Raises: InputError, of a kind in `bot.core.text.errors` or `bot.core.command.query_errors`.
    """
    # Slack documents that it escapes these three characters.  Unescaping once is correct whether or
    # not it does: https://docs.slack.dev/messaging/formatting-message-text/#escaping
    plain = re.sub("&(lt|gt|amp);", lambda found: _ENTITIES[found[1]], text)
    if (question := read_question(plain)) is not None:
        return question
    try:
        return _read(plain)
    except TokenError as error:
        if error.draft is not None:
            # If the draft has a second error, only the first error is explained, without a
            # correction.
            with contextlib.suppress(InputError):
                asked = put_right(error.draft) if error.draft.strip(SPACES) else None
                corrected = asked or format_command(_read(error.draft))
                error.info.facts["corrected"] = corrected
        raise


def format_command(command: PurgeCommand) -> str:
    """Return the command in its canonical form, with `/purge`.  `parse` reads it back."""
    tags = ",".join(_escape(tag, command.domain) for tag in command.tags)
    force = " --force" if command.force else ""
    reason = f' --reason "{command.reason}"' if command.reason else ""
    glass = " --break-glass" if command.break_glass else ""
    text = f"{command.domain} {tags}{force}{glass}{reason}"
    return "/purge " + re.sub("&(?=(lt|gt|amp);)", "&amp;", text)


def clean_reason(text: str) -> str:
    """Return the reason as it is stored: single spaces, no double quotes.  Raises: InputError."""
    reason = " ".join(re.split(f"[{SPACES}]+", text)).strip().translate(_SINGLE_QUOTES)
    if not reason:
        raise InputError(kinds.REASON_EMPTY)
    if len(reason) > MAX_REASON_CHARACTERS:
        raise InputError(kinds.REASON_LONG, part=excerpt(reason), length=str(len(reason)))
    if any(is_unseen(c) and c not in _JOINERS for c in reason):
        raise InputError(kinds.UNSEEN, part=excerpt(reason))
    return reason


def check_tag(tag: str) -> str:
    """Return the tag.  Raises: InputError if it has characters that a tag may not have."""
    if not is_plain(tag) and any(map(is_unreadable, tag)):
        raise InputError(kinds.UNSEEN, part=excerpt(tag))
    if not _LONG_DASHES.isdisjoint(tag):
        raise InputError(kinds.TAG_DASH, part=excerpt(tag))
    if not _QUOTES.isdisjoint(tag.replace("'", "")) or tag != tag.strip("'`"):
        raise InputError(kinds.TAG_QUOTE, part=excerpt(tag))
    return tag


def spelt_tag(word: str, domain: str) -> str:
    """Return the tag that a word denotes, without a prefix `tag:` that is not part of it."""
    escaped = ESCAPED.match(word)
    return word[len("tag:") :] if escaped and is_odd(word[escaped.end() :], domain) else word


def is_odd(bare: str, domain: str | None = None) -> bool:
    """Return whether this text is read as something else than a tag if it has no `tag:`."""
    return (
        not bare
        or bare.startswith("-")
        or _resembles_force(bare)
        or oddity(bare, domain) is not None
    )


_QUESTION_KINDS = kinds_in(question_errors)
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&"}
_SINGLE_QUOTES = str.maketrans(dict.fromkeys(DOUBLE_QUOTES, "'"))
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"  # Emoji and several scripts need these characters.
_OPTIONS = ("force", "reason", "break-glass")
_PURGE = frozenset({"purge", "/purge"})
_HELP = frozenset({"help", "h", "?", "usage"})
_MISSPELT_AT_MOST = 0.75
"""How similar a misspelt option must be, by `difflib`: --frce fits, --urgent does not."""
_HYPHENS = str.maketrans(dict.fromkeys(LONG_DASHES, "-"))
_VALUES = {"true": "--force", "yes": "--force", "on": "--force", "false": "", "no": "", "off": ""}
_FORCE_LETTERS = sorted("force")
_ALL_OF_FORCE = frozenset(_FORCE_LETTERS)
_FORCE_AT_END = re.compile(f"[{DASHES}]force$", re.IGNORECASE)
_FORCE_WITHIN = re.compile(f"[{DASHES}]{{2}}force(?![a-z0-9])", re.IGNORECASE)


def _read(source: str) -> PurgeCommand:
    words = list(words_of(source))
    operands = [word for word in words if not word.is_option]
    if operands and operands[0].shown.casefold() in _PURGE:
        raise TokenError(kinds.COMMAND_SECOND, operands[0].become(""), part=operands[0].shown)
    options = [_option(word) for word in words if word.is_option and not word.is_reason]
    reasons = [word for word in words if word.is_reason]
    if len(reasons) > 1:
        raise TokenError(kinds.REASON_TWICE, part=excerpt(reasons[1].shown))
    reason = clean_reason(reasons[0].shown) if reasons else None
    for word in operands:
        if _resembles_force(word.visible) and not ESCAPED.match(word.visible):
            raise _force_like(word)
    if not operands:
        raise TokenError(kinds.DOMAIN_MISSING)
    try:
        domain = _domain(operands[0])
    except TokenError as error:
        if error.info.kind is kinds.DOMAIN_DOTLESS and error.draft is None:
            error.draft = _domain_first(source, operands[1:])
        raise
    for before, word in pairwise(words):
        _check_neighbours(before, word, operands[0])
    _check_words_after_force(words)
    tags = _tags(operands[1:], domain)
    if "break-glass" in options and reason is None:
        raise TokenError(kinds.GLASS_WITHOUT_REASON)
    return PurgeCommand(domain, tags, "force" in options, reason, "break-glass" in options)


def _domain(word: Word) -> str:
    try:
        domain = normalise_domain(word.shown)
        leads_to = normalise_domain(word.link["address"]) if word.link else domain
    except InputError as error:
        facts = dict(error.info.facts)
        meant = facts.pop("suggestion", None) or meant_by(word.shown)
        draft = None if meant in {None, word.shown} else word.become(meant.replace(",", " ", 1))
        raise TokenError(error.info.kind, draft, **facts) from None
    if leads_to != domain:
        raise TokenError(kinds.LINK, part=excerpt(word.source[word.start : word.end]))
    return domain


def _domain_first(source: str, words: Sequence[Word]) -> str | None:
    """Return the command with the domain first.  None unless exactly one word is a host."""
    hosts = []
    for word in words:
        odd = oddity(word.shown)
        if odd is not None and odd.kind in {kinds.DOMAIN_SECOND, kinds.TAG_ADDRESS}:
            with contextlib.suppress(InputError):
                hosts.append((word, normalise_domain(word.shown)))
    if len(hosts) != 1:
        return None
    ((word, domain),) = hosts
    return f"{domain} {source[: word.start]} {source[word.end :]}"


def _check_neighbours(before: Word, word: Word, domain: Word) -> None:
    """Refuse `www.example.com,hero`, a second command, `--force yes` and `--break-glass yes`."""
    part = excerpt(before.shown)
    between = word.source[before.end : word.start]
    if word is not domain and any(c in NEWLINES for c in between) and _begins_command(word):
        raise TokenError(kinds.COMMAND_LINES, part=excerpt(word.shown))
    if before is domain and between[0] in COMMAS and not word.is_option:
        # A dot after the comma may mean a second domain: then there is no correction to suggest.
        draft = None if "." in word.shown else before.become(f"{before.shown} ", word.start)
        raise TokenError(kinds.DOMAIN_COMMA, draft, part=part)
    if before.is_option and not before.is_reason and not word.is_option:
        meant = _VALUES.get(_plain(word.shown))
        if meant is not None:
            forces = _option(before) == "force"
            kind = kinds.FORCE_VALUE if forces else kinds.GLASS_VALUE
            draft = before.become(meant if forces else "--break-glass", word.end)
            raise TokenError(kind, draft, part=excerpt(word.shown))


def _check_words_after_force(words: Sequence[Word]) -> None:
    """Refuse `hero --force broken logo`: after tags and --force, words without a comma may be a reason."""
    has_reason = any(word.is_reason for word in words)
    options = [n for n, word in enumerate(words) if word.is_option]
    if has_reason or not options or _option(words[options[-1]]) != "force":
        return
    last = options[-1]
    before = [word for word in words[:last] if not word.is_option]
    after = words[last + 1 :]
    if len(before) < 2 or not after:
        return
    source, start, end = after[0].source, words[last].end, after[-1].end
    if any(c in COMMAS for c in source[start:end]) or any(ESCAPED.match(w.shown) for w in after):
        return
    text = " ".join(word.shown for word in after)
    draft = after[0].become(f'--reason "{text}"', end)
    raise TokenError(kinds.FORCE_WORDS, draft, part=excerpt(text))


def _tags(words: Sequence[Word], domain: str) -> tuple[str, ...]:
    bare = [word for word in words if not ESCAPED.match(word.shown)]
    odd = [(word, found) for word in bare if (found := oddity(word.shown, domain))]
    try:
        tags = tuple(dict.fromkeys(_tag(word, domain) for word in words))
    except TokenError as error:
        if error.info.kind is kinds.TAG_QUOTE and odd:
            error.draft = _put_right(odd)
        raise
    if not tags:
        raise TokenError(kinds.TAG_MISSING, part=domain)
    if odd:
        word, first = odd[0]
        raise TokenError(first.kind, _put_right(odd), part=excerpt(word.shown), **first.facts)
    if (length := len(",".join(tags))) > MAX_TAG_CHARACTERS:
        raise TokenError(kinds.TAGS_LONG, length=str(length))
    return tags


def _put_right(odd: Sequence[tuple[Word, Oddity]]) -> str | None:
    """Return the command with each of these words corrected.  None if one is unclear."""
    pieces, end = [], 0
    for word, found in odd:
        if found.meant is None:
            return None
        pieces += [word.source[end : word.start], found.meant]
        end = word.end
    return "".join([*pieces, odd[-1][0].source[end:]])


def _tag(word: Word, domain: str) -> str:
    link = word.link
    if link and link["label"] and _bare(link["label"]) != _bare(link["address"]):
        raise TokenError(kinds.LINK, part=excerpt(link[0]))
    tag = spelt_tag(word.shown, domain)
    if not tag:
        # Some phones insert a space after the colon.
        after = word.following
        draft = word.become(f"{word.shown}{after[0]}", after.end()) if after else None
        raise TokenError(kinds.TAG_SIGN, draft, part="tag:", why="nothing stands behind it")
    try:
        return check_tag(tag)
    except InputError as error:
        match error.info.kind:
            case kinds.UNSEEN:
                meant = word.visible
            case kinds.TAG_DASH if force := _FORCE_AT_END.search(tag):
                meant = tag[: force.start()].rstrip(DASHES) + " --force"
            case kinds.TAG_DASH:
                meant = word.shown.translate(dict.fromkeys(map(ord, LONG_DASHES), "-"))
            case _:
                meant = tag.strip(QUOTES + "`")
        raise TokenError(error.info.kind, word.become(meant), **error.info.facts) from None


@lru_cache(maxsize=1024)
def _escape(tag: str, domain: str) -> str:
    escaped = ESCAPED.match(tag)
    return f"tag:{tag}" if is_odd(tag[escaped.end() :] if escaped else tag, domain) else tag


def _begins_command(word: Word) -> bool:
    """Return whether a line that begins with this word may be a separate command."""
    try:
        if word.shown.casefold() in _PURGE or read_question(word.source[word.start :]):
            return True
        # A top-level domain has more than one letter, but a tag may end in one letter: a.b
        return len(normalise_domain(word.shown).rpartition(".")[2]) > 1
    except InputError as error:
        # A word that only resembles the first word of a question may be a tag: helper, state.
        kind = error.info.kind
        return kind in _QUESTION_KINDS and kind is not question_errors.MISSPELT


def _bare(link: str) -> str:
    return re.sub("^https?://", "", link.casefold()).rstrip("/")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _resembles_force(word: str) -> bool:
    """Return whether a word has the letters of "force", or contains --force."""
    plain = _plain(word)
    if not _ALL_OF_FORCE.issubset(plain):  # as of most words
        return False
    return _FORCE_WITHIN.search(plain) is not None or any(
        sorted(c for c in part if c in string.ascii_lowercase + string.digits) == _FORCE_LETTERS
        for part in (plain, re.split("[=:]", plain, maxsplit=1)[0])
    )


def _force_like(word: Word) -> TokenError:
    within = _FORCE_WITHIN.search(word.visible)
    tag = word.visible[: within.start()].rstrip(DASHES) if within else ""
    draft = word.become(f"{meant_by(tag) or ''} --force")
    return TokenError(kinds.FORCE_LIKE, draft, part=excerpt(word.shown))


def _option(word: Word) -> str:
    """Return the name of an option other than a reason.  Raises: TokenError if it is invalid."""
    part, name = excerpt(word.shown), _plain(word.shown.lstrip(DASHES)).translate(_HYPHENS)
    if word.visible != word.shown:
        raise TokenError(kinds.UNSEEN, word.become(word.visible), part=part)
    if name in {"force", "break-glass"}:
        return name
    head, *value = re.split("[=:]", name, maxsplit=1)
    if head == "reason":
        raise TokenError(kinds.REASON_UNQUOTED, _quoted(word), part=part)
    if head == "break-glass":
        raise TokenError(kinds.GLASS_VALUE, word.become("--break-glass"), part=part)
    if head == "force":
        meant = _VALUES.get(value[0])
        draft = None if meant is None else word.become(meant)
        raise TokenError(kinds.FORCE_VALUE, draft, part=part)
    after = word.following
    if after and (joined := name + _plain(after[0])) in _OPTIONS:  # --for ce, — force
        draft = word.become(f"--{joined}", after.end())
        raise TokenError(kinds.OPTION_MISSPELT, draft, part=part, suggestion=f"--{joined}")
    if name in _HELP:
        raise TokenError(kinds.OPTION_HELP, part=part)
    if option := _closest(name):
        draft = word.become(f"--{option}")
        raise TokenError(kinds.OPTION_MISSPELT, draft, part=part, suggestion=f"--{option}")
    raise TokenError(kinds.OPTION_UNKNOWN, part=part)


def _closest(name: str) -> str | None:
    if not name or name.startswith(("no", "un")):  # --no-force is the opposite of --force
        return None
    shortened = [option for option in _OPTIONS if option.startswith(name)]
    near = difflib.get_close_matches(name, _OPTIONS, n=1, cutoff=_MISSPELT_AT_MOST)
    return next(iter(shortened or near), None)


def _quoted(word: Word) -> str:
    """Return the command with the text after a bare --reason quoted, up to the next option."""
    following = NEXT_OPTION.search(word.source, word.end)
    until = following.start() if following else len(word.source)
    value = re.split("[=:]", word.shown, maxsplit=1)[1:]
    text = " ".join([*value, word.source[word.end : until].strip(f"{SPACES}{COMMAS}=")])
    return word.become(f'--reason "{text}"', until)
