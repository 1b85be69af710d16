"""Who somebody is, from what Slack says of them; in doubt nobody has rights."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.policy import Standing
from handlers.people import standing_of

HOME, OTHER = "T0HOME", "T0OTHER"
GRID = {"enterprise_user": {"enterprise_id": "E0", "teams": [HOME, "T0SECOND"]}}


def standing(user: dict[str, Any], pressed_from: str = HOME) -> Standing:
    return standing_of({"id": "U0ANA", "team_id": HOME, **user}, HOME, pressed_from)


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({}, Standing.MEMBER),
        ({"deleted": False, "is_bot": False, "is_restricted": False}, Standing.MEMBER),
        ({"is_admin": True}, Standing.MEMBER),
        ({"is_owner": True, "is_primary_owner": True}, Standing.MEMBER),
        ({"deleted": True}, Standing.DELETED),
        ({"deleted": True, "is_admin": True}, Standing.DELETED),
        ({"is_bot": True}, Standing.BOT),
        ({"is_workflow_bot": True}, Standing.BOT),
        ({"is_restricted": True}, Standing.GUEST),
        ({"is_restricted": True, "is_ultra_restricted": True}, Standing.GUEST),
        ({"is_ultra_restricted": True}, Standing.GUEST),
        ({"is_restricted": True, "is_admin": True}, Standing.GUEST),
        ({"is_invited_user": True}, Standing.UNKNOWN),
        ({"is_stranger": True}, Standing.OUTSIDER),
        ({"team_id": OTHER}, Standing.OUTSIDER),
        ({"team_id": OTHER, "is_restricted": True}, Standing.OUTSIDER),
        ({"team_id": None}, Standing.OUTSIDER),
        ({"team_id": ""}, Standing.OUTSIDER),
        ({"team_id": OTHER, "enterprise_user": None}, Standing.OUTSIDER),
        ({"team_id": OTHER, "enterprise_user": {}}, Standing.OUTSIDER),
        ({"team_id": OTHER, **GRID}, Standing.MEMBER),
        ({"team_id": OTHER, "enterprise_user": {"teams": [OTHER]}}, Standing.OUTSIDER),
    ],
    ids=str,
)
def test_standing_follows_what_slack_says(user: dict[str, Any], expected: Standing) -> None:
    assert standing(user) is expected


@pytest.mark.parametrize(
    ("user", "pressed_from", "expected"),
    [
        ({}, HOME, Standing.MEMBER),
        ({}, OTHER, Standing.OUTSIDER),
        ({}, "", Standing.OUTSIDER),
        ({"team_id": OTHER}, OTHER, Standing.OUTSIDER),
        ({"team_id": OTHER}, HOME, Standing.OUTSIDER),
        (GRID, "T0SECOND", Standing.MEMBER),
        (GRID, OTHER, Standing.OUTSIDER),
    ],
    ids=str,
)
def test_slack_and_the_press_must_name_the_same_workspace(
    user: dict[str, Any], pressed_from: str, expected: Standing
) -> None:
    assert standing(user, pressed_from) is expected


def test_an_answer_without_a_workspace_gives_no_rights() -> None:
    assert standing_of({}, HOME, HOME) is not Standing.MEMBER
    assert standing_of({"team_id": None}, HOME, "") is not Standing.MEMBER
