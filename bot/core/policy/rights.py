"""What a person may do, to be shown: domains with the limits of each, and an example that is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.policy.decision import Actor, decide_all, domains_for, roles_held
from bot.core.policy.document import Policy, Rule
from bot.core.policy.fields import EVERYBODY, Action, covers_domain

ANY = "*"
MOST_RIGHTS = 40
"""Nobody reads more, and each is compared with all denials."""
_SAMPLE_DOMAIN = "www.example.com"
_SAMPLE_TAGS = ("hero", "banner")
_FILLERS = ("2026", "spring", "one")
"""What stands for the * of a tag pattern in an example."""


@dataclass(frozen=True, slots=True)
class Right:
    """A domain pattern, the tag patterns that are allowed there, and what is denied.

    `denied` has pairs of a domain pattern and tag patterns.
    """

    domain: str
    tags: tuple[str, ...]
    denied: tuple[tuple[str, tuple[str, ...]], ...] = ()


def rights_of(policy: Policy, actor: Actor, action: Action) -> tuple[Right, ...]:
    """Return what the actor may do, by domain pattern, in rule order: the first MOST_RIGHTS."""
    mine = _rules_of(policy, actor, action)
    return tuple(
        Right(
            pattern,
            tuple(dict.fromkeys(_tags_for(mine, pattern))),
            tuple(dict.fromkeys(_denials_for(mine, pattern))),
        )
        for pattern in domains_for(policy, actor, action)[:MOST_RIGHTS]
    )


def example_of(policy: Policy, actor: Actor, action: Action) -> tuple[str, tuple[str, ...]] | None:
    """Return a domain and tags for which the actor may do this, or None if none was found."""
    for right in rights_of(policy, actor, action):
        for domain in _sample_domains(policy, right.domain):
            tags = _SAMPLE_TAGS if ANY in right.tags else ()
            for some in filter(None, (tags, *((tag,) for tag in _sample_tags(right.tags)))):
                if decide_all(policy, actor, action, domain, some).allowed:
                    return domain, some
    return None


def _rules_of(policy: Policy, actor: Actor, action: Action) -> list[Rule]:
    held = roles_held(policy, actor) | {EVERYBODY}
    return [r for r in policy.rules if action in r.actions and not held.isdisjoint(r.roles)]


def _tags_for(rules: list[Rule], pattern: str) -> Iterator[str]:
    covering = [r for r in rules if r.allow and covers_domain(r.domains, pattern)]
    tags = [tag for rule in covering for tag in rule.tags]
    yield from (ANY,) if ANY in tags else tags


def _denials_for(rules: list[Rule], pattern: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for rule in rules:
        for denied in rule.domains if rule.deny else ():
            if covers_domain([denied], pattern) or covers_domain([pattern], denied):
                yield denied, rule.tags


def _sample_domains(policy: Policy, pattern: str) -> Iterator[str]:
    """Yield domains of a pattern: itself, those that the rules name, or one made from it."""
    if "*" not in pattern:
        yield pattern
        return
    named = (domain for rule in policy.rules for domain in rule.domains if "*" not in domain)
    yield from (domain for domain in dict.fromkeys(named) if covers_domain([pattern], domain))
    yield _SAMPLE_DOMAIN if pattern == ANY else f"www.{pattern.removeprefix('*.')}"


def _sample_tags(patterns: tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        yield from (pattern.replace("*", filler) for filler in _FILLERS)
