"""A small coverage-guided fuzzer.

    corpus ──► mutate ──► target ──► taken, refused, or a crash
       ▲                    │
       └── lines of ours that no input before has reached

It is ours because it runs wherever the tests do: atheris has wheels for few platforms.  The random
numbers have a seed, and a run ends after a number of inputs or, by hand, of seconds.
"""

from __future__ import annotations

import copy
import json
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
CORPUS = Path(__file__).parent / "corpus"
LENGTHS = (300, 1_000, 1_000, 8_000)
"""The lengths in bytes beyond which inputs are cut off, in turn by chance: short ones are quick."""
MOST_KEPT = 2_000
NOTED = 4
"""Of so many inputs one has its lines noted, because that takes many times as long."""
_OURS = tuple(f"{ROOT / name}/" for name in ("bot", "handlers"))

Try = Callable[[bytes], bool]
"""Gives an input to a door: True if it was taken, False if refused.  Raises what is a crash."""

_ODD_WORDS = [
    *(b"\x00", b"\xff\xfe", b"\xf0\x9f\x94\xa5", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"%00", b"&"),
    *(b"'", b'"', b"`", b"{", b"}", b"[", b"]", b"<!channel>", b"<http://a|b>", b"--force"),
    *("\u202e\u200b\u2028\ufeff".encode(), b"-1", b"0", b"99999999999999999999", b"1e999", b"NaN"),
    *(b"null", b"true", b"payload=", b"A" * 5_000, b"[" * 3_000, "ı".encode(), "ẞ".encode()),
]
_ODD_VALUES: list[Any] = [
    *(None, True, "", "x", 0, -1, 2**70, 1e308, float("nan"), [], {}, [1], [None], {"id": None}),
    *(
        "A" * 5_000,
        "\x00",
        "\ud800",
        {"": ""},
        [[[[]]]],
        "P0123456789ABC",
        "<!channel>",
        ["x"] * 500,
    ),
]


@dataclass
class Counts:
    """What came of the inputs.  `lines`: how many lines of ours were reached."""

    tried: int = 0
    taken: int = 0
    refused: int = 0
    lines: int = 0
    crashes: list[tuple[bytes, str]] = field(default_factory=list)


def corpus_of(name: str) -> list[bytes]:
    """Give the kept inputs of a target."""
    return [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]


def fuzz(name: str, attempt: Try, seed: int, goes_on: Callable[[int], bool]) -> Counts:
    """Try the corpus and then mutations of it, as long as `goes_on` says so of their number."""
    chance = random.Random(f"{name} {seed}")
    kept, counts = corpus_of(name), Counts()
    lines: set[tuple[str, int]] = set()
    waiting = list(kept)
    told: set[str] = set()
    while goes_on(counts.tried):
        data = waiting.pop() if waiting else _mutated(chance, kept)[: chance.choice(LENGTHS)]
        counts.tried += 1
        before = len(lines)
        try:
            with _noting(lines) if counts.tried % NOTED == 0 else nullcontext():
                taken = attempt(data)
            counts.taken += taken
            counts.refused += not taken
        except Exception as error:  # noqa: BLE001  (whatever it is, it is a crash)
            where = traceback.extract_tb(error.__traceback__)[-1]
            if (place := f"{type(error).__name__} {where.filename}:{where.lineno}") not in told:
                told.add(place)
                counts.crashes.append((data, "".join(traceback.format_exception(error))))
        if len(lines) > before and len(kept) < MOST_KEPT:
            kept.append(data)
    counts.lines = len(lines)
    return counts


def for_seconds(seconds: float) -> Callable[[int], bool]:
    ends_at = time.monotonic() + seconds
    return lambda _: time.monotonic() < ends_at


@contextmanager
def _noting(lines: set[tuple[str, int]]) -> Iterator[None]:
    """Note the lines of ours that this thread reaches."""

    def local(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return local

    def trace(frame: FrameType, _: str, __: Any) -> Any:
        return local if frame.f_code.co_filename.startswith(_OURS) else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


# --- mutations ---


def _mutated(chance: random.Random, kept: list[bytes]) -> bytes:
    data = chance.choice(kept)
    if chance.random() < 0.5 and (changed := _with_odd_value(chance, data)) is not None:
        return changed
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        data = chance.choice(_MUTATIONS)(chance, data, kept)
    return data


def _with_odd_value(chance: random.Random, data: bytes) -> bytes | None:
    """Give JSON, which may stand behind a head, with an odd value somewhere; None if it is none."""
    head, brace, body = data.partition(b"{")
    try:
        document = json.loads(brace + body)
    except (ValueError, RecursionError):
        return None
    for _ in range(chance.choice((1, 1, 2, 3))):
        places = list(_places(document))
        if not places:
            break
        holder, key = chance.choice(places)
        if chance.random() < 0.2:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(chance.choice(_ODD_VALUES))
    return head + json.dumps(document).encode()


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    keys: Any = (
        node if isinstance(node, dict) else range(len(node) if isinstance(node, list) else 0)
    )
    for key in keys:
        yield node, key
        yield from _places(node[key])


def _flip(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _delete(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.choice((1, 2, 8, 64)) :]


def _insert(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(_ODD_WORDS) + data[at:]


def _repeat(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    start = chance.randrange(len(data) + 1)
    part = data[start : start + chance.choice((1, 8, 64))]
    return data[:start] + part * chance.choice((2, 3, 50)) + data[start:]


def _splice(chance: random.Random, data: bytes, kept: list[bytes]) -> bytes:
    other = chance.choice(kept)
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :]


def _cut(chance: random.Random, data: bytes, _: list[bytes]) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


_MUTATIONS = (_flip, _delete, _insert, _repeat, _splice, _cut)
