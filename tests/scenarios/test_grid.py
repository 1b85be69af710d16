"""An Enterprise Grid organisation: one person is one person, wherever they click and by whichever ID.

Ana and Sam are in two workspaces of it, T0TOWN and T0TWO; Leo is in T0TWO alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.config.settings import Mode
from bot.demo.town import SAMPLE_POLICY, Town
from bot.store.reads.history import Search
from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.http_door import http_door
from tests.support.messages import APPROVE, buttons, only_card, whispers, words
from tests.support.policies import write_policy
from tests.support.prometheus_scrape import bot_of
from tests.support.purgebot import purgebot

HOME, SECOND, ORG = "T0TOWN", "T0TWO", "E0ORG"
CANCEL = "purge:cancel"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ELSEWHERE: dict[str, dict[str, Any]] = {
    "the other workspace": {"team_id": SECOND},
    "from the other workspace": {"user_team_id": SECOND},
    "both the other workspace": {"user_team_id": SECOND, "team_id": SECOND},
    "the organisation": {"user_team_id": ORG},
    "no workspace of the click": {"team_id": None, "user_team_id": SECOND},
    "no workspace of the person": {"user_team_id": None},
    "no workspace at all": {"user_team_id": None, "team_id": None},
}
"""What a click of a full member may name, beside the app's own workspace."""
TWO = """
  - approval: Two of SRE for the site
    domains: [www.example.com]
    count: 2
"""

OpenGrid = Callable[..., Town]


@pytest.fixture
def open_grid(open_town: OpenTown) -> OpenGrid:
    """Give a function that builds the organisation, with the app in T0TOWN or over all of it."""

    def build(policy: Path = SAMPLE_POLICY, *, over_all: bool = False) -> Town:
        place = open_town(policy=policy, with_bot=False)
        organisation = {"id": ORG, "name": "Acme"}
        place.post(
            "slack/settings", {"enterprise": organisation, "is_enterprise_install": over_all}
        )
        for who in ("ANA", "SAM", "KIM", "ADA", "GUS"):
            is_in(place, f"U0{who}", HOME, SECOND)
        place.post("slack/person", {"id": "U0LEO", "team_id": SECOND})
        is_in(place, "U0LEO", SECOND)
        place.start_bot()
        return place

    return build


@pytest.fixture
def grid(open_grid: OpenGrid) -> Town:
    return open_grid()


def is_in(place: Town, person: str, *teams: str, enterprise_id: str = ORG) -> None:
    known = {"id": f"W{person[1:]}", "enterprise_id": enterprise_id, "teams": teams}
    place.post("slack/person", {"id": person, "enterprise_user": known})


def clicks(place: Town, person: str, **named: Any) -> None:
    place.post("slack/person", {"id": person, "clicks": named})


def presses(place: Town, person: str, action: str = APPROVE) -> None:
    Person(place, person).presses(action, only_card(place))
    place.waits(seconds=2)  # a card is edited no more often


# Where somebody clicks


