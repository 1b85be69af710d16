"""The road of a purge is as short as docs/development.md says: one real purge is traced, and one press.

On the road is every function of ours that is on the stack while the purge is read, decided on, saved,
sent and shown.  What these ask on their way, such as whether a tag is covered by a rule, is not.
"""

from __future__ import annotations

import re
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from tests.conftest import OpenTown
from tests.support.conversation import Person
from tests.support.messages import only_card, words
from tests.support.purgebot import ROOT

Step = tuple[str, str]
"""A file, and the qualified name of a function in it."""

DECIDED = {
    ("bot/core/command/parser.py", "parse"),
    ("bot/core/decisions/requests.py", "authorize_request"),
    ("bot/core/decisions/presses.py", "decide_press"),
    ("bot/core/decisions/authorization.py", "authorize_send"),
    ("bot/core/decisions/outcomes.py", "sending"),
    ("bot/core/decisions/outcomes.py", "accepted"),
}
SAVED = ("bot/store/store.py", "Store.apply")
SHOWN = ("handlers/blocks/purge.py", "card")
SENT = re.compile(r"CacheTag=|/api/chat\.")
"""What the address of a request to the CDN, or to Slack with a card, has in it."""
TURNS = {("bot.slack", "handlers"), ("bot.worker", "handlers")}
"""Where a package calls one above it, through what it was given: a message came, one is to be shown."""

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_purge_takes_the_road_that_the_page_lists(open_town: OpenTown) -> None:
    place = open_town(with_bot=False, time_passes=False)
    with traced() as stacks:
        place.start_bot()
        ana = Person(place, "U0ANA")
        ana.purges("www.example.com first")  # from now on it is known who she is
        stacks.clear()
        card = ana.purges("www.example.com hero")
        found = list(stacks)
    assert place.purges_sent()[-1]["params"]["CacheTag"] == "hero"
    assert "sent: the CDN has taken it" in words(card)
    road = {step for stack in found for step in stack}
    assert listed("A plain purge") == road
    assert len(road) <= 30
    assert len({file for file, _ in road}) <= 20
    assert climbs(found) <= TURNS


def test_a_press_on_approve_takes_the_road_that_the_page_lists(open_town: OpenTown) -> None:
    place = open_town(with_bot=False, time_passes=False)
    with traced() as stacks:
        place.start_bot()
        Person(place, "U0SAM", "C0OPS").purges("www.example.com hero --force")
        stacks.clear()
        Person(place, "U0KIM", "C0OPS").approves()
        found = list(stacks)
    assert "sent: the CDN has taken it" in words(only_card(place, "U0KIM", "C0OPS"))
    decided = next(
        at
        for at, stack in enumerate(found)
        if ("bot/core/decisions/presses.py", "decide_press") in stack
    )
    saved = next(at for at, stack in enumerate(found) if at > decided and SAVED in stack)
    road = {step for stack in found[: saved + 1] for step in stack}
    assert listed("A press on Approve") == road
    assert len(road) <= 18
    assert len({file for file, _ in road}) <= 14
    assert climbs(found) <= TURNS


@contextmanager
def traced() -> Iterator[list[list[Step]]]:
    """Give the stacks of all threads begun meanwhile, outermost call first, in order."""
    stacks: list[list[Step]] = []

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and is_on_the_road(frame):
            stacks.append(list(steps_of(frame))[::-1])

    with profiled(profile):
        yield stacks


@contextmanager
def profiled(profile: Callable[[FrameType, str, Any], None]) -> Iterator[None]:
    before = sys.getprofile(), threading.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield
    finally:
        sys.setprofile(before[0])
        threading.setprofile(before[1])


def is_on_the_road(frame: FrameType) -> bool:
    if frame.f_code.co_name == "putrequest":  # of http.client, below requests and slack_sdk
        return SENT.search(str(frame.f_locals.get("url"))) is not None
    return step_of(frame) in {*DECIDED, SAVED, SHOWN}


def steps_of(frame: FrameType | None) -> Iterator[Step]:
    while frame is not None:
        step = step_of(frame)
        if step is not None:
            yield step
        frame = frame.f_back


def step_of(frame: FrameType) -> Step | None:
    """Give the function of ours that a frame is in; a comprehension belongs to what is around it."""
    file, name = Path(frame.f_code.co_filename), frame.f_code.co_qualname
    if not file.is_relative_to(ROOT) or name.endswith(">"):
        return None
    where = file.relative_to(ROOT).as_posix()
    ours = where.startswith(("bot/", "handlers/"))
    stage = where.startswith(("bot/simulators/", "bot/demo/"))
    return (where, name.replace(".<locals>", "")) if ours and not stage else None


def listed(title: str) -> set[Step]:
    """Give the functions that docs/development.md lists under a title."""
    page = (ROOT / "docs/development.md").read_text()
    part = page.partition(f"\n**{title}**")[2].partition("\n**")[0].partition("\n#")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", part, re.MULTILINE)
    return {(file, name) for file, names in rows for name in re.findall(r"`([^`]+)`", names)}


def climbs(stacks: list[list[Step]]) -> set[tuple[str, str]]:
    """Give which package calls one above it, by the layers that imports have to keep to."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(each["layers"] for each in contracts if "bot.worker" in each.get("layers", ()))
    floors = {name: -floor for floor, row in enumerate(layers) for name in row.split(" | ")}

    def package(step: Step) -> str:
        return next(str(name) for name in floors if step[0].startswith(name.replace(".", "/")))

    calls = {
        (package(caller), package(callee)) for stack in stacks for caller, callee in pairwise(stack)
    }
    return {(caller, callee) for caller, callee in calls if floors[callee] > floors[caller]}
