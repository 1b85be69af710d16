"""`purgebot policy test`: a table of decisions that the policy is expected to make.

    ana = U0ANA S0EDITORS C0WEB         who somebody is: person, groups, the channel they speak in
    gus = U0GUS guest                   and, for whoever is no full member, what they are
    ana may purge www.example.com hero
    ana may force www.example.com hero after 1 approval
    leo may not purge shop.example.com *

After `#` is a comment.  Of a domain in full; the tag is as in a command, and `*` is every tag: `may`
holds if the person may do it to all of them, `may not` if no rule lets them do it to any.  What
follows `after` is how many people have to approve it first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bot.core.command.parser import check_tag, is_odd, spelt_tag
from bot.core.errors import BotError, InputError
from bot.core.policy.decision import ANYTHING, Actor, Membership, decide, roles_held
from bot.core.policy.document import Policy
from bot.core.policy.fields import EVERYBODY, Action
from bot.core.policy.quorum import needs_of
from bot.core.setup_errors import POLICY_TESTS_INVALID
from bot.core.text.domain_name import normalise_domain

_PERSON = re.compile(r"(?P<name>\S+)\s*=\s*(?P<facts>.*)")
_EXPECTATION = re.compile(
    r"(?P<name>\S+) may (?P<no>not )?(?P<action>\S+) (?P<domain>\S+) (?P<tag>\S+)"
    r"( after (?P<approvals>\d+) approvals?)?"
)


class PolicyTestsInvalid(BotError):
    """The table cannot be read.  The message names every line."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One line of the table: what is expected of the policy."""

    line: int
    text: str
    actor: Actor
    allowed: bool
    action: Action
    domain: str
    tag: str
    approvals: int | None = None

    def difference(self, policy: Policy) -> str | None:
        """Return how the policy decides otherwise, in a sentence; None if it does not."""
        decision = decide(policy, self.actor, self.action, self.domain, self.tag)
        if decision.allowed != self.allowed:
            return decision.sentence
        if not self.allowed:
            return self._permitted_in_part(policy) if self.tag == ANYTHING else None
        needed = needs_of(policy, self.action, self.domain, (self.tag,)).progress(())[1]
        if self.approvals not in {None, needed}:
            return f"It takes {needed} approval{'' if needed == 1 else 's'}."
        return None

    def _permitted_in_part(self, policy: Policy) -> str | None:
        """Return which rule lets the person do this to some tag, or None."""
        if self.actor.membership is not Membership.MEMBER:
            return None
        held = roles_held(policy, self.actor) | {EVERYBODY}
        rules = policy.rules_for(self.action, self.domain)
        mine = [rule for rule in rules if not held.isdisjoint(rule.roles)]
        if any(rule.deny and ANYTHING in rule.tags for rule in mine):
            return None
        return next(
            (f"A rule allows it for some tags: “{each.rule}”." for each in mine if each.allow),
            None,
        )


def read_table(path: Path) -> list[Expectation]:
    """Read the table in a file.  Raises: PolicyTestsInvalid."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
        raise PolicyTestsInvalid(
            POLICY_TESTS_INVALID, source=str(path), mistakes=cause or "it cannot be opened"
        ) from None
    return read_expectations(text, str(path))


def read_expectations(text: str, source: str) -> list[Expectation]:
    """Parse a table.  Raises: PolicyTestsInvalid, with `source` and every line that is wrong."""
    people: dict[str, Actor] = {}
    found: list[Expectation] = []
    wrong: list[str] = []
    for line, content in _lines(text):
        try:
            if person := _PERSON.fullmatch(content):
                actor = _actor(person["facts"])
                if people.setdefault(person["name"], actor) != actor:
                    wrong.append(f"line {line}: “{person['name']}” is somebody else above")
            else:
                found.append(_expectation(line, content, people))
        except InputError as error:
            wrong.append(f"line {line}: {error.info.message}")
        except ValueError as error:
            wrong.append(f"line {line}: {error}")
    if not found and not wrong:
        wrong.append("line 1: nothing is expected here")
    if wrong:
        raise PolicyTestsInvalid(POLICY_TESTS_INVALID, source=source, mistakes="\n".join(wrong))
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers, without comments."""
    for number, line in enumerate(text.splitlines(), start=1):
        if content := " ".join(re.sub(r"(^|\s)#.*", "", line).split()):
            yield number, content


def _actor(facts: str) -> Actor:
    """Raises: ValueError."""
    user, channel, membership = "", None, Membership.MEMBER
    groups: list[str] = []
    for fact in facts.split():
        if fact in set(Membership):
            membership = Membership(fact)
        elif not re.fullmatch("[UWSCGD][A-Z0-9]{2,30}", fact):
            raise ValueError(f"“{fact}” is neither a Slack ID nor one of {', '.join(Membership)}")
        elif fact[0] in "UW" and not user:
            user = fact
        elif fact[0] == "S":
            groups.append(fact)
        elif fact[0] in "CGD" and channel is None:
            channel = fact
        else:
            raise ValueError(f"“{fact}” is one person or channel too many")
    if not user:
        raise ValueError("say which person that is: ana = U0123456")
    return Actor("T", user, membership, frozenset(groups), channel)


def _expectation(line: int, text: str, people: dict[str, Actor]) -> Expectation:
    """Raises: ValueError, InputError."""
    found = _EXPECTATION.fullmatch(text)
    if found is None:
        raise ValueError("write it as: ana may purge www.example.com hero, or: ana = U0123456")
    if found["name"] not in people:
        raise ValueError(f"who is “{found['name']}”? Say so above: {found['name']} = U0123456")
    if found["action"] not in set(Action):
        raise ValueError(f"there is no action “{found['action']}”, only {', '.join(Action)}")
    if found["no"] and found["approvals"]:
        raise ValueError("what nobody may do takes no approvals")
    domain = normalise_domain(found["domain"])
    tag = ANYTHING if found["tag"] == ANYTHING else _tag(found["tag"], domain)
    approvals = int(found["approvals"]) if found["approvals"] else None
    allowed = not found["no"]
    action = Action(found["action"])
    return Expectation(line, text, people[found["name"]], allowed, action, domain, tag, approvals)


def _tag(word: str, domain: str) -> str:
    """Return the tag that a command would take.  Raises: ValueError, InputError."""
    if re.search("[,，]", word):
        raise ValueError(f"“{word}” is several tags: write a line for each")
    tag = spelt_tag(check_tag(word), domain)
    if tag == word and is_odd(word, domain):
        raise ValueError(
            f"“{word}” is not taken as a tag: write one in full, or tag:{word} if that is its name"
        )
    return tag
