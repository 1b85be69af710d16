"""A purge whose row says what its trail does not is found, and it is named what differs.

purge A     denied by one                      purge C     approved by two, and to be sent
purge B     refused                            purge D     its requester broke the glass
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import timedelta

import pytest
from sqlalchemy import insert

from bot.core.audit import RETENTION, AuditEntry, link, pruned
from bot.core.decisions.transition import entry_of
from bot.core.policy.quorum import Approval
from bot.core.purge.purge import Event, advance
from bot.store.audit.log import PRUNE
from bot.store.audit.verify import verify
from bot.store.schema.mapping import link_to_row, purge_to_row
from bot.store.schema.tables import audit, purges
from bot.store.store import Store
from tests.support.audit_tampering import altering, fault_after, new_store
from tests.support.audit_trail import NOON, A, B, C, agree, begin, open_store, step, write_trail

D = "PD"
LATER = NOON + timedelta(days=1)


def break_glass(store: Store) -> None:
    asked = begin(store, D, break_glass=True)
    ready = advance(asked, Event.BREAK_GLASS, NOON)
    assert store.apply(step(ready, Event.BREAK_GLASS))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def written(request: pytest.FixtureRequest) -> Iterator[Store]:
    with new_store(request) as store:
        write_trail(store)
        agree(store)
        break_glass(store)
        yield store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = open_store(database_url)
    yield opened
    opened.close()


def test_purges_that_nobody_touched_are_as_their_trail_says(written: Store) -> None:
    verdict = verify(written.engine)
    assert (verdict.finding, verdict.purges) == (None, 4)


EVE = """'[{"user_id": "U0EVE", "at": "2024-11-02T12:00:00+00:00", "roles": []}]'"""


@pytest.mark.parametrize(
    ("change", "purge", "differs"),
    [
        ("user_id = 'U0EVE'", C, "its row differs from its request, entry 1, in requester"),
        ("user_id = 'U0EVE'", B, "its row differs from its request, entry 1, in requester"),
        ("domain = 'shop.example.com'", C, "in domain"),
        ("""tags = '["hero", "all"]'""", C, "in tags"),
        ("""tags = '["hero,logo"]'""", C, "in tags"),
        ("""tags = '["logo", "hero"]'""", C, "in tags"),
        ("force = NOT force", C, "in force"),
        ("break_glass = NOT break_glass", C, "request, entry 1, in break_glass"),
        ("break_glass = NOT break_glass", D, "last step, entry 2, in break_glass"),
        ("state = 'held'", C, "its row differs from its last step, entry 4, in state"),
        ("state = 'ready'", A, "last step, entry 3, in state"),
        (f"yeses = {EVE}", A, "in approvals"),
        (f"yeses = {EVE}", C, "in approvals"),
        ("yeses = '[]'", C, "in approvals"),
        ("decided_by = 'U0EVE'", C, "in decided_by"),
        ("decided_by = NULL", A, "in decided_by"),
        (f"yeses = {EVE}, state = 'held'", C, "in state, approvals"),
        ("version = version + 1", A, "is missing"),
        ("version = version - 1", C, "a step that it never took"),
    ],
)
def test_a_row_that_says_what_its_trail_does_not_is_named(
    written: Store, change: str, purge: str, differs: str
) -> None:
    fault = fault_after(written, altering(change, f"id = '{purge}'", "purges"))
    assert fault is not None
    assert fault.place.partition(",")[0] == f"purge {purge}"
    assert differs in fault.wrong


@pytest.mark.parametrize(
    "change",
    ["due_at = NULL", "lease_holder = 'me'", "attempts = 3", "told_at = requested_at", "lane = 2"],
)
def test_what_no_step_writes_down_may_differ(written: Store, change: str) -> None:
    assert fault_after(written, altering(change, f"id = '{C}'", "purges")) is None


@pytest.mark.parametrize("written", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "change",
    ["tags = '{'", "tags = '5'", "tags = x'00'", "yeses = '[1]'", "force = 'x'", "version = 'x'"],
)
def test_a_row_made_unreadable_is_named(written: Store, change: str) -> None:
    fault = fault_after(written, altering(change, f"id = '{C}'", "purges"))
    assert fault is not None
    assert (fault.place, fault.wrong) == (
        f"purge {C}",
        "has a row that was altered: it cannot be read",
    )


def test_a_purge_that_is_gone_is_named(written: Store) -> None:
    for purge in (A, C):
        fault = fault_after(written, f"DELETE FROM purges WHERE id = '{purge}'")  # noqa: S608
        assert fault is not None
        assert (fault.place, fault.wrong) == (
            f"purge {purge}",
            "is missing: its trail tells of it",
        )


def test_a_purge_that_nobody_asked_for_is_named(written: Store) -> None:
    purge = written.purge(C)
    assert purge is not None
    made_up = replace(purge, id="PX", trigger_id="made up", version=1)
    row = purge_to_row(made_up) | {"attempts": 0}
    fault = fault_after(written, insert(purges).values(row))
    assert fault is not None
    assert (fault.place, fault.wrong) == ("purge PX, entry 1", "is missing")


def test_a_purge_whose_trail_does_not_begin_with_a_request_is_named(written: Store) -> None:
    purge = written.purge(C)
    assert purge is not None
    made_up = replace(purge, id="PX", trigger_id="made up", version=1)
    begin_by_hand = link(entry_of(made_up, Event.APPROVE, NOON, "U0KIM"))
    fault = fault_after(
        written,
        insert(purges).values(purge_to_row(made_up) | {"attempts": 0}),
        insert(audit).values(link_to_row(begin_by_hand)),
    )
    assert fault is not None
    assert (fault.place, fault.wrong) == ("purge PX, entry 1", "is not the request")


# Older entries, and emptied ones


def old_style(entry: AuditEntry) -> AuditEntry:
    """Give an entry as releases up to schema 0006 wrote it."""
    newer = {"requester", "approvals", "decided_by"}
    detail = {name: fact for name, fact in entry.detail.items() if name not in newer}
    return replace(entry, detail=detail)


def test_what_an_earlier_release_did_not_write_down_is_not_compared(store: Store) -> None:
    asked = begin(store, A, entry=old_style)
    yes = Approval("U0SAM", NOON)
    waiting = advance(asked, Event.WAIT, NOON)
    counted = advance(waiting, Event.APPROVE, NOON, approvals=(yes,))
    steps = [step(waiting, Event.WAIT), step(counted, Event.APPROVE)]
    for version, taken in enumerate(steps, 2):
        after = replace(counted, version=version, decided_by="U0SAM")
        old = old_style(taken.audit[0])
        assert store.apply(replace(taken, purge=after, audit=(old,)))
    assert verify(store.engine).finding is None
    for change in ("state = 'held'", "user_id = 'U0EVE'", "force = NOT force"):
        assert fault_after(store, altering(change, f"id = '{A}'", "purges")) is not None


def test_what_was_pruned_is_not_compared(store: Store) -> None:
    """Not with a row that has come to its end; what the row says of it is all that is left."""
    write_trail(store)
    agree(store)
    assert store.audit.prune(LATER, LATER) == 8
    verdict = verify(store.engine)
    assert (verdict.finding, verdict.purges) == (None, 3)
    fault = fault_after(store, altering("state = 'held'", f"id = '{A}'", "purges"))
    assert fault is not None
    assert (fault.place, fault.wrong) == (
        f"purge {A}, entry 1",
        "was emptied before the purge came to its end",
    )


def test_the_trail_of_a_purge_that_waits_cannot_be_emptied_to_hide_a_change(store: Store) -> None:
    """The database takes it for a pruning, and the trail may even tell of one."""
    agree(store)
    left = asdict(pruned(C, LATER))
    told = AuditEntry(RETENTION, LATER, PRUNE, detail={"before": LATER.isoformat(), "entries": "4"})
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(audit.update().where(audit.c.purge_id == C).values(left))
        connection.execute(insert(audit).values(link_to_row(link(told))))
        connection.execute(purges.update().values(user_id="U0EVE"))
    fault = verify(store.engine).finding
    assert fault is not None
    assert fault.place == f"purge {C}, entry 1"
    assert "was emptied" in fault.wrong


def test_many_purges_are_looked_through_a_few_at_a_time(store: Store) -> None:
    first = begin(store, "P0000")
    many = [  # more than one answer of the database holds
        replace(first, id=f"P{number:04}", trigger_id=str(number)) for number in range(1, 1_100)
    ]
    requests = [link(entry_of(each, Event.REQUEST, NOON, each.user_id)) for each in many]
    with store.engine.execution_options(writing=True).begin() as connection:
        connection.execute(insert(purges), [purge_to_row(each) | {"attempts": 0} for each in many])
        connection.execute(insert(audit), [link_to_row(each) for each in requests])
    verdict = verify(store.engine)
    assert (verdict.finding, verdict.purges) == (None, 1_100)
    fault = fault_after(store, altering("domain = 'a.example.com'", "id = 'P1099'", "purges"))
    assert fault is not None
    assert fault.place == "purge P1099"
