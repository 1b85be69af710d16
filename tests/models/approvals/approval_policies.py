"""A few policies, each written twice: as the file that the bot reads, and as plain questions.

    groups ──► roles   S0EDITORS editors, S0SRE sre, S0MARKETING leads

The questions were worked out by hand from what the file promises, and share no code with the bot.
Whose groups are asked about is a full member; everybody else may do nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Groups = frozenset[str]

EDITORS, SRE, LEADS = "S0EDITORS", "S0SRE", "S0MARKETING"

ROLES = """
version: 1
roles:
  editors: {title: Editors, groups: [S0EDITORS]}
  sre: {title: SRE, groups: [S0SRE]}
  leads: {title: Leads, groups: [S0MARKETING]}
rules:
"""
_FORCE = '  - {rule: They force, roles: [editors, sre], allow: [purge, force], domains: ["*"]}\n'
APPROVE = '  - {rule: They approve, roles: [sre, leads], allow: [approve], domains: ["*"]}\n'


def _one(approvals: Sequence[Groups]) -> bool:
    return len(approvals) >= 1


def _nobody(groups: Groups) -> bool:
    return False


@dataclass(frozen=True)
class Law:
    """One policy.  The questions take the groups that somebody is in at that moment.

    `enough` takes those of different people, none of them the requester, each of whom `decides`.
    """

    name: str
    text: str
    forces: Callable[[Groups], bool] = lambda groups: EDITORS in groups or SRE in groups
    decides: Callable[[Groups], bool] = lambda groups: SRE in groups or LEADS in groups
    enough: Callable[[Sequence[Groups]], bool] = _one
    breaks_glass: Callable[[Groups], bool] = _nobody
    asks_nobody: bool = False
    expires_s: float = 30 * 60
    undo_s: float = 0

    def __repr__(self) -> str:
        return self.name


def _each(approvals: Sequence[Groups]) -> bool:
    """One person of SRE and another of the leads."""
    return any(
        SRE in one and LEADS in other
        for place, one in enumerate(approvals)
        for there, other in enumerate(approvals)
        if place != there
    )


ONE = Law("ONE", ROLES + _FORCE + APPROVE)
TWO = Law(
    "TWO",
    ROLES
    + _FORCE
    + APPROVE
    + """
approvals:
  - approval: Two say yes
    domains: ["*"]
    count: 2
    expires_after: 10m
    undo: 200s
    break_glass: [editors]
""",
    enough=lambda approvals: len(approvals) >= 2,
    breaks_glass=lambda groups: EDITORS in groups,
    expires_s=10 * 60,
    undo_s=200,
)
EACH = Law(
    "EACH",
    ROLES
    + _FORCE
    + APPROVE
    + """
approvals:
  - approval: One of each
    domains: ["*"]
    roles: [sre, leads]
    one_of_each: true
    undo: 200s
    break_glass: [sre, leads]
""",
    enough=_each,
    breaks_glass=lambda groups: SRE in groups or LEADS in groups,
    undo_s=200,
)
UNDO = Law(
    "UNDO",
    ROLES
    + _FORCE
    + APPROVE
    + """
  - {rule: Editors never approve, roles: [editors], deny: [approve], domains: ["*"]}
approvals:
  - approval: One of SRE, and a while to think
    domains: ["*"]
    roles: [sre]
    undo: 200s
""",
    decides=lambda groups: SRE in groups and EDITORS not in groups,
    undo_s=200,
)
STRICT = Law(
    "STRICT",
    ROLES
    + """
  - {rule: SRE forces, roles: [sre], allow: [purge, force], domains: ["*"]}
  - {rule: Leads approve, roles: [leads], allow: [approve], domains: ["*"]}
approvals:
  - {approval: Time to think, domains: ["*"], undo: 200s}
""",
    forces=lambda groups: SRE in groups,
    decides=lambda groups: LEADS in groups,
    undo_s=200,
)
FREE = Law(
    "FREE",
    ROLES
    + _FORCE
    + APPROVE
    + """
approvals:
  - {approval: Nobody is asked, domains: ["*"], required: no}
""",
    asks_nobody=True,
)
LAWS = {law.name: law for law in (ONE, TWO, EACH, UNDO, STRICT, FREE)}
BROKEN = "version: 1\nroles: [this is no policy\n"
