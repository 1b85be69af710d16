"""Small checks that the Block Kit tables are put together from.

A check takes a value, its JSON pointer and a list; what is wrong is added to the list in Slack's
manner: `must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Check = Callable[[Any, str, list[str]], None]


def wrong(found: list[str], pointer: str, sentence: str) -> None:
    found.append(f"{sentence} [json-pointer:{pointer}]")


def string(most: int | None = None, *, least: int = 1) -> Check:
    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, str):
            wrong(found, pointer, "must provide a string")
        elif len(value) < least:
            wrong(found, pointer, f"must be more than {least - 1} characters")
        elif most is not None and len(value) > most:
            wrong(found, pointer, f"must be less than {most + 1} characters")

    return check


def boolean(value: Any, pointer: str, found: list[str]) -> None:
    if not isinstance(value, bool):
        wrong(found, pointer, "must provide a boolean")


def integer(low: int | None = None, high: int | None = None) -> Check:
    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            wrong(found, pointer, "must provide an integer")
        elif low is not None and value < low:
            wrong(found, pointer, f"must be at least {low}")
        elif high is not None and value > high:
            wrong(found, pointer, f"must be at most {high}")

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, pointer: str, found: list[str]) -> None:
        if value not in values:
            wrong(found, pointer, f"must be one of {', '.join(values)}")

    return check


def anything(value: Any, pointer: str, found: list[str]) -> None:
    """For what Slack documents without a rule we could hold it to."""


def array(item: Check, most: int | None = None, *, least: int = 1) -> Check:
    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, list):
            wrong(found, pointer, "must provide an array")
            return
        if len(value) < least:
            wrong(found, pointer, f"no fewer than {least} items allowed")
        if most is not None and len(value) > most:
            wrong(found, pointer, f"no more than {most} items allowed")
        for number, entry in enumerate(value):
            item(entry, f"{pointer}/{number}", found)

    return check


def thing(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """An object with these keys and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            wrong(found, pointer, "must provide an object")
            return
        for key in required.keys() - value.keys():
            wrong(found, pointer, f"missing required field: {key}")
        for key, entry in value.items():
            if key in known:
                known[key](entry, f"{pointer}/{key}", found)
            else:
                wrong(found, pointer, f"invalid additional property: {key}")

    return check


def mapping(value_check: Check) -> Check:
    """An object with any keys."""

    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            wrong(found, pointer, "must provide an object")
            return
        for key, entry in value.items():
            value_check(entry, f"{pointer}/{key}", found)

    return check


def typed(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of these checks it has to pass."""

    def check(value: Any, pointer: str, found: list[str]) -> None:
        if not isinstance(value, dict):
            wrong(found, pointer, "must provide an object")
        elif not isinstance(value.get("type"), str) or value["type"] not in kinds:
            wrong(found, f"{pointer}/type", f"unsupported type: {value.get('type')}")
        else:
            kinds[value["type"]](value, pointer, found)

    return check


def only(kinds: Iterable[str], table: Mapping[str, Check]) -> Check:
    """Those entries of a table that may stand here."""
    return typed({kind: table[kind] for kind in kinds})


def both(*checks: Check) -> Check:
    def check(value: Any, pointer: str, found: list[str]) -> None:
        for each in checks:
            each(value, pointer, found)

    return check
