"""One place sends purges: what must hold before a purge is sent is looked at there, and only there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
METHOD = "refresh_by_tag"
OPERATION = "RefreshObjectCacheByCacheTag"
CLIENT = "bot/cdn/client.py"


def uses(source: str, word: str) -> Iterator[int]:
    """Give the lines of code that use a name, as a name, as an attribute, or spelt out in a text.

    What defines it is no use, nor is what a docstring says of it.
    """
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=name):
                if name == word:
                    yield node.lineno
            case ast.ImportFrom(names=names):
                yield from (node.lineno for each in names if each.name == word)


def users_of(word: str) -> list[str]:
    """Give the files of the bot that use a word, each as often as it does."""
    product = [*ROOT.glob("bot/**/*.py"), *ROOT.glob("handlers/**/*.py")]
    files = {path.relative_to(ROOT).as_posix(): path for path in product}
    return [
        file
        for file, path in sorted(files.items())
        if not file.startswith(("bot/simulators/", "bot/demo/"))  # it shares no code with the bot
        for _ in uses(path.read_text(), word)
    ]


def test_purges_are_sent_from_one_place() -> None:
    (sender,) = users_of(METHOD)
    assert sender != CLIENT


def test_only_the_client_names_the_operation_that_purges() -> None:
    assert users_of(OPERATION) == [CLIENT]


@pytest.mark.parametrize(
    "code",
    [
        "cdn.refresh_by_tag(domain, tags, force)",
        "self._cdn.refresh_by_tag(permit)",
        "send = cdn.refresh_by_tag",
        "getattr(cdn, 'refresh_by_tag')(permit)",
        "from bot.cdn.client import refresh_by_tag",
    ],
)
def test_a_use_is_seen_however_it_is_written(code: str) -> None:
    assert list(uses(code, METHOD)) == [1]


def test_a_definition_and_a_docstring_are_no_use() -> None:
    code = 'def refresh_by_tag(permit):\n    """refresh_by_tag alone may raise it."""\n'
    assert list(uses(code, METHOD)) == []
