"""The document of the policy: roles, rules, and the validation of each.

    policy ─┬─ roles      a name → title, and who holds it: users, groups, channels
            ├─ rules      a sentence, roles, allow or deny: actions, domains, tags
            ├─ approvals  when others must approve first: `bot.core.policy.approval_rules`
            ├─ peak hours when the origin has the most traffic: the same module
            ├─ proofs     URLs that are requested before and after: `bot.core.policy.edge_checks`
            └─ max tags   the maximum number of tags of a forced request

    domains  www.example.com     exactly this domain
             *.example.com       every subdomain, at any depth, but not the domain itself
             *                   every domain
    tags     hero   campaign-*   only * is special: any characters, or none

`bot.core.policy.tag_rules` defines how patterns are compared with tags, exactly or widely.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache, wraps
from itertools import islice
from typing import Annotated, Any, Literal, Self, TypeGuard, TypeVar, TypeVarTuple

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from bot.core.policy.approval_rules import (
    ApprovalRule,
    ChannelId,
    Entry,
    GroupId,
    PeakHours,
    one_of_each_faults,
)
from bot.core.policy.edge_checks import MAX_URLS, Proof, strange_urls
from bot.core.policy.fields import (
    EVERYBODY,
    Action,
    DomainPattern,
    RoleNames,
    Sentence,
    TagPattern,
    covers_domain,
    slack_id,
    valid_name,
)
from bot.core.policy.tag_rules import TagPatterns

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
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
    def _tag_patterns(self) -> TagPatterns:
        return TagPatterns(self.tags)

    def covers_tag(self, tag: str) -> bool:
        """Return whether it holds for this tag; a deny rule for all that the tag may mean."""
        return self._tag_patterns.cover(tag) if self.deny else self._tag_patterns.fit(tag)


def remembered(method: Callable[[Policy, *Ts], T]) -> Callable[[Policy, *Ts], T]:
    """Have each policy remember what this function of it returned last, by its other arguments.

    One purge asks for the same rules a dozen times.
    """
    name = f"_last_{method.__name__}"

    @wraps(method)
    def remembered(self: Policy, *args: *Ts) -> T:
        last: Any = vars(self).get(name)
        if last is None:
            last = vars(self)[name] = lru_cache(maxsize=512)(lambda *args: method(self, *args))
        found: T = last(*args)
        return found

    return remembered


class Policy(Entry):
    """All roles, rules, approvals and peak hours.  Their order decides nothing."""

    version: Literal[1]
    roles: Mapping[Annotated[str, AfterValidator(valid_name)], Role] = Field(default_factory=dict)
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    approvals: tuple[ApprovalRule, ...] = ()
    peak_hours: tuple[PeakHours, ...] = ()
    proofs: tuple[Proof, ...] = ()
    max_tags: Annotated[int, Field(ge=1)] = 100
    """The maximum number of tags of a forced request: no more than an approver can read."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        written = self.model_dump(exclude_unset=True)
        if sentences := "; ".join(sentence for _, sentence in whole_faults(written)):
            raise PydanticCustomError(WHOLE_FAULT, "{sentences}", {"sentences": sentences})
        return self

    @remembered
    def rules_for(self, action: Action, domain: str) -> tuple[Rule, ...]:
        """Return the rules for `action` that cover `domain`.  Only these add to the cost."""
        labels = domain.split(".")
        patterns = [domain, "*", *("*." + ".".join(labels[n:]) for n in range(1, len(labels)))]
        places = {place for pattern in patterns for place in self._index.get((action, pattern), ())}
        return tuple(self.rules[place] for place in sorted(places))

    @remembered
    def approvals_for(self, action: Action, domain: str) -> tuple[ApprovalRule, ...]:
        """Return the approval rules about `action` for `domain`."""
        return tuple(each for each in self.approvals if each.is_about(action, domain))

    @remembered
    def groups_for(self, domain: str) -> tuple[str, ...]:
        """Return the user groups, sorted, that any rule or approval for this domain depends on."""
        rules = (rule for action in Action for rule in self.rules_for(action, domain))
        names = {role for rule in rules for role in rule.roles}
        for approval in self.approvals:
            if covers_domain(approval.domains, domain):
                names |= {*(approval.roles or ()), *(approval.break_glass or ())}
        roles = (self.roles[name] for name in names - {EVERYBODY})
        return tuple(sorted({group for role in roles for group in role.groups}))

    @remembered
    def tags_named(self, domain: str) -> frozenset[str]:
        """Return the tags without * in the rules for purging this domain."""
        rules = (*self.rules_for(Action.PURGE, domain), *self.rules_for(Action.FORCE, domain))
        return frozenset(tag for rule in rules for tag in rule.tags if "*" not in tag)

    def proof_urls(self, domain: str, tags: Iterable[str]) -> tuple[str, ...]:
        """Return the URLs that show the effect of a purge of these tags, at most MAX_URLS."""
        asked = tuple(tags)
        found = (url for proof in self.proofs for url in proof.urls_for(domain, asked))
        return tuple(dict.fromkeys(found))[:MAX_URLS]

    def roles_of(self, ids: Iterable[str]) -> frozenset[str]:
        """Return the names of the roles that a person with these Slack IDs holds."""
        return frozenset(role for slack_id in ids for role in self._roles_by_id.get(slack_id, ()))

    def titles_of(self, roles: Iterable[str]) -> tuple[str, ...]:
        """Return the titles of these roles, without "*"."""
        return tuple(self.roles[role].title for role in roles if role != EVERYBODY)

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
    "approvals": ApprovalRule,
    "peak_hours": PeakHours,
    "proofs": Proof,
}
"""The models of the entries under each key of the file."""
WHOLE_FAULT = "whole_fault"
MOST_TOLD = 100
"""How many mistakes are told at once: nobody reads more, and each takes its time to put into words."""
MOST_GUESSED_AMONG = 500
"""With more words than that a guess would take too long."""
_Path = tuple[str | int, ...]


