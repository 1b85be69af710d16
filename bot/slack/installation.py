"""Where the app is installed, and who is a member there.

    In one workspace    its full members, even if they click in another workspace of its organisation
    In an organisation (Enterprise Grid)        full members of any of its workspaces

The place of a click proves nothing about a person: it may name another workspace of theirs, or the
organisation.  It is only compared with the answer of `users.info`; `docs/operate.md` has the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from bot.core.policy.decision import Membership


@dataclass(frozen=True, slots=True)
class Installation:
    """The owner of the bot's token: a workspace (`T…`), or an organisation (`E…`).

    `enterprise_id` is the organisation of the workspace, if there is one.
    """

    team_id: str
    enterprise_id: str | None = None
    is_org: bool = False

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Installation:
        """Read the answer of `auth.test`."""
        team_id, enterprise_id = (
            str(answer.get(name) or "") for name in ("team_id", "enterprise_id")
        )
        is_org = bool(answer.get("is_enterprise_install"))
        if is_org and not enterprise_id and team_id.startswith("E"):
            enterprise_id = team_id
        return cls(team_id, enterprise_id or None, is_org and bool(enterprise_id))

    @property
    def id(self) -> str:
        """The ID that requests are stored with, from whichever workspace they came."""
        return self.enterprise_id if self.is_org and self.enterprise_id else self.team_id

    def is_named_by(self, team_id: str | None, enterprise_id: str | None) -> bool:
        """Return whether a request from Slack with these IDs is for this installation."""
        named = {team_id, enterprise_id} - {None, ""}
        return self.team_id in named or self.enterprise_id in named


class _InGrid(BaseModel):
    id: str | None = None
    enterprise_id: str | None = None
    teams: list[str] | None = None


class _User(BaseModel):
    id: str | None = None
    team_id: str | None = None
    enterprise_user: _InGrid | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A person as Slack describes them.

    `ids`: the ID that was looked up, and the other IDs of the person.  `teams`: the workspaces they
    are in.  `membership`: their relation to the installation, independent of any click.
    """

    ids: frozenset[str]
    membership: Membership
    teams: frozenset[str] = frozenset()
    enterprise_id: str | None = None

    @classmethod
    def of(cls, user: Mapping[str, Any], asked: str, ours: Installation) -> Person:
        """Read the user object of `users.info`.  Missing fields give no rights.

        Raises: ValueError if an ID is no text.
        """
        read = _User.model_validate(user)
        grid = read.enterprise_user or _InGrid()
        enterprise_id = grid.enterprise_id or None
        ids = frozenset(each for each in (asked, read.id, grid.id) if each)
        teams = frozenset(team for team in (read.team_id, *(grid.teams or ())) if team)
        belongs = _belongs(teams, enterprise_id, ours) and not user.get("is_stranger")
        return cls(ids, _membership(user, belongs=belongs), teams, enterprise_id)

    def membership_at(self, claim: str | None, ours: Installation) -> Membership:
        """Return the membership of a person whose click names the workspace `claim`.

        `claim` is None if there is no click.  A click that names a workspace unknown to
        `users.info` is an outsider's.  A click that names none ("") counts only within the
        installation's organisation, where that is usual.
        """
        if claim is None or self.membership not in {Membership.MEMBER, Membership.GUEST}:
            return self.membership
        if claim == "":
            fits = self.enterprise_id is not None and self.enterprise_id == ours.enterprise_id
        else:
            fits = claim in self.teams or claim == self.enterprise_id
        return self.membership if fits else Membership.OUTSIDER


def _belongs(teams: frozenset[str], enterprise_id: str | None, ours: Installation) -> bool:
    if enterprise_id and ours.enterprise_id and enterprise_id != ours.enterprise_id:
        return False
    return bool(enterprise_id) if ours.is_org else ours.team_id in teams


def _membership(user: Mapping[str, Any], *, belongs: bool) -> Membership:
    if user.get("deleted"):
        return Membership.DELETED
    if user.get("is_bot") or user.get("is_workflow_bot"):
        return Membership.BOT
    if not belongs:
        return Membership.OUTSIDER
    if user.get("is_restricted") or user.get("is_ultra_restricted"):
        return Membership.GUEST
    if user.get("is_invited_user"):
        return Membership.UNKNOWN
    return Membership.MEMBER
