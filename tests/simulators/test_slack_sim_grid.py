"""The pretend Slack as one workspace of an organisation: who people are, and what requests name."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from tests.simulators.slack_sim import Slack

ORG = {"id": "E0ORG", "name": "Acme"}
IN_ORG = {"id": "W0SAM", "teams": ["T0TOWN", "T0TWO"]}


def test_somebody_in_an_organisation_is_found_by_either_id(slack: Slack) -> None:
    slack.post("settings", enterprise=ORG)
    slack.post("person", id="U0SAM", enterprise_user=IN_ORG)
    for asked in ("U0SAM", "W0SAM"):
        user = slack.bot.users_info(user=asked)["user"]
        assert user["id"] == "U0SAM"
        assert user["enterprise_user"]["enterprise_id"] == "E0ORG"
        assert user["enterprise_user"].items() >= IN_ORG.items()
    assert "enterprise_user" not in slack.bot.users_info(user="U0KIM")["user"]


def test_groups_list_the_id_that_they_are_told_to(slack: Slack) -> None:
    slack.post("person", id="U0SAM", enterprise_user=IN_ORG)
    slack.post("person", id="U0SAM", listed_as="W0SAM", groups=["S0SRE"])
    assert slack.bot.usergroups_users_list(usergroup="S0SRE")["users"] == ["U0KIM", "W0SAM"]


def test_auth_test_names_the_organisation_that_the_workspace_is_in(slack: Slack) -> None:
    assert "enterprise_id" not in slack.bot.auth_test().data
    slack.post("settings", enterprise=ORG)
    answer = slack.bot.auth_test()
    assert (answer["team_id"], answer["enterprise_id"]) == ("T0TOWN", "E0ORG")
    assert answer["is_enterprise_install"] is False
    slack.post("settings", is_enterprise_install=True)
    answer = slack.bot.auth_test()
    assert (answer["team_id"], answer["enterprise_id"]) == ("E0ORG", "E0ORG")
    assert answer["is_enterprise_install"] is True


def test_over_an_organisation_groups_are_asked_for_in_a_workspace(slack: Slack) -> None:
    slack.post("settings", enterprise=ORG, is_enterprise_install=True)
    found = slack.bot.usergroups_users_list(usergroup="S0SRE", team_id="T0TOWN")
    assert found["users"] == ["U0SAM", "U0KIM"]
    for team_id, error in ((None, "missing_argument"), ("T0TWO", "no_such_subteam")):
        with pytest.raises(SlackApiError) as refused:
            slack.bot.usergroups_users_list(usergroup="S0SRE", team_id=team_id)
        assert refused.value.response["error"] == error


@pytest.mark.parametrize(
    ("path", "wish"),
    [
        ("settings", {"enterprise": {"id": "T0TOWN"}}),
        ("settings", {"enterprise": "E0ORG"}),
        ("person", {"id": "U0SAM", "enterprise_user": "W0SAM"}),
        ("person", {"id": "U0SAM", "listed_as": "W0SAM"}),
        ("person", {"id": "U0SAM", "clicks": {"user_id": "U0KIM"}}),
        ("person", {"id": "U0SAM", "clicks": {"mood": "good"}}),
    ],
    ids=str,
)
def test_an_organisation_that_makes_no_sense_is_not_taken(
    slack: Slack, path: str, wish: dict[str, Any]
) -> None:
    assert slack.control("POST", path, wish).status_code == 400
