"""The policy as it is written: roles, rules, and what makes each of them well-formed.

    policy ─┬─ roles      a name → title, and who holds it: users, groups, channels
            ├─ rules      a sentence, roles, allow or deny: actions, domains, tags
            ├─ approvals  when others must say yes first: `bot.core.policy_approvals`
            ├─ peak hours when the origin has most to do: the same
            └─ proofs     URLs to look at before and after a purge: `bot.core.policy_proofs`

    domains  www.example.com     that one
             *.example.com       every one below it, at any depth, but not itself
             *                   every one
    tags     hero   campaign-*   only * is special: any characters, or none

What the CDN makes of case and of * in a tag is not documented.  So allow rules compare the
case of tags and deny rules do not, and a deny rule covers every tag that holds a *: whatever
the CDN does, nothing slips through.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, Self, TypeGuard

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from bot.core.policy_approvals import Approval, ChannelId, Entry, GroupId, PeakHours
from bot.core.policy_fields import (
    EVERYBODY,
    Action,
    DomainPattern,
    RoleNames,
    Sentence,
    TagPattern,
    glob,
    slack_id,
    valid_name,
)
from bot.core.policy_proofs import MAX_URLS, Proof, strange_urls

_Actions = Annotated[tuple[Action, ...], Field(min_length=1)]


class Role(Entry):
    """A name for some people.  Whoever speaks in one of `channels` holds the role there."""

    title: Sentence
    users: tuple[Annotated[str, slack_id("UW", "person")], ...] = ()
    groups: tuple[GroupId, ...] = ()
    channels: tuple[ChannelId, ...] = ()


class Rule(Entry):
    """One sentence of the policy: these roles may, or may not, do these things."""

    rule: Sentence
    roles: RoleNames
    allow: _Actions | None = None
    deny: _Actions | None = None
    domains: Annotated[tuple[DomainPattern, ...], Field(min_length=1)]
    tags: Annotated[tuple[TagPattern, ...], Field(min_length=1)] = ("*",)

    @property
    def actions(self) -> tuple[Action, ...]:
        return self.allow or self.deny or ()

    @cached_property
    def _tag_pattern(self) -> re.Pattern[str]:
        return glob(self.tags, re.IGNORECASE if self.deny else re.NOFLAG)

    def covers_tag(self, tag: str) -> bool:
        if "*" in self.tags or (self.deny and "*" in tag):
            return True
        return self._tag_pattern.match(tag) is not None


class Policy(Entry):
    """All roles, rules, approvals and peak hours.  Their order decides nothing."""

    version: Literal[1]
    roles: Mapping[Annotated[str, AfterValidator(valid_name)], Role] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    approvals: tuple[Approval, ...] = ()
    peak_hours: tuple[PeakHours, ...] = ()
    proofs: tuple[Proof, ...] = ()

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if sentences := "; ".join(sentence for _, sentence in whole_faults(self.model_dump())):
            raise PydanticCustomError(WHOLE_FAULT, "{sentences}", {"sentences": sentences})
        return self

    def rules_for(self, action: Action, domain: str) -> tuple[Rule, ...]:
        """The rules about `action` that cover `domain`, at a cost that only those add to."""
        labels = domain.split(".")
        patterns = [domain, "*", *("*." + ".".join(labels[n:]) for n in range(1, len(labels)))]
        places = {place for pattern in patterns for place in self._index.get((action, pattern), ())}
        return tuple(self.rules[place] for place in sorted(places))

    def proof_urls(self, domain: str, tags: Iterable[str]) -> tuple[str, ...]:
        """The URLs that show what a purge of these tags of the domain did: at most five."""
        asked = tuple(tags)
        found = (url for proof in self.proofs for url in proof.urls_for(domain, asked))
        return tuple(dict.fromkeys(found))[:MAX_URLS]

    def roles_of(self, ids: Iterable[str]) -> frozenset[str]:
        """The names of the roles that somebody with these Slack IDs holds."""
        return frozenset(role for slack_id in ids for role in self._roles_by_id.get(slack_id, ()))

    @cached_property
    def _index(self) -> Mapping[tuple[Action, str], list[int]]:
        index = defaultdict(list)
        for place, rule in enumerate(self.rules):
            for action in rule.actions:
                for pattern in rule.domains:
                    index[action, pattern].append(place)
        return dict(index)

    @cached_property
    def _roles_by_id(self) -> Mapping[str, list[str]]:
        index = defaultdict(list)
        for name, role in self.roles.items():
            for holder in (*role.users, *role.groups, *role.channels):
                index[holder].append(name)
        return dict(index)


PARTS: Mapping[object, type[Entry]] = {
    "roles": Role,
    "rules": Rule,
    "approvals": Approval,
    "peak_hours": PeakHours,
    "proofs": Proof,
}
"""What stands under each key of the file."""
WHOLE_FAULT = "whole_fault"
_Path = tuple[str | int, ...]


def whole_faults(policy: Any) -> Iterator[tuple[_Path, str]]:
    """What no field can see alone, as (path, sentence).

    Form: plain values, which may be ill-formed in other ways: those the models tell.
    """
    roles, rules = (policy.get("roles") or {}, policy.get("rules")) if _is_map(policy) else ({}, ())
    if not _is_map(roles) or not isinstance(rules, (list, tuple)):
        return
    for name, role in roles.items():
        if _is_map(role) and not any(role.get(key) for key in ("users", "groups", "channels")):
            yield ("roles", name), "nobody holds this role: name users, groups or channels"
    seen: set[str] = set()
    for place, rule in enumerate(rules):
        if _is_map(rule):
            yield from ((("rules", place, *path), text) for path, text in _faults(rule, roles))
            sentence = rule.get("rule")
            if isinstance(sentence, str) and sentence in seen:
                yield ("rules", place, "rule"), f"two rules are called “{sentence}”"
            seen.add(str(sentence))
    if _is_map(policy):
        yield from _faults_of_approvals(policy.get("approvals"), roles)
        yield from strange_urls(policy)


def _faults_of_approvals(
    approvals: object, roles: Mapping[str, Any]
) -> Iterator[tuple[_Path, str]]:
    for place, approval in enumerate(approvals if isinstance(approvals, (list, tuple)) else ()):
        for key in ("roles", "break_glass") if _is_map(approval) else ():
            for path, text in _unknown_roles(approval, roles, key):
                yield ("approvals", place, *path), text


def _faults(rule: Mapping[str, Any], roles: Mapping[str, Any]) -> Iterator[tuple[_Path, str]]:
    if (rule.get("allow") is None) == (rule.get("deny") is None):
        yield (), "a rule has either “allow” or “deny”, and not both"
    yield from _unknown_roles(rule, roles)


def _unknown_roles(
    entry: Mapping[str, Any], roles: Mapping[str, Any], key: str = "roles"
) -> Iterator[tuple[_Path, str]]:
    names = entry.get(key)
    for number, name in enumerate(names if isinstance(names, (list, tuple)) else ()):
        if isinstance(name, str) and name != EVERYBODY and name not in roles:
            yield (key, number), f"there is no role “{name}”{did_you_mean(name, roles)}"


def _is_map(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """“; did you mean …?”, or nothing when no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean “{near[0]}”?" if near else ""
