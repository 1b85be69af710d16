"""Each preset in examples/policies loads, is explained by its table, and is asked for in full."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.cli.expectations import read_table
from bot.config.policy_file import load_policy
from bot.core.policy.document import Policy
from bot.core.policy.fields import Action

FOLDER = Path(__file__).parents[2] / "examples" / "policies"
PRESETS = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def loaded(preset: str) -> Policy:
    return load_policy((FOLDER / f"{preset}.yaml").read_text(), preset)


def test_the_presets_are_there() -> None:
    assert PRESETS == ["editors-and-sre", "several-brands", "small-team", "strict"]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_decides_as_its_table_says(preset: str) -> None:
    expectations = read_table(FOLDER / f"{preset}.tests")
    policy = loaded(preset)
    assert [(each.text, each.difference(policy)) for each in expectations] == [
        (each.text, None) for each in expectations
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_table_says_who_may_what_who_may_not_and_what_force_takes(preset: str) -> None:
    table = read_table(FOLDER / f"{preset}.tests")
    for action in (Action.PURGE, Action.FORCE, Action.APPROVE):
        assert any(each.allowed for each in table if each.action is action)
    assert any(not each.allowed for each in table)
    assert any(each.approvals for each in table if each.action is Action.FORCE)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_table_notices_every_rule_that_is_taken_away(preset: str) -> None:
    policy, table = loaded(preset), read_table(FOLDER / f"{preset}.tests")
    for place in range(len(policy.rules)):
        rules = policy.rules[:place] + policy.rules[place + 1 :]
        less = Policy(version=1, roles=policy.roles, rules=rules, approvals=policy.approvals)
        assert any(each.difference(less) for each in table), policy.rules[place].rule


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_says_which_of_its_values_are_samples_and_has_no_other(preset: str) -> None:
    text = (FOLDER / f"{preset}.yaml").read_text()
    header, _, body = text.partition("\nversion: 1\n")
    samples = set(re.findall(r"^#   (\S+)  +\S", header, re.MULTILINE))
    # Slack's IDs here have a zero, and the domains are those that RFC 2606 keeps for examples.
    used = set(re.findall(r"\b(?:[UWSCG]0[A-Z]+|[\w.]*example(?:\.com)?)\b", body))
    assert used == samples
    assert len(header.splitlines()[0]) <= 100
    assert f"--preset {preset}`" in header
