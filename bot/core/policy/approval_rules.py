"""The parts of the policy about approvals: whose are needed, who is called, who may skip them.

approval    a sentence, actions, domains, tags: how many approvals are needed, and of which roles
 ├─ call         the channel and the user groups that are called to decide
 ├─ break_glass  the roles that may skip the approval, with a reason that is shown
 └─ undo         how long an approved purge can still be cancelled
peak hours  a sentence, domains, hours: shown to those who decide
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from bot.core.policy.fields import (
    EVERYBODY,
    YES,
    Action,
    DomainPattern,
    RoleNames,
    Sentence,
    Span,
    TagPattern,
    covers_domain,
    slack_id,
)
from bot.core.policy.tag_rules import TagPatterns

ChannelId = Annotated[str, slack_id("CGD", "channel")]
GroupId = Annotated[str, slack_id("S", "user group")]


class Entry(BaseModel):
    """One mapping of the policy file.  An unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Call(Entry):
    """Who is called when a purge waits, and where besides the channel of the request."""

    channel: ChannelId | None = None
    groups: tuple[GroupId, ...] = ()

    @model_validator(mode="after")
    def _calls_somebody(self) -> Self:
        if self.channel is None and not self.groups:
            raise PydanticCustomError("call", "“call” names a channel, groups, or both", {})
        return self


class ApprovalRule(Entry):
    """When a purge needs the yes of others, and whose; `bot.core.policy.quorum` weighs them.

    Who approves must also hold the right to approve, by the rules.  `roles` narrows that to some
    roles; `one_of_each` asks for a yes from each of them, by different people.  Demands hold for
    whatever a tag may mean; `required: no` and `break_glass` for the very tag (`TagPatterns`).
    """

    # The JSON schema of what `one_of_each_faults` checks, for editors.
    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"one_of_each": {"const": True}}, "required": ["one_of_each"]},
            "then": {
                "properties": {
                    "count": False,
                    "roles": {"type": "array", "items": {"not": {"const": EVERYBODY}}},
                },
                "required": ["roles"],
            },
        }
    )

    approval: Sentence
    actions: Annotated[tuple[Literal[Action.PURGE, Action.FORCE], ...], Field(min_length=1)] = (
        Action.FORCE,
    )
    domains: Annotated[tuple[DomainPattern, ...], Field(min_length=1)]
    tags: Annotated[tuple[TagPattern, ...], Field(min_length=1)] = ("*",)
    required: bool = True
    roles: RoleNames | None = None
    one_of_each: bool = False
    count: Annotated[int, Field(ge=1, le=20)] = 1
    expires_after: Span = timedelta(minutes=30)
    undo: Span = timedelta(0)
    call: Call | None = None
    break_glass: RoleNames | None = None

    @cached_property
    def _tag_patterns(self) -> TagPatterns:
        return TagPatterns(self.tags)

    def is_about(self, action: Action, domain: str) -> bool:
        return action in self.actions and covers_domain(self.domains, domain)

    def asks_for(self, tag: str) -> bool:
        """Return whether the rule demands approvals for anything that this tag may mean."""
        return self.required and self._tag_patterns.cover(tag)

    def exempts(self, tag: str) -> bool:
        """Return whether the rule exempts exactly this tag from approvals."""
        return not self.required and self._tag_patterns.exempt(tag)

    def breakers_for(self, tag: str) -> tuple[str, ...]:
        """Return the roles that may break the glass for exactly this tag."""
        return self.break_glass or () if self._tag_patterns.exempt(tag) else ()


def one_of_each_faults(approval: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what contradicts `one_of_each` in a rule, as (path, sentence).

    `approval` has plain values that are not validated yet.  Other errors in them are ignored here,
    because the models report them.
    """
    if str(approval.get("one_of_each")).lower() not in YES:
        return
    roles = approval.get("roles")
    if roles is None:
        yield (
            ("one_of_each",),
            "“one_of_each” takes one of each of “roles”: name them, or write “count” instead",
        )
    if approval.get("count") is not None:
        yield (
            ("count",),
            "“one_of_each” takes one of each role, and “count” counts nothing: leave one of them out",
        )
    if roles == EVERYBODY:
        yield ("roles",), _STAR_OF_EACH
    for number, role in enumerate(roles if isinstance(roles, (list, tuple)) else ()):
        if role == EVERYBODY:
            yield ("roles", number), _STAR_OF_EACH


_STAR_OF_EACH = (
    "“*” is no role to take one of: name the role, or write “count” instead of “one_of_each”"
)


def _valid_hours(hours: str) -> str:
    found = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", hours)
    if found is None or hours[:5] == hours[6:]:
        raise PydanticCustomError("hours", "write hours as 18:00-23:00, or 22:00-02:00", {})
    return hours


def _valid_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise PydanticCustomError(
            "zone", "there is no time zone “{zone}”; write it as Asia/Shanghai", {"zone": zone}
        ) from None
    return zone


class PeakHours(Entry):
    """When the origin has most to do.  Hours that end before they begin go over midnight."""

    peak: Sentence
    domains: Annotated[tuple[DomainPattern, ...], Field(min_length=1)]
    hours: Annotated[str, AfterValidator(_valid_hours)]
    zone: Annotated[str, AfterValidator(_valid_zone)] = "UTC"

    def covers(self, domain: str, now: datetime) -> bool:
        """Return whether it is peak time for this domain at this time."""
        if not covers_domain(self.domains, domain):
            return False
        clock = f"{now.astimezone(ZoneInfo(self.zone)):%H:%M}"
        start, end = self.hours.split("-")
        return start <= clock < end if start < end else clock >= start or clock < end