@pytest.mark.parametrize("warm", [False, True], ids=["first press", "facts at hand"])
@pytest.mark.parametrize("named", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_member_may_approve_wherever_in_the_organisation_they_click(
    grid: Town, named: dict[str, Any], warm: bool
) -> None:
    Person(grid, "U0ANA").purges("www.example.com hero --force")
    if warm:
        Person(grid, "U0SAM").types("/purge help")
    clicks(grid, "U0SAM", **named)
    presses(grid, "U0SAM")
    assert len(grid.purges_sent()) == 1
    assert "Approved by <@U0SAM>" in words(only_card(grid))


@pytest.mark.parametrize("warm", [False, True], ids=["first press", "facts at hand"])
@pytest.mark.parametrize("claimed", ["T0OTHER", "E0OTHER"])
def test_a_click_that_names_what_slack_does_not_know_of_them_counts_for_nothing(
    grid: Town, claimed: str, warm: bool
) -> None:
    Person(grid, "U0ANA").purges("www.example.com hero --force")
    if warm:
        Person(grid, "U0SAM").types("/purge help")
    clicks(grid, "U0SAM", user_team_id=claimed)
    presses(grid, "U0SAM")
    assert grid.purges_sent() == []
    assert "People of other workspaces" in whispers(grid, "U0SAM")[-1]


@pytest.mark.parametrize("named", ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_denial_is_kept_wherever_in_the_organisation_it_is_typed(
    grid: Town, named: dict[str, Any]
) -> None:
    card = Person(grid, "U0ANA").purges("www.example.com hero --force")
    clicks(grid, "U0SAM", **named)
    grid.denies("U0SAM", card, "the match is on")
    grid.settle()
    assert "the match is on" in words(only_card(grid))
    assert buttons(only_card(grid)) == []


@pytest.mark.parametrize(
    "named",
    [
        {"team_id": SECOND},
        {"user_team_id": SECOND, "team_id": SECOND},
        {"user_team_id": ORG},
        {"user_team_id": None, "team_id": None},
        {"user_id": "W0ANA"},
    ],
    ids=str,
)
def test_the_requester_may_cancel_wherever_and_by_whichever_id_they_click(
    grid: Town, named: dict[str, Any]
) -> None:
    Person(grid, "U0ANA").purges("www.example.com hero --force")
    clicks(grid, "U0ANA", **named)
    presses(grid, "U0ANA", CANCEL)
    assert buttons(only_card(grid)) == []
    assert "cancelled" in words(only_card(grid)).lower()


def test_nobody_else_may_cancel_from_another_workspace(grid: Town) -> None:
    Person(grid, "U0ANA").purges("www.example.com hero --force")
    clicks(grid, "U0KIM", user_team_id=SECOND, team_id=SECOND)
    presses(grid, "U0KIM", CANCEL)
    assert "Only its requester" in whispers(grid, "U0KIM")[-1]
    assert "Approve" in buttons(only_card(grid))


@pytest.mark.parametrize("team_id", [SECOND, ORG])
def test_what_is_asked_for_in_one_workspace_is_decided_in_the_other(
    grid: Town, team_id: str
) -> None:
    clicks(grid, "U0ANA", team_id=team_id)
    Person(grid, "U0ANA").purges("www.example.com hero --force")
    clicks(grid, "U0ANA")
    presses(grid, "U0SAM")
    assert len(grid.purges_sent()) == 1


@pytest.mark.parametrize("over_all", [False, True], ids=["in a workspace", "over all"])
def test_what_names_another_organisation_is_not_taken(open_grid: OpenGrid, over_all: bool) -> None:
    place = open_grid(over_all=over_all)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    clicks(place, "U0SAM", team_id="T0OTHER", enterprise_id="E0OTHER", user_team_id="T0OTHER")
    presses(place, "U0SAM")
    assert whispers(place, "U0SAM") == []
    Person(place, "U0SAM").types("/purge www.example.com banner")
    assert "not set up for this workspace" in whispers(place, "U0SAM")[-1]
    assert place.purges_sent() == []
    assert "Approve" in buttons(only_card(place))


# By which ID


def test_the_requester_may_not_approve_by_their_other_id(grid: Town) -> None:
    Person(grid, "U0SAM").purges("www.example.com hero --force")
    clicks(grid, "U0SAM", user_id="W0SAM")
    presses(grid, "U0SAM")
    assert grid.purges_sent() == []
    assert "your own request" in whispers(grid, "U0SAM")[-1]


def test_nobody_counts_twice_by_their_other_id(open_grid: OpenGrid, tmp_path: Path) -> None:
    place = open_grid(write_policy(tmp_path, TWO))
    Person(place, "U0ANA").purges("www.example.com hero --force")
    presses(place, "U0SAM")
    clicks(place, "U0SAM", user_id="W0SAM")
    presses(place, "U0SAM")
    assert place.purges_sent() == []
    assert "approved this already" in whispers(place, "U0SAM")[-1]


def test_somebody_else_may_approve_by_their_other_id(grid: Town) -> None:
    Person(grid, "U0ANA").purges("www.example.com hero --force")
    clicks(grid, "U0SAM", user_id="W0SAM")
    presses(grid, "U0SAM")
    assert len(grid.purges_sent()) == 1


@pytest.mark.parametrize("listed", ["U0SAM", "W0SAM"])
@pytest.mark.parametrize("clicked", ["U0SAM", "W0SAM"])
def test_a_group_may_list_either_id(grid: Town, listed: str, clicked: str) -> None:
    grid.post("slack/person", {"id": "U0SAM", "listed_as": listed, "groups": ["S0SRE"]})
    Person(grid, "U0ANA").purges("www.example.com hero --force")
    clicks(grid, "U0SAM", user_id=clicked)
    presses(grid, "U0SAM")
    assert len(grid.purges_sent()) == 1


def test_a_group_gives_nothing_to_others_than_it_lists(grid: Town) -> None:
    for who, groups in (("U0SAM", []), ("U0KIM", ["S0SRE"])):
        grid.post("slack/person", {"id": who, "listed_as": f"W{who[1:]}", "groups": groups})
    Person(grid, "U0SAM").types("/purge www.example.com hero")
    assert grid.purges_sent() == []
    Person(grid, "U0KIM").types("/purge www.example.com hero")
    assert len(grid.purges_sent()) == 1


@pytest.mark.parametrize("named", ["U0ADA", "W0ADA"])
def test_a_role_may_name_either_id(open_grid: OpenGrid, tmp_path: Path, named: str) -> None:
    policy = write_policy(tmp_path)
    policy.write_text(policy.read_text().replace("users: [U0ADA]", f"users: [{named}]"))
    place = open_grid(policy)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    presses(place, "U0ADA")
    assert len(place.purges_sent()) == 1


# Who counts as a member


def becomes_sre(place: Town, person: str, **facts: Any) -> None:
    place.post("slack/person", {"id": person, **facts, "groups": ["S0SRE"]})
    place.post("slack/join", {"channel": "C0WEB", "user": person})


@pytest.mark.parametrize("claim", [SECOND, ORG, None])
def test_people_of_the_organisation_who_are_not_in_the_apps_workspace_have_no_rights(
    grid: Town, claim: str | None
) -> None:
    becomes_sre(grid, "U0LEO")
    Person(grid, "U0ANA").purges("www.example.com hero --force")
    clicks(grid, "U0LEO", user_team_id=claim)
    presses(grid, "U0LEO")
    assert grid.purges_sent() == []
    assert "People of other workspaces" in whispers(grid, "U0LEO")[-1]


@pytest.mark.parametrize("claim", [SECOND, ORG, None])
def test_over_the_organisation_members_of_every_workspace_have_rights(
    open_grid: OpenGrid, tmp_path: Path, claim: str | None
) -> None:
    policy = write_policy(tmp_path, roles="\n  leads:\n    title: Leads\n    users: [U0LEO]\n")
    place = open_grid(policy, over_all=True)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    clicks(place, "U0LEO", user_team_id=claim, team_id=None)
    presses(place, "U0LEO")
    assert len(place.purges_sent()) == 1


@pytest.mark.parametrize("over_all", [False, True], ids=["in a workspace", "over all"])
@pytest.mark.parametrize(
    ("person", "facts", "told"),
    [
        ("U0GUS", {}, "Guests may not"),
        ("U0EVE", {}, "People of other workspaces"),
        ("U0EVE", {"kind": "member"}, "People of other workspaces"),
    ],
    ids=["guest", "stranger", "of another organisation"],
)
def test_nobody_but_full_members_has_rights(
    open_grid: OpenGrid, person: str, facts: dict[str, str], told: str, over_all: bool
) -> None:
    place = open_grid(over_all=over_all)
    is_in(place, "U0EVE", "T0OTHER", enterprise_id="E0OTHER")
    becomes_sre(place, person)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    becomes_sre(place, person, **facts)
    presses(place, person)
    assert place.purges_sent() == []
    assert told in whispers(place, person)[-1]


# Groups, where the app is installed over the organisation


@pytest.mark.parametrize("team_id", [HOME, SECOND, None])
def test_a_group_is_found_in_its_workspace_wherever_its_member_clicks(
    open_grid: OpenGrid, team_id: str | None
) -> None:
    place = open_grid(over_all=True)
    Person(place, "U0ANA").purges("www.example.com hero --force")
    clicks(place, "U0SAM", team_id=team_id, user_team_id=team_id or ORG)
    presses(place, "U0SAM")
    assert len(place.purges_sent()) == 1


def test_who_is_not_in_the_groups_workspace_has_nothing_of_it_and_takes_nothing_from_others(
    open_grid: OpenGrid,
) -> None:
    place = open_grid(over_all=True)
    becomes_sre(place, "U0LEO")
    Person(place, "U0LEO").types("/purge www.example.com banner")
    assert place.purges_sent() == []
    Person(place, "U0SAM").types("/purge www.example.com hero")
    assert len(place.purges_sent()) == 1


@SQLITE
@pytest.mark.parametrize("team_id", [SECOND, ORG])
def test_a_workspace_that_has_not_the_group_is_no_trouble_of_the_bots(
    open_grid: OpenGrid, team_id: str
) -> None:
    place = open_grid(over_all=True)
    place.post("slack/person", {"id": "U0LEO", "team_id": team_id})
    is_in(place, "U0LEO")
    Person(place, "U0LEO").types("/purge www.example.com hero")
    assert place.purges_sent() == []
    calls = place.get("slack/calls", {"method": "usergroups.users.list"})["calls"]
    wanted = {SECOND: "no_such_subteam", ORG: "missing_argument"}[team_id]
    assert {row["answer"]["error"] for row in calls} == {wanted}
    assert bot_of(place).slack.refusals == {}


def test_check_says_that_groups_over_an_organisation_are_not_looked_at(
    site: Town, tmp_path: Path
) -> None:
    organisation = {"id": ORG, "name": "Acme"}
    site.post("slack/settings", {"enterprise": organisation, "is_enterprise_install": True})
    is_in(site, "U0ADA", HOME)
    ended = purgebot("check", folder=tmp_path, **site.variables())
    assert ended.code == 0
    assert "user groups: not looked at: the app is installed over an organisation" in ended.out


@SQLITE
def test_where_a_group_was_found_is_remembered(open_grid: OpenGrid) -> None:
    place = open_grid(over_all=True)
    is_in(place, "U0SAM", "T0AAA", HOME)
    for tag in ("hero", "banner"):
        Person(place, "U0SAM").types(f"/purge www.example.com {tag}")
        place.waits(minutes=2)
    Person(place, "U0SAM").types("/purge www.example.com news")
    calls = place.get("slack/calls", {"method": "usergroups.users.list"})["calls"]
    sre = [row["arguments"].get("team_id") for row in calls if "S0SRE" in str(row["arguments"])]
    assert sre == ["T0AAA", HOME, HOME, HOME]


@pytest.mark.parametrize("asked_as", ["U0ANA", "W0ANA"])
@pytest.mark.parametrize(
    "question",
    [
        *("status last", "status {id}", "history", "history www.example.com"),
        *("history me", "history --user U0ANA", "history --user W0ANA"),
        "history www.example.com --user me",
    ],
)
def test_their_own_purges_are_shown_to_somebody_by_either_id(
    grid: Town, question: str, asked_as: str
) -> None:
    """Marketing sees of others nothing."""
    grid.post("slack/person", {"id": "U0ANA", "groups": ["S0MARKETING"]})
    for tag, user in ("campaign-1", "U0ANA"), ("campaign-2", "W0ANA"):
        clicks(grid, "U0ANA", user_id=user)
        Person(grid, "U0ANA").types(f"/purge www.example.com {tag}")
    theirs = ["campaign-1", "campaign-2"] if question.startswith("history") else ["campaign-2"]
    (newest, _) = bot_of(grid).store.history.page(Search("", ("*",)), lambda _: True).purges
    clicks(grid, "U0ANA", user_id=asked_as)
    Person(grid, "U0ANA").types(f"/purge {question.format(id=newest.id)}")
    answer = whispers(grid, "U0ANA")[-1]
    assert [tag for tag in theirs if tag not in answer] == []


@SQLITE
def test_what_is_asked_back_is_answered_by_any_id_of_its_asker_and_by_nobody_else(
    open_town: OpenTown,
) -> None:
    place = open_town(mode=Mode.HTTP, with_bot=False)
    place.post("slack/settings", {"enterprise": {"id": ORG, "name": "Acme"}})
    for person in ("U0ANA", "U0SAM"):
        is_in(place, person, HOME, SECOND)
    place.start_bot()
    with http_door(place) as door:
        Person(place, "U0SAM", "C0OPS").types("/purge www.example.com hero")
        place.waits(minutes=10)
        Person(place, "U0ANA").types("/purge www.example.com heroo")
        (question,) = [seen for seen in place.sees("U0ANA") if seen["ephemeral"]]
        clicks(place, "U0ANA", user_id="W0ANA")
        place.presses("U0ANA", "doubt:meant", question)
        press = door.last("interactive")
        assert press["user"]["id"] == "W0ANA"
        of_another = {**press, "user": {**press["user"], "id": "W0SAM"}, "trigger_id": "1.1.1"}
        assert door.deliver("interactive", of_another).status_code == 200
        place.settle()
        place.waits(seconds=1)
        told = str(place.sees("U0ANA") + place.sees("U0SAM"))
    assert "Somebody else was asked this" in told
    assert [sent["params"]["CacheTag"] for sent in place.purges_sent()] == ["hero", "hero"]


def test_ones_own_purges_are_seen_by_any_of_ones_ids_and_not_by_others(
    open_grid: OpenGrid, tmp_path: Path
) -> None:
    leads = "\n  leads:\n    title: Leads\n    users: [U0ANA]\n"
    rule = """
  - rule: Leads force the shop, and see nothing of it
    roles: [leads]
    allow: [force]
    domains: [shop.example.com]
"""
    place = open_grid(write_policy(tmp_path, roles=leads, rules=rule))
    Person(place, "U0ANA").types("/purge shop.example.com prices --force")
    purge_id = words(only_card(place)).rpartition("Purge `")[2].partition("`")[0]
    for person, clicked_by, sees in (
        ("U0ANA", "U0ANA", True),
        ("U0ANA", "W0ANA", True),
        ("U0LEO", "U0LEO", False),
        ("U0LEO", "W0LEO", False),
    ):
        clicks(place, person, user_id=clicked_by)
        for question in (f"status {purge_id}", "pending"):
            Person(place, person).types(f"/purge {question}")
            assert ("prices" in whispers(place, person)[-1]) == sees, (clicked_by, question)
