"""How the state machines play their stories: how many, of which seed, and on which databases.

TEST_MACHINE_EXAMPLES=2000  play so many stories on each database
TEST_MACHINE_SEED=17        play those of that run again, and shorten the one that fails
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

NewDatabase = Callable[[], AbstractContextManager[str]]

SLACK_AWAY = {
    "web_api": [
        {"method": method, "error": "internal_error", "times": None}
        for method in ("usergroups.users.list", "users.info")
    ]
}
"""Slack does not say who anybody is."""
EXAMPLES = int(os.environ.get("TEST_MACHINE_EXAMPLES", "0"))
SHORTEN = "TEST_MACHINE_SEED" in os.environ
SEED = int(os.environ.get("TEST_MACHINE_SEED", secrets.randbits(32)))

takes_long = pytest.mark.timeout(600 + 10 * EXAMPLES)


def play(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Play so many stories of at most so many steps, or as many as the environment says."""
    print(f"TEST_MACHINE_SEED={SEED}")
    run_state_machine_as_test(
        seed(SEED)(machine),
        settings=settings(
            max_examples=EXAMPLES or examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate, Phase.shrink] if SHORTEN else [Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
