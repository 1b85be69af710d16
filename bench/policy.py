"""How long a policy takes to decide, with 10 rules and with 10,000."""

from __future__ import annotations

import time
from statistics import median

from bench.report import Table, against
from bot.config.policy_file import load_policy
from bot.core.policy.decision import Actor, Membership, decide
from bot.core.policy.fields import Action

SIZES = (10, 10_000)


def policy_of(rules: int) -> str:
    """Write a policy: each rule is about a domain of its own, and one in ten denies."""
    lines = ["version: 1", "roles:", "  editors: {title: Editors, groups: [S0EDITORS]}", "rules:"]
    for number in range(rules):
        verb = "deny: [force]" if number % 10 == 9 else "allow: [purge, force]"
        lines.append(
            f"  - {{rule: R{number}, roles: [editors], {verb}, domains: [d{number}.example.com]}}"
        )
    return "\n".join(lines)


def measure(*, quick: bool = False) -> list[Table]:
    sizes = (10, 100) if quick else SIZES
    table = Table(["decision, µs", *(f"{size:,} rules" for size in sizes), "target"])
    actor = Actor("T0TOWN", "U0ANA", Membership.MEMBER, frozenset({"S0EDITORS"}), "C0WEB")
    policies = [load_policy(policy_of(size), "bench") for size in sizes]
    for name, domain in (
        ("allowed", "d7.example.com"),
        ("refused", "d9.example.com"),
        ("of no rule", "other.example.org"),
    ):
        times: list[list[float]] = [[], []]
        for _ in range(20 if quick else 200):
            for policy, took in zip(policies, times, strict=True):
                began = time.perf_counter()
                decide(policy, actor, Action.FORCE, domain, "hero")
                took.append(1e6 * (time.perf_counter() - began))
        few, many = map(median, times)
        table.add(name, f"{few:.0f}", f"{many:.0f}", against(many / few, 5, " ×"))
    return [table]
