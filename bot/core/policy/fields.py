"""The types of the values in a policy file, each with the message for an invalid value."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from bot.core.command.parser import ESCAPED, check_tag, is_odd
from bot.core.errors import InputError
from bot.core.text import errors as kinds
from bot.core.text.domain_name import normalise_domain
from bot.core.text.tag_words import oddity

EVERYBODY = "*"
"""In the roles of a rule: every full member."""
YES = frozenset({"true", "yes", "on", "1", "y", "t"})
"""The texts that pydantic parses as true, in any case."""


class Action(StrEnum):
    PURGE = "purge"
    FORCE = "force"
    APPROVE = "approve"
    VIEW = "view"
    ADMIN = "admin"  # grants nothing, but policies that name it must stay valid


def covers_domain(patterns: Iterable[str], domain: str) -> bool:
    """Return whether one of these patterns covers a domain, or everything that a pattern covers."""
    return any(
        pattern in {"*", domain} or (pattern.startswith("*.") and domain.endswith(pattern[1:]))
        for pattern in patterns
    )


def _valid_domain_pattern(pattern: str) -> str:
    suffix = pattern.removeprefix("*.")
    if pattern == "*":
        return pattern
    try:
        if "/" not in suffix:
            return pattern.removesuffix(suffix) + normalise_domain(suffix)
    except InputError:
        pass
    raise PydanticCustomError(
        "domain_pattern",
        "“{pattern}” is no domain: write one in full, “*.” and a domain for all below it, or “*”",
        {"pattern": pattern},
    )


def _valid_tag_pattern(pattern: str) -> str:
    """Return the pattern without the prefix `tag:`, if that is only there to escape an odd tag."""
    escaped = ESCAPED.match(pattern)
    bare = pattern[escaped.end() :] if escaped else pattern
    # A * is not odd here: it stands for other characters.
    sample = bare.replace("*", "x")
    if escaped and is_odd(sample):
        pattern = pattern[len("tag:") :]
    try:
        possible = bool(check_tag(pattern)) and not re.search(r"[\s,]", pattern)
    except InputError:
        possible = False
    if not possible:
        raise PydanticCustomError(
            "tag_pattern",
            "“{pattern}” matches no tag: a tag has no spaces, commas, quotes or long dashes",
            {"pattern": pattern},
        )
    if not escaped and not sample.isalnum() and (odd := oddity(sample)):
        raise PydanticCustomError(
            "tag_pattern_odd",
            "“{pattern}” is not taken as a tag: {why}; write several tags as [one, two], and "
            "tag: before a tag that is really so written",
            {"pattern": pattern, "why": odd.facts.get("why") or _WHAT_IT_IS[odd.kind]},
        )
    return pattern


_WHAT_IT_IS = {
    kinds.TAG_ADDRESS: "it is the address of a page, a file or a server",
    kinds.DOMAIN_SECOND: "it is a domain",
    kinds.COMMAND_SECOND: "it is a command",
}


def slack_id(first: str, what: str) -> AfterValidator:
    """Return a validator of Slack IDs whose first letter is in `first`; `what` is their kind."""

    def check(value: str) -> str:
        if not re.fullmatch(rf"[{first}][A-Z0-9]{{2,30}}", value):
            raise PydanticCustomError(
                "slack_id",
                "“{value}” is no Slack ID of a {what}: it begins with {first} and has capital "
                "letters and digits only",
                {"value": value, "what": what, "first": " or ".join(first)},
            )
        return value

    return AfterValidator(check)


def valid_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", name):
        raise PydanticCustomError(
            "role_name",
            "“{name}” is no name for a role: use small letters, digits, - and _, at most 40",
            {"name": name},
        )
    return name


DomainPattern = Annotated[str, AfterValidator(_valid_domain_pattern)]
TagPattern = Annotated[str, AfterValidator(_valid_tag_pattern)]
Sentence = Annotated[str, Field(min_length=1, max_length=200)]
RoleNames = Annotated[
    tuple[str, ...],
    Field(min_length=1),
    BeforeValidator(lambda names: [names] if names == EVERYBODY else names),
    WithJsonSchema(
        {"anyOf": [{"const": "*"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]


def _read_span(text: object) -> object:
    """Parse "90s", "30m", "2h" or "1d".  Return a timedelta unchanged; reject anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([smhd])", text) if isinstance(text, str) else None
    if found is None:
        if isinstance(text, timedelta):
            return text
        raise PydanticCustomError("span", "write a span as 90s, 30m, 2h or 1d", {})
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[found[2]]
    return timedelta(**{unit: int(found[1])})


Span = Annotated[
    timedelta,
    BeforeValidator(_read_span),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,4}[smhd]$"}),
]


def glob(patterns: Iterable[str], flags: re.RegexFlag) -> re.Pattern[str]:
    # Only * is special here. fnmatch creates an expression without exponential backtracking.
    plain = (re.sub(r"[\[?]", r"[\g<0>]", pattern) for pattern in patterns)
    return re.compile("|".join(map(fnmatch.translate, plain)), flags)
