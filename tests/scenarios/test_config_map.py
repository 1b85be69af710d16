"""A policy in a Kubernetes ConfigMap is taken when the kubelet puts a newer one in its place."""

from __future__ import annotations

from pathlib import Path

from bot.config.policy_file import policy_hash
from bot.demo.town import SAMPLE_POLICY, Town
from tests.support.purgebot import running


def mount(folder: Path, version: str, text: str) -> None:
    """Bring a mounted ConfigMap up to date as the kubelet does.

    policy.yaml → ..data/policy.yaml     for ever
    ..data      → ..VERSION              put in place of the old link, at once
    ..VERSION/policy.yaml                a file of its own; the old folder is removed
    """
    link, newer = folder / "..data", folder / "..data_tmp"
    older = link.resolve() if link.exists() else None
    (folder / f"..{version}").mkdir()
    (folder / f"..{version}" / "policy.yaml").write_text(text)
    newer.symlink_to(f"..{version}")
    newer.rename(link)
    if older is None:
        (folder / "policy.yaml").symlink_to("..data/policy.yaml")
    else:
        (older / "policy.yaml").unlink()
        older.rmdir()


def test_a_config_map_that_changes_is_taken(site: Town, tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    text = SAMPLE_POLICY.read_text()
    mount(folder, "1", text)
    variables = site.variables() | {"PURGEBOT_POLICY": str(folder / "policy.yaml")}
    with running(tmp_path, variables) as bot:
        bot.until("started")
        for version in ("2", "3"):
            newer = text.replace('"campaign-*"', f'"campaign{version}*"')
            mount(folder, version, newer)
            assert bot.until("policy-loaded")["policy_hash"] == policy_hash(newer)
        assert bot.end() == 0
