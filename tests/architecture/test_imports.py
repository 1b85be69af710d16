"""Who may import what, as lists of what is allowed: a list of what is not would always lack something."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_THE_CORE = {*sys.stdlib_module_names, "pydantic", "pydantic_core", "idna"}
"""The rules know no outside world: beside these they import nothing but one another."""
OF_SLACK = {"slack_sdk", "slack_bolt"}
KNOWS_SLACK = ("bot/slack/", "bot/app.py", "handlers/")
"""Where Slack's libraries may be imported."""
OF_HTTP = {"http.client", "urllib.request", "requests", "urllib3", "websockets", "aiohttp"}
KNOWS_HTTP = (
    *("bot/exchange.py", "bot/cdn/", "bot/slack/", "bot/config/trust.py"),
    "bot/core/network/connection_errors.py",
)
"""Where others are called over HTTP, or what comes of it is named: within the bounds of an exchange."""


def imported(source: str) -> Iterator[str]:
    """Give the modules that a source imports, at its top or within functions, for types or not."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(level=0, module=str(module), names=names):
                yield from (f"{module}.{each.name}" for each in names)
            case ast.ImportFrom(level=level):
                yield "." * level  # a neighbour, which the core names in full
            case ast.Call(func=ast.Name(id="__import__") | ast.Attribute(attr="import_module")):
                pytest.fail(f"line {node.lineno}: what is imported must be seen in the source")


def may_be_in_the_core(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in OF_THE_CORE or module.startswith("bot.core.")


def sources(folder: str) -> dict[str, str]:
    found = sorted((ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in found}


CORE = sources("bot/core")
OTHERS = {
    path: source for path, source in sources("bot").items() if not path.startswith(KNOWS_SLACK)
}


def test_there_is_something_to_look_at() -> None:
    assert len(CORE) > 30
    assert len(OTHERS) > len(CORE)


@pytest.mark.parametrize("path", CORE)
def test_the_core_imports_python_pydantic_idna_and_itself(path: str) -> None:
    assert [each for each in imported(CORE[path]) if not may_be_in_the_core(each)] == []


@pytest.mark.parametrize("path", OTHERS)
def test_slacks_libraries_are_known_where_slack_is_spoken_to(path: str) -> None:
    assert [each for each in imported(OTHERS[path]) if each.split(".")[0] in OF_SLACK] == []


@pytest.mark.parametrize("path", [*OTHERS, *sources("handlers")])
def test_nobody_else_is_called_over_http_but_within_bounds(path: str) -> None:
    if not path.startswith((*KNOWS_HTTP, "bot/simulators/", "bot/demo/")):
        source = (ROOT / path).read_text()
        assert [each for each in imported(source) if speaks_http(each)] == []


def speaks_http(module: str) -> bool:
    return any(module == each or module.startswith(f"{each}.") for each in OF_HTTP)


@pytest.mark.parametrize(
    "code",
    [
        "import slack_sdk",
        "from slack_sdk.errors import SlackApiError as Error",
        "def late():\n    import slack_sdk.web",
        "if TYPE_CHECKING:\n    from slack_sdk import WebClient",
    ],
)
def test_an_import_is_seen_wherever_it_stands(code: str) -> None:
    assert [each.split(".")[0] for each in imported(code)] == ["slack_sdk"]


@pytest.mark.parametrize(
    "module", ["requests", "bot.store.store.Store", "bot.corelike.x", "bot.app"]
)
def test_what_is_not_on_the_list_may_not_be_in_the_core(module: str) -> None:
    assert not may_be_in_the_core(module)
