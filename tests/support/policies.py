"""The playground's policy, with more said in it: for towns where other approvals are asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bot.demo.town import SAMPLE_POLICY, Town

WithPolicy = Callable[..., Town]
"""Gives the town whose policy also says this; see `write_policy`."""

LEADS = """
  leads:
    title: Leads
    users: [U0ADA]
"""
DUTY_ROOM = """
  duty:
    title: Duty room
    channels: [C0OPS]
"""
DUTY_ROOM_APPROVES = """
  - rule: The duty room approves
    roles: [duty]
    allow: [approve]
    domains: [www.example.com]
"""
LEADS_APPROVE = """
  - rule: Leads approve
    roles: [leads]
    allow: [approve]
    domains: ["*"]
"""


def write_policy(
    folder: Path, approvals: str = "", *, roles: str = LEADS, rules: str = LEADS_APPROVE
) -> Path:
    """Write the playground's policy with more roles, rules and approvals in it."""
    sample = SAMPLE_POLICY.read_text()
    for more, end in ((roles, "\nrules:"), (rules, "\napprovals:"), (approvals, "\npeak_hours:")):
        sample = sample.replace(end, more.rstrip() + "\n" + end)
    path = folder / "policy.yaml"
    path.write_text(sample)
    return path
