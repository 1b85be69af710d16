"""Five hundred signed but forged payloads: nothing is purged, approved or broken by them.

ATTACK_SEED=7 repeats what failed; ATTACK_PAYLOADS=5000 sends more.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.config.settings import Mode
from bot.demo.town import SAMPLE_POLICY, Town
from bot.simulators.slack.events.signing import signed_headers
from bot.store.schema import tables
from bot.worker.sending import SPENT
from tests.conftest import OpenTown
from tests.support.foreign_server import elsewhere
from tests.support.forged_requests import Forger
from tests.support.forged_values import Forged, Stage
from tests.support.http_door import Door, http_door
from tests.support.messages import APPROVE, cards
from tests.support.processes import all_purges, card_of, check_trail, lift_limits

CANCEL, SHOW_ALL, NEXT = "purge:cancel", "purge:tags", "tags:next"
BATCH = 25
ROW_BYTES = 12_000
"""A purge of all the tags that fit into a command is no larger; an attacker's is refused, and small."""
COUNTED = frozenset(
    ["approve", "count", "deny", "cancel", "postpone", "choose", "break-glass", "allow", "wait"]
)
LEFT = (
    *("complete", "unknown", "denied", "offered", "held", "joined"),
    *("ana", "ana-too", "sam", "kim", "granted"),
)
"""What the attack leaves as it was."""
DUE = {("running", "false"): 1}
"""What is sent meanwhile whoever attacks: what was queued behind the same."""
MANY = ",".join(f"page-{n}" for n in range(83))


@dataclass
class Standing:
    """What stands before the attack: the purges by their first tag."""

    stage: Stage
    ids: dict[str, str]


@dataclass
class Tally:
    """What came of the payloads."""

    answers: Counter[int] = field(default_factory=Counter)
    fivers: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    largest: int = 0


