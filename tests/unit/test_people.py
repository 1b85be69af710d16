"""Who somebody is, from what Slack says of them; in doubt nobody has rights."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.policy.decision import Membership
from bot.slack.installation import Installation, Person

HOME, SECOND, OTHER = "T0HOME", "T0SECOND", "T0OTHER"
ORG, OTHER_ORG = "E0", "E0OTHER"
GRID = {"enterprise_user": {"id": "W0ANA", "enterprise_id": ORG, "teams": [HOME, SECOND]}}
ELSEWHERE = {
    "team_id": SECOND,
    "enterprise_user": {"id": "W0ANA", "enterprise_id": ORG, "teams": [SECOND]},
}
FOREIGN = {
    "team_id": OTHER,
    "enterprise_user": {"id": "W0ANA", "enterprise_id": OTHER_ORG, "teams": [OTHER]},
}

WORKSPACE = Installation(HOME)
IN_GRID = Installation(HOME, ORG)
OVER_ORG = Installation(ORG, ORG, is_org=True)


def membership(
    user: dict[str, Any], pressed_from: str | None = HOME, ours: Installation = WORKSPACE
) -> Membership:
    person = Person.of({"id": "U0ANA", "team_id": HOME, **user}, "U0ANA", ours)
    return person.membership_at(pressed_from, ours)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, Membership.MEMBER),
        ({"deleted": False, "is_bot": False, "is_restricted": False}, Membership.MEMBER),
        ({"is_admin": True}, Membership.MEMBER),
        ({"is_owner": True, "is_primary_owner": True}, Membership.MEMBER),
        ({"deleted": True}, Membership.DELETED),
        ({"deleted": True, "is_admin": True}, Membership.DELETED),
        ({"is_bot": True}, Membership.BOT),
        ({"is_workflow_bot": True}, Membership.BOT),
        ({"is_restricted": True}, Membership.GUEST),
        ({"is_restricted": True, "is_ultra_restricted": True}, Membership.GUEST),
        ({"is_ultra_restricted": True}, Membership.GUEST),
        ({"is_restricted": True, "is_admin": True}, Membership.GUEST),
        ({"is_invited_user": True}, Membership.UNKNOWN),
        ({"is_stranger": True}, Membership.OUTSIDER),
        ({"team_id": OTHER}, Membership.OUTSIDER),
        ({"team_id": OTHER, "is_restricted": True}, Membership.OUTSIDER),
        ({"team_id": None}, Membership.OUTSIDER),
        ({"team_id": ""}, Membership.OUTSIDER),
        ({"team_id": OTHER, "enterprise_user": None}, Membership.OUTSIDER),
        ({"team_id": OTHER, "enterprise_user": {}}, Membership.OUTSIDER),
        ({"team_id": OTHER, **GRID}, Membership.MEMBER),
        ({"team_id": OTHER, "enterprise_user": {"teams": [OTHER]}}, Membership.OUTSIDER),
        ({"enterprise_user": {"enterprise_id": ORG, "teams": None}}, Membership.MEMBER),
    ],
    ids=str,
)
def test_standing_follows_what_slack_says(user: dict[str, Any], expected: Membership) -> None:
    assert membership(user) is expected


@pytest.mark.parametrize(
    ("user", "pressed_from", "expected"),
    [
        ({}, HOME, Membership.MEMBER),
        ({}, OTHER, Membership.OUTSIDER),
        ({}, ORG, Membership.OUTSIDER),
        ({}, "", Membership.OUTSIDER),
        ({"team_id": OTHER}, OTHER, Membership.OUTSIDER),
        ({"team_id": OTHER}, HOME, Membership.OUTSIDER),
        ({"is_restricted": True}, OTHER, Membership.OUTSIDER),
        (GRID, SECOND, Membership.MEMBER),
        (GRID, ORG, Membership.MEMBER),
        (GRID, OTHER, Membership.OUTSIDER),
        (GRID, OTHER_ORG, Membership.OUTSIDER),
        (GRID, "", Membership.OUTSIDER),  # auth.test did not tell of an organisation
    ],
    ids=str,
)
def test_slack_and_the_press_must_name_the_same_workspace(
    user: dict[str, Any], pressed_from: str, expected: Membership
) -> None:
    assert membership(user, pressed_from) is expected


@pytest.mark.parametrize("pressed_from", [HOME, SECOND, ORG, "", None])
@pytest.mark.parametrize(
    ("ours", "user", "expected"),
    [
        (IN_GRID, GRID, Membership.MEMBER),
        (IN_GRID, {"team_id": SECOND, **GRID}, Membership.MEMBER),
        (IN_GRID, {"team_id": ORG, **GRID}, Membership.MEMBER),
        (IN_GRID, {**GRID, "is_restricted": True}, Membership.GUEST),
        (IN_GRID, {**GRID, "is_stranger": True}, Membership.OUTSIDER),
        (IN_GRID, {**GRID, "deleted": True}, Membership.DELETED),
        (IN_GRID, ELSEWHERE, Membership.OUTSIDER),
        (IN_GRID, FOREIGN, Membership.OUTSIDER),
        (OVER_ORG, GRID, Membership.MEMBER),
        (OVER_ORG, {**GRID, "is_ultra_restricted": True}, Membership.GUEST),
        (OVER_ORG, {**GRID, "is_bot": True}, Membership.BOT),
        (OVER_ORG, {**GRID, "is_invited_user": True}, Membership.UNKNOWN),
        (OVER_ORG, FOREIGN, Membership.OUTSIDER),
        (OVER_ORG, {"team_id": OTHER}, Membership.OUTSIDER),
    ],
    ids=str,
)
def test_wherever_in_the_organisation_somebody_presses_they_are_who_they_are(
    ours: Installation, user: dict[str, Any], expected: Membership, pressed_from: str | None
) -> None:
    assert membership(user, pressed_from, ours) is expected


@pytest.mark.parametrize("pressed_from", [SECOND, ORG, "", None])
def test_over_an_organisation_members_of_every_workspace_count(pressed_from: str | None) -> None:
    assert membership(ELSEWHERE, pressed_from, OVER_ORG) is Membership.MEMBER
    assert membership(ELSEWHERE, OTHER, OVER_ORG) is Membership.OUTSIDER


def test_our_workspace_in_another_organisation_is_a_contradiction() -> None:
    contradiction = {"enterprise_user": {"enterprise_id": OTHER_ORG, "teams": [HOME]}}
    assert membership(contradiction, HOME, IN_GRID) is Membership.OUTSIDER
    assert membership(contradiction, HOME, OVER_ORG) is Membership.OUTSIDER


def test_an_answer_without_a_workspace_gives_no_rights() -> None:
    for ours in (WORKSPACE, IN_GRID, OVER_ORG):
        for user in ({}, {"team_id": None}, {"enterprise_user": {"teams": [""]}}):
            for claim in (HOME, "", None):
                said = Person.of(user, "U0ANA", ours).membership_at(claim, ours)
                assert said is Membership.OUTSIDER


@pytest.mark.parametrize(
    ("asked", "user", "ids"),
    [
        ("U0ANA", {"id": "U0ANA"}, ("U0ANA",)),
        ("U0ANA", {"id": "U0ANA", **GRID}, ("U0ANA", "W0ANA")),
        ("W0ANA", {"id": "U0ANA", **GRID}, ("U0ANA", "W0ANA")),
        ("W0ANA", {"id": "W0ANA", **GRID}, ("W0ANA",)),
        ("U0ANA", {"id": "W0ANA", "enterprise_user": {}}, ("U0ANA", "W0ANA")),
        ("U0ANA", {}, ("U0ANA",)),
    ],
    ids=str,
)
def test_somebody_has_all_the_ids_that_slack_names(
    asked: str, user: dict[str, Any], ids: tuple[str, ...]
) -> None:
    assert Person.of(user, asked, IN_GRID).ids == set(ids)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"team_id": HOME, "is_enterprise_install": False}, WORKSPACE),
        ({"team_id": HOME, "enterprise_id": ORG}, IN_GRID),
        ({"team_id": ORG, "enterprise_id": ORG, "is_enterprise_install": True}, OVER_ORG),
        ({"team_id": ORG, "is_enterprise_install": True}, OVER_ORG),
        ({"team_id": HOME, "enterprise_id": None, "is_enterprise_install": True}, WORKSPACE),
    ],
    ids=str,
)
def test_the_installation_is_what_auth_test_says(
    answer: dict[str, Any], expected: Installation
) -> None:
    assert Installation.of(answer) == expected


@pytest.mark.parametrize("odd", [[ORG], {"id": ORG}, 1])
def test_an_organisation_that_auth_test_names_oddly_is_nobodys(odd: object) -> None:
    ours = Installation.of({"team_id": HOME, "enterprise_id": odd})
    assert ours.is_named_by(HOME, ORG)
    assert not ours.is_named_by(SECOND, ORG)


@pytest.mark.parametrize(
    ("ours", "team_id", "enterprise_id", "named"),
    [
        (WORKSPACE, HOME, None, True),
        (WORKSPACE, SECOND, ORG, False),
        (WORKSPACE, None, None, False),
        (IN_GRID, SECOND, ORG, True),
        (IN_GRID, ORG, None, True),
        (IN_GRID, SECOND, None, False),
        (IN_GRID, OTHER, OTHER_ORG, False),
        (OVER_ORG, None, ORG, True),
        (OVER_ORG, OTHER, OTHER_ORG, False),
        (Installation(""), "", "", False),
    ],
    ids=str,
)
def test_a_request_is_ours_if_it_names_our_workspace_or_our_organisation(
    ours: Installation, team_id: str | None, enterprise_id: str | None, named: bool
) -> None:
    assert ours.is_named_by(team_id, enterprise_id) is named
