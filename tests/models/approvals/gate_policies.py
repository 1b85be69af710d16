"""The policies of `tests.models.approvals.gate_town`, each written twice, as in `tests.models.approvals.approval_policies`.

Here what is asked for depends on the tags, and plain purges may take approval too.  Whose groups are
asked about is a full member; everybody else may do nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.models.approvals.approval_policies import APPROVE, EDITORS, LEADS, ROLES, SRE, Groups

Tags = frozenset[str]


def is_price(tag: str) -> bool:
    return tag.startswith("price-")


def _any_tag(tag: str) -> bool:
    return True


def _purges(groups: Groups, tags: Tags) -> bool:
    return bool(groups & {EDITORS, SRE}) or (LEADS in groups and all(map(is_price, tags)))


def _decides(groups: Groups, tags: Tags) -> bool:
    return bool(groups & {SRE, LEADS})


def _decides_narrowly(groups: Groups, tags: Tags) -> bool:
    each = all((LEADS if is_price(tag) else SRE) in groups for tag in tags)
    return each and EDITORS not in groups


@dataclass(frozen=True)
class Demand:
    """So many others, of these groups (None: whoever may approve), and who need not wait for them
    (None: everybody).  `forced_only`: a plain purge is not asked about.  `required`: or else it says
    that nobody is asked.
    """

    count: int = 1
    of: Groups | None = None
    on: Callable[[str], bool] = _any_tag
    forced_only: bool = True
    required: bool = True
    undo_s: float = 0
    expires_s: float = 30 * 60
    breakers: Groups | None = frozenset()

    def satisfied_by(self, approvals: Sequence[Groups]) -> bool:
        return sum(self.of is None or bool(self.of & one) for one in approvals) >= self.count

    def breaks(self, groups: Groups) -> bool:
        return self.breakers is None or bool(self.breakers & groups)


@dataclass(frozen=True)
class GateLaw:
    """One policy, as questions about the tags of one purge."""

    name: str
    text: str
    asked: tuple[Demand, ...] = ()
    purges: Callable[[Groups, Tags], bool] = _purges
    decides: Callable[[Groups, Tags], bool] = _decides

    def demands(self, tags: Tags, *, force: bool) -> list[Demand]:
        """Give what others have to say yes to; a forced purge of what nothing is said of takes one."""
        found: list[Demand] = []
        for tag in tags:
            about = [
                each for each in self.asked if each.on(tag) and (force or not each.forced_only)
            ]
            if force and not about:
                about = [Demand()]
            found += [each for each in about if each.required]
        return found

    def undo_s(self, tags: Tags, *, force: bool) -> float:
        return max((each.undo_s for each in self.demands(tags, force=force)), default=0)

    def expires_s(self, tags: Tags, *, force: bool) -> float:
        return min((each.expires_s for each in self.demands(tags, force=force)), default=30 * 60)

    def __repr__(self) -> str:
        return self.name


_THEY_PURGE = """\
  - {rule: They purge, roles: [editors, sre], allow: [purge, force], domains: ["*"]}
  - rule: Leads purge prices
    roles: [leads]
    allow: [purge, force]
    domains: ["*"]
    tags: ["price-*"]
"""
_RIGHTS = ROLES + _THEY_PURGE + APPROVE
_GATE = _RIGHTS + "approvals:\n"

_GATE_LAWS = (
    GateLaw("SILENT", _RIGHTS),
    GateLaw(
        "COUNT",
        _GATE
        + """
  - approval: Two of SRE
    domains: ["*"]
    roles: [sre]
    count: 2
    expires_after: 10m
    undo: 20s
    break_glass: [editors]
""",
        (Demand(2, frozenset({SRE}), undo_s=20, expires_s=600, breakers=frozenset({EDITORS})),),
    ),
    GateLaw(
        "BOTH",
        _GATE
        + """
  - {approval: One of SRE, domains: ["*"], roles: [sre], break_glass: "*"}
  - approval: One of the leads for prices
    domains: ["*"]
    tags: ["price-*"]
    roles: [leads]
    undo: 40s
    break_glass: [leads]
""",
        (
            Demand(1, frozenset({SRE}), breakers=None),
            Demand(1, frozenset({LEADS}), on=is_price, undo_s=40, breakers=frozenset({LEADS})),
        ),
    ),
    GateLaw(
        "ALL",
        _GATE
        + """
  - approval: Whatever it is
    actions: [purge, force]
    domains: ["*"]
    undo: 200s
    break_glass: "*"
""",
        (Demand(forced_only=False, undo_s=200, breakers=None),),
    ),
    GateLaw(
        "SOME",
        _GATE
        + """
  - approval: Nobody is asked for the front
    actions: [purge, force]
    domains: ["*"]
    tags: [hero]
    required: no
  - approval: Two for prices, by force or not
    actions: [purge, force]
    domains: ["*"]
    tags: ["price-*"]
    count: 2
""",
        (
            Demand(on=lambda tag: tag == "hero", forced_only=False, required=False),
            Demand(2, on=is_price, forced_only=False),
        ),
    ),
    GateLaw(
        "NARROW",
        ROLES
        + _THEY_PURGE
        + """\
  - {rule: SRE approves the front, roles: [sre], allow: [approve], domains: ["*"], tags: [hero]}
  - rule: Leads approve prices
    roles: [leads]
    allow: [approve]
    domains: ["*"]
    tags: ["price-*"]
  - {rule: Editors never approve, roles: [editors], deny: [approve], domains: ["*"]}
""",
        decides=_decides_narrowly,
    ),
)
GATE_LAWS = {law.name: law for law in _GATE_LAWS}