@contextmanager
def faults_into(faults: list[str]) -> Iterator[None]:
    """Write down every traceback of ours, and every error that a library logs."""

    class Errors(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            faults.append(f"{record.name}: {record.getMessage()[:300]}")

    libraries = Errors(logging.ERROR)
    logging.getLogger().addHandler(libraries)
    try:
        with capture_logs() as lines:
            yield
    finally:
        logging.getLogger().removeHandler(libraries)
    faults += [str(line) for line in lines if line.get("exc_info")]


def asks(place: Town, person: str, words: str) -> str:
    place.says(person, f"/purge {words}")
    place.settle()
    return card_of(cards(place)[-1])


def card(place: Town, purge_id: str) -> dict[str, Any]:
    (found,) = [each for each in cards(place) if card_of(each) == purge_id]
    return found


def set_up(door: Door, foreign: str) -> Standing:
    """Have requests stand in every state, and keep what Slack sent for them."""
    place, ids = door.place, dict[str, str]()
    ids["complete"] = asks(place, "U0ANA", "www.example.com complete")
    place.waits(minutes=10)
    place.post("cdn/settings", {"knows_tag_tasks": False})
    place.breaks(kind="lose_answer", action="RefreshObjectCacheByCacheTag", times=1)
    ids["unknown"] = asks(place, "U0ANA", "www.example.com unknown --force")
    place.presses("U0SAM", APPROVE, card(place, ids["unknown"]))
    place.settle()
    place.waits(minutes=12)
    place.post("cdn/settings", {"knows_tag_tasks": True})
    ids["denied"] = asks(place, "U0ANA", "www.example.com denied --force")
    place.denies("U0SAM", card(place, ids["denied"]), "the match is on")
    place.settle()
    denial = door.last("interactive")
    place.breaks(kind="error", code="QuotaExceeded.Refresh", times=1)
    ids["offered"] = asks(place, "U0SAM", "img.example.com offered")
    assert place.bot is not None
    known = place.bot.store.shared_state
    known.put(known.get(SPENT), {}, place.now())  # the quota was raised meanwhile
    ids["running"] = asks(place, "U0ANA", "img.example.com running")
    place.waits(seconds=8)
    ids["queued"] = asks(place, "U0SAM", "img.example.com running")
    place.breaks(kind="error", code="Throttling.User", retry_after_ms=1_500_000, times=1)
    ids["held"] = asks(place, "U0ANA", "img.example.com held")
    ids["joined"] = asks(place, "U0SAM", "img.example.com held")
    place.heals()
    ids["ana"] = asks(place, "U0ANA", "www.example.com ana --force")
    ids["ana-too"] = asks(place, "U0ANA", f"www.example.com {MANY} --force")
    ids["sam"] = asks(place, "U0SAM", "img.example.com sam --force")
    ids["kim"] = asks(place, "U0KIM", "shop.example.com kim --force")
    ids["granted"] = asks(place, "U0SAM", "shop.example.com granted --force")
    place.presses("U0KIM", APPROVE, card(place, ids["granted"]))
    place.settle()
    approval = door.last("interactive")
    place.presses("U0LEO", SHOW_ALL, card(place, ids["ana-too"]))
    place.settle()
    press = door.last("interactive")
    (form,) = place.forms("U0LEO")
    place.post("slack/press", {"as": "U0LEO", "view_id": form["id"], "action_id": NEXT})
    place.settle()
    place.says("U0LEO", "/purge help")
    place.settle()
    waiting = {ids["ana"]: "U0ANA", ids["ana-too"]: "U0ANA", ids["sam"]: "U0SAM"}
    stage = Stage(
        command=door.last("slash_commands"),
        press=press,
        denial=denial,
        tags=door.last("interactive"),
        counted=[approval, denial],
        own=waiting | {ids["kim"]: "U0KIM"},
        ended=[ids[tag] for tag in ids if ids[tag] not in waiting and tag != "kim"],
        foreign=foreign,
        cursor=f"older {place.now().isoformat()} {ids['ana']} history",
    )
    return Standing(stage, ids)


def tags_sent(place: Town) -> Counter[tuple[str, str]]:
    """Give what reached the CDN: the tags, and whether by force."""
    sent = (request["params"] for request in place.purges_sent())
    return Counter((each["CacheTag"], each.get("Force", "false")) for each in sent)


def states(place: Town) -> dict[str, tuple[str, int, int]]:
    return {
        each.id: (each.state.value, each.version, len(each.approvals)) for each in all_purges(place)
    }


def kept(place: Town) -> dict[str, dict[Any, int]]:
    """Give for each table how large each of its rows is."""
    assert place.bot is not None
    found: dict[str, dict[Any, int]] = {}
    for table in (tables.purges, tables.asks, tables.posts, tables.audit):
        key = next(iter(table.primary_key))
        rows = place.bot.store.read(select(table))
        found[table.name] = {
            getattr(row, key.name): len(json.dumps(tuple(row), default=str)) for row in rows
        }
    return found


def events(place: Town) -> Counter[str]:
    assert place.bot is not None
    return Counter(row.event for row in place.bot.store.read(select(tables.audit.c.event)))


def deliver(door: Door, forged: Forged, tally: Tally) -> None:
    secret = door.place.slack.signing_secret
    headers = dict(signed_headers(secret, forged.body, time.time() - forged.age_s))
    try:
        status = door.send(forged.body, headers | {"content-type": forged.content_type}).status_code
    except requests.ConnectionError:  # an exception came out of the app
        status = 500
    tally.answers[status] += 1
    if status >= 500:
        tally.fivers.append(forged.name)
    if abs(forged.age_s) > 300:
        assert status == 401


def weigh(place: Town, before: dict[str, dict[Any, int]], tally: Tally) -> None:
    for name, rows in kept(place).items():
        for key, size in rows.items():
            if key not in before[name]:
                tally.rows += 1
                tally.bytes += size
                tally.largest = max(tally.largest, size)


def attack(door: Door, membership: Standing, seed: int, count: int) -> Tally:
    """Send them all, and let the worker do what is due and time pass after each handful."""
    tally, before = Tally(), kept(door.place)
    with faults_into(tally.faults):
        for number, forged in enumerate(Forger(seed, membership.stage).payloads(count), 1):
            deliver(door, forged, tally)
            if number % BATCH == 0:
                door.place.settle()
                door.place.waits(seconds=300 * BATCH / count)
    weigh(door.place, before, tally)
    return tally


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """Give the playground's policy with time enough to undo for as long as the attack takes."""
    path = tmp_path / "policy.yaml"
    path.write_text(SAMPLE_POLICY.read_text().replace("undo: 10s", "undo: 9m"))
    return path


def test_nothing_comes_of_what_is_signed_but_forged(open_town: OpenTown, policy: Path) -> None:
    seed = int(os.environ.get("ATTACK_SEED", secrets.randbelow(10**6)))
    count = int(os.environ.get("ATTACK_PAYLOADS", "500"))
    print(f"ATTACK_SEED={seed}")
    place = open_town(policy=policy, mode=Mode.HTTP, with_bot=False)
    lift_limits(place)
    place.start_bot()
    with http_door(place) as door, elsewhere() as (foreign, hits):
        membership = set_up(door, foreign)
        ids = membership.ids
        stood, sent, told = states(place), tags_sent(place), events(place)
        assert len({state for state, *_ in stood.values()}) >= 9
        tally = attack(door, membership, seed, count)
        made = {each.id: each for each in all_purges(place) if each.id not in stood}
        counted = {event: events(place)[event] - told[event] for event in COUNTED}
        print(
            f"{sum(tally.answers.values())} payloads, answers {dict(tally.answers)}, 5xx "
            f"{tally.fivers}, purges {dict(tags_sent(place) - sent)}, counted {counted}, faults "
            f"{Counter(tally.faults)}, calls elsewhere {len(hits)}, rows {tally.rows}, bytes a "
            f"payload {tally.bytes // count}, largest {tally.largest}"
        )
        assert tally.fivers == []
        assert tally.faults == []
        assert tags_sent(place) - sent <= Counter(DUE)
        assert {event: count for event, count in counted.items() if count} == {}
        assert {tag: states(place)[ids[tag]] for tag in LEFT} == {
            tag: stood[ids[tag]] for tag in LEFT
        }
        assert {each.state.value for each in made.values()} <= {"refused"}
        assert not {each.user_id for each in made.values()} & {"U0ANA", "U0SAM", "U0KIM"}
        assert hits == []
        assert tally.largest <= ROW_BYTES
        assert tally.bytes <= 1_000 * count
        check_trail(place)
        the_rightful_are_heard(place, ids)


def the_rightful_are_heard(place: Town, ids: dict[str, str]) -> None:
    """The mirror: who may approve does, and who asked takes back."""
    sent = tags_sent(place)
    place.presses("U0SAM", APPROVE, card(place, ids["ana"]))
    place.presses("U0ANA", CANCEL, card(place, ids["ana-too"]))
    place.settle()
    assert tags_sent(place) - sent == Counter({("ana", "true"): 1})
    now = {purge_id: state for purge_id, (state, *_) in states(place).items()}
    assert now[ids["ana-too"]] == "cancelled"
    assert now[ids["granted"]] == "ready"
