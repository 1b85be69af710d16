"""Which modules hold the rules, and which unit tests notice when one is changed, the quick first."""

from __future__ import annotations

UNIT_TESTS = "tests/unit"
"""Where the tests are: `approval` stands for test_approval.py."""

_POLICY = ("policy", "policy_tags", "policy_approvals", "policy_proofs")
_POLICY_READ = ("policy_file", "policy_properties", "approval_properties")
_RULES = ("requests", "presses", "authorization")

TESTS_OF: dict[str, tuple[str, ...]] = {
    "bot.core.policy.quorum": ("approval", *_RULES),
    "bot.core.decisions.authorization": ("authorization",),
    "bot.core.purge.joining": ("joining", "requests"),
    "bot.core.policy.decision": (*_POLICY, *_RULES, "policy_properties"),
    "bot.core.policy.approval_rules": (*_POLICY, "approval", *_POLICY_READ),
    "bot.core.policy.fields": (*_POLICY, *_POLICY_READ),
    "bot.core.policy.document": (*_POLICY, *_RULES, "rulings", *_POLICY_READ),
    "bot.core.policy.tag_rules": (*_POLICY, *_POLICY_READ),
    "bot.core.decisions.presses": ("presses",),
    "bot.core.decisions.outcomes": ("outcomes",),
    "bot.core.purge.purge": ("purge", "advance", "joining", *_RULES),
    "bot.core.decisions.requests": ("requests", "rulings"),
    "bot.core.decisions.rulings": ("rulings", *_RULES),
    "bot.core.purge.signatures": ("signatures", *_RULES),
    "bot.core.purge.states": ("advance",),
    "bot.core.purge.trail": ("trail", "authorization"),
    "bot.core.decisions.transition": ("transition", "rulings", *_RULES, "trail"),
    "bot.core.purge.tracking": ("watching", "outcomes"),
}

PRELOADED = ("confusable_homoglyphs", "hypothesis", "idna", "pydantic", "requests", "yaml")
"""Libraries that the tests need: each is imported once, not by each process."""
