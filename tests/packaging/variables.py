"""Which variables of an environment mean something to Purgebot, or to what it is built on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bot.config.settings import Settings

ROOT = Path(__file__).parents[2]

SETTINGS = {str(field.validation_alias) for field in Settings.model_fields.values()}
OTHERS = {"PATH", "HOME", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PGPASSWORD"}
"""Of the system, of Python, and of PostgreSQL's own client library."""


def unknown(names: Iterable[str]) -> list[str]:
    """Give those that nobody would read, such as a setting with a slip of the pen."""
    return sorted(set(names) - SETTINGS - OTHERS)