def whole_faults(policy: Any) -> Iterator[tuple[_Path, str]]:
    """Yield the errors that no single field can detect, as (path, sentence), at most MOST_TOLD + 1.

    `policy` has plain values that are not validated yet.  Other errors in them are ignored here,
    because the models report them.
    """
    return islice(_whole_faults(policy), MOST_TOLD + 1)


def _whole_faults(policy: Any) -> Iterator[tuple[_Path, str]]:
    if not _is_map(policy):
        return
    roles, rules = policy.get("roles") or {}, policy.get("rules")
    if not _is_map(roles) or not isinstance(rules, (list, tuple)):
        return
    for name, role in roles.items():
        if _is_map(role) and not any(role.get(key) for key in ("users", "groups", "channels")):
            yield ("roles", name), "nobody holds this role: name users, groups or channels"
    seen: set[str] = set()
    for place, rule in _maps_in(rules):
        if (rule.get("allow") is None) == (rule.get("deny") is None):
            yield ("rules", place), "a rule has either “allow” or “deny”, and not both"
        yield from _unknown_roles(rule.get("roles"), roles, "rules", place, "roles")
        sentence = rule.get("rule")
        if isinstance(sentence, str) and sentence in seen:
            yield ("rules", place, "rule"), f"two rules are called “{sentence}”"
        seen.add(str(sentence))
    yield from _faults_of_approvals(policy.get("approvals"), roles)
    yield from strange_urls(policy.get("proofs"))


def _faults_of_approvals(
    approvals: object, roles: Mapping[str, Any]
) -> Iterator[tuple[_Path, str]]:
    for place, approval in _maps_in(approvals):
        for key in ("roles", "break_glass"):
            yield from _unknown_roles(approval.get(key), roles, "approvals", place, key)
        for path, text in one_of_each_faults(approval):
            yield ("approvals", place, *path), text


def _unknown_roles(
    names: object, roles: Mapping[str, Any], *path: str | int
) -> Iterator[tuple[_Path, str]]:
    for number, name in enumerate(names if isinstance(names, (list, tuple)) else ()):
        if isinstance(name, str) and name != EVERYBODY and name not in roles:
            yield (*path, number), f"there is no role “{name}”{did_you_mean(name, roles)}"


def _maps_in(entries: object) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the mappings in a list, with their indexes."""
    for place, entry in enumerate(entries if isinstance(entries, (list, tuple)) else ()):
        if _is_map(entry):
            yield place, entry


def _is_map(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return “; did you mean …?”, or "" if no known word is similar or there are very many."""
    words = list(islice(known, MOST_GUESSED_AMONG + 1))
    if len(words) > MOST_GUESSED_AMONG:
        return ""
    near = difflib.get_close_matches(word, words, n=1)
    return f"; did you mean “{near[0]}”?" if near else ""
