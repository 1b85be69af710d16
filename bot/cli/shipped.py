"""The files that come with Purgebot to be copied: manifest, presets of the policy, deployment.

A wheel has them in `bot/share` (`force-include` in pyproject.toml), a checkout at its top.
"""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """Return the path of a file or folder, named as in a checkout (`examples/policies`)."""
    packaged = Path(__file__).parents[1] / "share"
    return (packaged if packaged.is_dir() else Path(__file__).parents[2]) / name
