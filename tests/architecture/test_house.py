"""The house keeps its own rules: floors, doors, scopes, settings and schema are what they say."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.config.settings import Settings
from bot.slack.client import OPTIONAL_SCOPES, SCOPES
from bot.store import migrations
from bot.store.migrations import migrate
from bot.store.schema import tables
from bot.store.store import Store
from handlers import LISTENERS

ROOT = Path(__file__).parents[2]
WITHOUT_SCOPE = frozenset({"chat.getPermalink", "views.open", "views.update"})
"""Methods of Slack's that are called and need no scope."""
MANIFEST: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
PYPROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_module_stands_on_a_floor() -> None:
    layers = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    floors = {name.strip() for layer in layers for name in layer.split("|")}
    for path in [*(ROOT / "bot").iterdir(), ROOT / "handlers"]:
        if path.name in {"__init__.py", "__pycache__", "py.typed"}:
            continue
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        assert module in floors, f"{module} is on no floor: add it to [tool.importlinter]"


def test_the_manifest_has_every_command_that_has_a_door() -> None:
    doors = {
        door.name for door in LISTENERS if door.kind == "command" and isinstance(door.name, str)
    }
    assert doors == {command["command"] for command in MANIFEST["features"]["slash_commands"]}


def test_the_manifest_asks_for_the_scopes_that_are_used_and_no_other() -> None:
    asked = MANIFEST["oauth_config"]["scopes"]["bot"]
    assert sorted(asked) == sorted(set(SCOPES.values()))
    assert set(asked) >= OPTIONAL_SCOPES


def test_the_scopes_are_those_of_the_methods_called() -> None:
    called = {
        match
        for folder in ("bot/slack", "handlers")
        for path in (ROOT / folder).rglob("*.py")
        for match in re.findall(r"_client\.([a-z]+_[a-zA-Z_]+)", path.read_text())
    }
    listed = {
        name.split(" (")[0].replace(".", "_") for name in {*SCOPES, *WITHOUT_SCOPE} if "." in name
    }
    assert called == listed


def test_slack_lets_the_bot_write_to_one_person() -> None:
    """Else Slack refuses with messages_tab_disabled; nobody hears what people write there."""
    tab = MANIFEST["features"]["app_home"]
    assert (tab["messages_tab_enabled"], tab["messages_tab_read_only_enabled"]) == (True, True)


def test_buttons_need_interactivity() -> None:
    assert MANIFEST["settings"]["interactivity"]["is_enabled"] is True


def test_the_last_doors_answer_whatever_no_other_door_knows() -> None:
    kinds = [door.kind for door in LISTENERS if not isinstance(door.name, str)]
    assert sorted(kinds) == ["action", "command", "view"]


@pytest.mark.parametrize(
    "page", ["README.md", "docs/start.md", "docs/operate.md", "docs/deploy.md"]
)
def test_pages_name_only_settings_that_exist(page: str) -> None:
    named = set(re.findall(r"\b(?:PURGEBOT|SLACK|ALIBABA_CLOUD)_[A-Z_]+[A-Z]\b", page_text(page)))
    assert named <= variables() | {"ALIBABA_CLOUD_ECS_METADATA_DISABLED"}


def test_every_setting_is_explained_to_operators() -> None:
    for variable in variables():
        assert f"`{variable}`" in page_text("docs/operate.md")


def test_the_migrations_make_the_tables_that_the_store_uses(database_url: str) -> None:
    store = Store(database_url)
    migrate(store.engine)
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, tables.metadata) == []
    store.close()


def test_a_second_migration_changes_nothing(database_url: str) -> None:
    store = Store(database_url)
    migrate(store.engine)
    migrate(store.engine)
    store.close()


def test_the_first_and_the_newest_migration_are_named() -> None:
    scripts = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert scripts.get_current_head() == migrations.HEAD
    assert scripts.get_base() == migrations.OLDEST


def test_nothing_is_left_for_later() -> None:
    mark = re.compile(r"\b(TO" + r"DO|FIX" + r"ME)\b")
    for path in ROOT.glob("**/*.py"):
        if not {".venv", "build", "dist"} & set(path.parts):
            assert not mark.search(path.read_text()), f"{path} has something left for later"


def page_text(page: str) -> str:
    return (ROOT / page).read_text()


def variables() -> set[str]:
    return {str(field.validation_alias) for field in Settings.model_fields.values()}
