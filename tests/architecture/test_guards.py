"""tests/mutants/guards.toml has all counter-measures of docs/security.md, and they are where it says."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

from tests.mutants.guards import ROOT, Change, Guard, attempt, guards, threats

GUARDS = guards()
THREATS = threats()


def test_each_threat_of_the_page_has_its_counter_measures_and_no_other_has() -> None:
    assert {guard.threat for guard in GUARDS} == set(THREATS)


@pytest.mark.parametrize("threat", THREATS)
def test_each_test_that_the_page_names_is_to_fail_without_one(threat: str) -> None:
    tried = {test for guard in GUARDS if guard.threat == threat for test in guard.tests}
    assert THREATS[threat] - {test.partition("[")[0] for test in tried} == set()


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_each_is_where_it_is_said_to_be_and_its_tests_are_there(guard: Guard) -> None:
    for change in guard.changes:
        assert change.applied() != (ROOT / change.file).read_text()
    assert guard.tests
    for test in guard.tests:
        path, _, name = test.partition("::")
        assert name.partition("[")[0] in functions_in(ROOT / path)


@functools.cache
def functions_in(path: Path) -> set[str]:
    body = ast.parse(path.read_text()).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef)}


def test_whoever_does_not_notice_what_is_missing_is_told_beside_whoever_does() -> None:
    addresses = "bot/core/network/addresses.py"
    tests = "tests/unit/test_addresses.py::"
    verdict = attempt(
        Guard(
            "tunnels",
            "as public addresses",
            (Change(addresses, "and found.is_global and not tunnelled", "and found.is_global"),),
            (f"{tests}test_any_other_address_may_not", f"{tests}test_a_public_address_may_be_met"),
        )
    )
    assert list(verdict.failed) == [f"{tests}test_any_other_address_may_not"]
    assert verdict.survived == {f"{tests}test_a_public_address_may_be_met": "it passed"}


def test_a_text_that_stands_elsewhere_or_twice_is_no_place_for_a_change() -> None:
    for was in ("stands nowhere in it", "Purgebot"):
        with pytest.raises(ValueError, match="times"):
            Change("README.md", was, "").applied()
