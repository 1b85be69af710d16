"""The settings' files, the key that signs approvals, and the policy file."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cli.checks.results import CheckResult, Page, Setup, fail_of, ok, warn
from bot.config.policy_file import PolicySource
from bot.core.errors import BotError


def check_files(setup: Setup) -> Iterator[CheckResult]:
    if not (files := " ".join(map(str, setup.settings.writable_by_others))):
        yield ok("files", "the policy and .env are their owner's alone to change")
        return
    yield warn(
        "files",
        f"others than their owner may change {files}, and with it who may purge, or the settings",
        f"chmod go-w {files}",
        Page.CHECK,
    )


def check_approval_key(setup: Setup) -> Iterator[CheckResult]:
    if setup.settings.approval_keys:
        yield ok("approval key", "approvals are signed")
        return
    yield warn(
        "approval key",
        "there is none, so whoever can write to the database can forge approvals",
        "Set PURGEBOT_APPROVAL_KEY, for all replicas the same: openssl rand -hex 32",
        Page.SETTINGS,
    )


def check_policy(setup: Setup) -> Iterator[CheckResult]:
    try:
        setup.policy, policy_hash = PolicySource(setup.settings.policy).current()
    except BotError as error:
        yield fail_of("policy", error)
        return
    size = f"{len(setup.policy.roles)} roles, {len(setup.policy.rules)} rules"
    yield ok("policy", f"{size} ({policy_hash[:12]})")
