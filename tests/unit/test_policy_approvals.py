"""Approvals as they are written: which tags they are about, and mistakes with their line."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.config.policy_file import PolicyFileInvalid, load_policy, policy_schema
from bot.core.policy.approval_rules import ApprovalRule, PeakHours
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action
from bot.core.policy.quorum import needs_of

WWW = "www.example.com"
GOOD = """\
version: 1
roles:
  sre: {title: Site reliability, groups: [S0SRE]}
  leads: {title: Leads, users: [U0ADA]}
rules:
  - {rule: SRE may purge, roles: [sre], allow: [purge], domains: ["*"]}
approvals:
  - approval: One of SRE and one of the leads
    domains: [www.example.com]
    roles: [sre, leads]
    one_of_each: true
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(PolicyFileInvalid) as caught:
        load_policy(text, "policy.yaml")
    return [str(mistake) for mistake in caught.value.mistakes]


def take(text: str) -> list[tuple[int, str]]:
    """How many a forced purge takes under this policy, and the sentence."""
    needs = needs_of(load_policy(text, "policy.yaml"), Action.FORCE, WWW, ("hero",))
    return [(quorum.total, quorum.sentence) for quorum in needs.quorums]


def test_one_of_each_takes_as_many_as_there_are_roles() -> None:
    assert take(GOOD) == [(2, "one approval each of sre and leads")]


NO_ROLES = "“one_of_each” takes one of each of “roles”: name them, or write “count” instead"
COUNTS = "“one_of_each” takes one of each role, and “count” counts nothing: leave one of them out"
A_STAR = "“*” is no role to take one of: name the role, or write “count” instead of “one_of_each”"


@pytest.mark.parametrize("spelt", ["true", "yes", "Yes", "on", "1"])
def test_one_of_each_needs_roles(spelt: str) -> None:
    text = GOOD.replace("    roles: [sre, leads]\n", "").replace("true", spelt)
    assert mistakes(text) == [f"line 10: {NO_ROLES}"]


@pytest.mark.parametrize("spelt", ["false", "no", "off"])
def test_without_one_of_each_roles_may_be_left_out_and_counted(spelt: str) -> None:
    text = GOOD.replace("    roles: [sre, leads]\n", "    count: 2\n").replace("true", spelt)
    assert take(text) == [(2, "2 approvals")]
    star = text.replace("count: 2", 'count: 2\n    roles: "*"')
    assert take(star) == [(2, "2 approvals")]


@pytest.mark.parametrize("count", ["1", "2"])
def test_one_of_each_and_a_count_contradict_each_other(count: str) -> None:
    assert mistakes(f"{GOOD}    count: {count}\n") == [f"line 12: {COUNTS}"]


@pytest.mark.parametrize("roles", ['"*"', '["*"]', '[sre, "*"]'])
def test_one_of_each_has_no_star_among_its_roles(roles: str) -> None:
    assert mistakes(GOOD.replace("[sre, leads]", roles)) == [f"line 10: {A_STAR}"]


def test_all_that_is_wrong_with_it_is_told_at_once() -> None:
    text = GOOD.replace("[sre, leads]", '["*", lead]') + "    count: 2\n"
    assert mistakes(text) == [
        "line 10: there is no role “lead”; did you mean “leads”?",
        f"line 10: {A_STAR}",
        f"line 12: {COUNTS}",
    ]


def test_a_one_of_each_that_is_no_yes_or_no_is_told_as_such() -> None:
    (mistake,) = mistakes(GOOD.replace("true", "both").replace("    roles: [sre, leads]\n", ""))
    assert mistake.startswith("line 10: ")
    assert "boolean" in mistake


@pytest.mark.parametrize("more", [{"count": 2}, {"roles": None}, {"roles": ("sre", "*")}])
def test_a_policy_built_without_a_file_keeps_the_same_rules(more: dict[str, Any]) -> None:
    written = load_policy(GOOD, "policy.yaml").model_dump(exclude_unset=True)
    assert Policy.model_validate(written).approvals[0].one_of_each
    (approval,) = written["approvals"]
    with pytest.raises(ValidationError, match="one_of_each"):
        Policy.model_validate({**written, "approvals": [{**approval, **more}]})


def test_the_schema_for_editors_says_what_the_loading_says(tmp_path: Path) -> None:
    good = [
        "roles: [sre, leads], one_of_each: true",
        'roles: "*", one_of_each: false, count: 2',
        "one_of_each: false, count: 2",
        "count: 2",
    ]
    bad = [
        "one_of_each: true",
        "roles: [sre, leads], one_of_each: true, count: 2",
        'roles: [sre, "*"], one_of_each: true',
        'roles: "*", one_of_each: true',
    ]
    above = GOOD.partition("approvals:")[0]
    for number, approval in enumerate([*good, *bad]):
        text = f'{above}approvals:\n  - {{approval: One, domains: ["*"], {approval}}}\n'
        (tmp_path / f"{number}.yaml").write_text(text)
        if approval in good:
            assert load_policy(text, "policy.yaml").approvals
        else:
            assert mistakes(text)
    assert refused_by_the_schema(tmp_path) == {
        f"{number}.yaml" for number in range(len(good), len(good) + len(bad))
    }


def refused_by_the_schema(folder: Path) -> set[str]:
    (folder / "schema.json").write_text(json.dumps(policy_schema()))
    words = ["--schemafile", "schema.json", "--output-format", "json"]
    ended = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *words, *map(str, folder.glob("*.yaml"))],
        capture_output=True,
        check=False,
        cwd=folder,
    )
    found = json.loads(ended.stdout)
    assert found["parse_errors"] == []
    return {Path(error["filename"]).name for error in found["errors"]}


@pytest.mark.parametrize(
    ("hours", "zone", "clock", "is_peak"),
    [
        ("18:00-22:00", "UTC", "17:59", False),
        ("18:00-22:00", "UTC", "18:00", True),
        ("18:00-22:00", "UTC", "21:59", True),
        ("18:00-22:00", "UTC", "22:00", False),
        ("22:00-02:00", "UTC", "23:30", True),
        ("22:00-02:00", "UTC", "01:59", True),
        ("22:00-02:00", "UTC", "02:00", False),
        ("22:00-02:00", "UTC", "21:59", False),
        ("18:00-22:00", "Asia/Shanghai", "10:00", True),
        ("18:00-22:00", "Asia/Shanghai", "18:00", False),
    ],
)
def test_peak_hours_go_by_the_clock_of_their_zone(
    hours: str, zone: str, clock: str, *, is_peak: bool
) -> None:
    peak = PeakHours(peak="The evening", domains=("*.example.com",), hours=hours, zone=zone)
    moment = datetime.fromisoformat(f"2026-12-01T{clock}").replace(tzinfo=UTC)
    assert peak.covers(WWW, moment) is is_peak
    assert not peak.covers("example.com", moment)


@pytest.mark.parametrize(("count", "is_valid"), [(0, False), (1, True), (20, True), (21, False)])
def test_an_approval_takes_one_to_twenty_people(count: int, *, is_valid: bool) -> None:
    written = {"approval": "Many", "domains": ["*"], "count": count}
    if is_valid:
        assert ApprovalRule.model_validate(written).count == count
    else:
        with pytest.raises(ValidationError, match="count"):
            ApprovalRule.model_validate(written)
