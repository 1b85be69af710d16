"""Hands in the database: what somebody does who can write to it, and nothing else."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import create_engine, delete, select, text, update

from bot.core.audit import START, AuditEntry, link
from bot.core.decisions.transition import entry_of
from bot.core.purge.purge import Event, Purge, State
from bot.demo.town import Town
from bot.store.audit.log import RAW_LINKS, read_link
from bot.store.schema import mapping as rows
from bot.store.schema.tables import audit, purges
from tests.support.builders import a_purge


def alters(place: Town, purge_id: str, **values: Any) -> None:
    """Change the row of a purge, and have it looked after at once."""
    assert place.bot is not None
    due = {"due_at": place.now(), "lane": 2 if values.get("state") in {"ready", "held"} else 0}
    with place.bot.store.engine.begin() as connection:
        connection.execute(
            update(purges).where(purges.c.id == purge_id).values(**{**due, **values})
        )


def approves_by_hand(place: Town, purge_id: str, *people: str) -> None:
    """Write approvals into the row, as if these people had pressed, and let it go."""
    at = place.now().isoformat()
    approvals = [
        {"user_id": who, "at": at, "roles": ["sre"], "channel_id": "C0WEB"} for who in people
    ]
    alters(place, purge_id, state="ready", yeses=approvals, decided_by=people[-1])


def forges_trail(place: Town, purge_id: str, **said: str) -> None:
    """Write the whole chain of a purge anew, so that its last entry says what the row says.

    Whoever can write to the database can drop the triggers that forbid it.
    """
    assert place.bot is not None
    engine = place.bot.store.engine
    with engine.begin() as connection:
        _drop_triggers(connection)
        question = RAW_LINKS.where(audit.c.purge_id == purge_id).order_by(audit.c.seq)
        links: list[Any] = list(connection.execute(question))
        entries = [read_link(row).entry for row in links]
        last = entries[-1]
        forged = AuditEntry(
            **{name: getattr(last, name) for name in AuditEntry.__slots__ if name != "detail"},
            detail={**last.detail, **said},
        )
        connection.execute(delete(audit).where(audit.c.purge_id == purge_id))
        end = START
        for entry in (*entries[:-1], forged):
            linked = link(entry, end)
            connection.execute(audit.insert().values(**rows.link_to_row(linked)))
            end = linked.end


def reinserts(place: Town, purge_id: str, *, under_another_id: bool, **values: Any) -> str:
    """Take the row of a purge out and put it in again, or a copy of it, otherwise than it was."""
    assert place.bot is not None
    with place.bot.store.engine.begin() as connection:
        found = select(purges).where(purges.c.id == purge_id)
        row = dict(connection.execute(found).mappings().one())
        if under_another_id:
            row |= {"id": secrets.token_hex(6), "trigger_id": secrets.token_hex(8)}
        else:
            connection.execute(delete(purges).where(purges.c.id == purge_id))
        connection.execute(purges.insert().values(**row))
    alters(place, row["id"], settled_at=None, told_at=None, **values)
    return str(row["id"])


def aims(place: Town, purge_id: str, domain: str, tags: list[str], **values: Any) -> None:
    """Have a purge be about something else."""
    target = a_purge(domain=domain, tags=tuple(tags)).target
    alters(place, purge_id, domain=domain, tags=tags, target=target, **values)


def writes_trail(place: Town, purge_id: str) -> None:
    """Write the chain of a purge anew, as the bot would have written it had all been as the row is.

    Whoever can write to the database can drop the triggers that forbid it.
    """
    assert place.bot is not None
    with place.bot.store.engine.begin() as connection:
        _drop_triggers(connection)
        found = connection.execute(select(purges).where(purges.c.id == purge_id)).one()
        purge = rows.row_to_purge(found)
        connection.execute(delete(audit).where(audit.c.purge_id == purge_id))
        end, number = START, 0
        for number, (event, user_id, stood) in enumerate(_as_if(purge), 1):  # noqa: B007
            linked = link(entry_of(stood, Event(event), place.now(), user_id), end)
            connection.execute(audit.insert().values(**rows.link_to_row(linked)))
            end = linked.end
        connection.execute(update(purges).where(purges.c.id == purge_id).values(version=number))


def _as_if(purge: Purge) -> Iterator[tuple[str, str | None, Purge]]:
    """Give a way to where a purge stands: each step's event, who did it, and the purge after it."""
    nobody = replace(purge, state=State.REQUESTED, approvals=(), decided_by=None)
    yield "request", purge.user_id, nobody
    if purge.state in {State.REQUESTED, State.JOINED, State.QUEUED}:
        if purge.state is not State.REQUESTED:
            event = "join" if purge.state is State.JOINED else "queue"
            yield event, None, purge
        return
    if not purge.approvals and purge.state is not State.WAITING:
        ready = replace(nobody, state=State.READY, decided_by=purge.decided_by)
        yield "break-glass" if purge.break_glass else "allow", None, ready
    else:
        yield "wait", None, replace(nobody, state=State.WAITING)
    for number, given in enumerate(purge.approvals, 1):
        last = number == len(purge.approvals) and purge.state is not State.WAITING
        event, state = ("approve", State.READY) if last else ("count", State.WAITING)
        stood = replace(purge, state=state, approvals=purge.approvals[:number])
        yield event, given.user_id, stood if last else replace(stood, decided_by=None)
    if purge.state is State.HELD:
        yield "send", None, replace(purge, state=State.SENDING)
        yield "hold", None, purge


def _drop_triggers(connection: Any) -> None:
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        for (name,) in found.all():
            connection.execute(text(f"DROP TRIGGER {name}"))
    else:
        connection.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))


def makes_unreadable(place: Town, purge_id: str) -> None:
    """Damage the row of a purge as a bad disk might: nothing foresees what can be in it then."""
    engine = create_engine(place.database_url)
    with engine.begin() as connection:
        said = text("UPDATE purges SET yeses = '{' WHERE id = :which")
        connection.execute(said, {"which": purge_id})
    engine.dispose()


def row_of(place: Town, purge_id: str) -> dict[str, Any]:
    """Give the row of a purge as plain values."""
    assert place.bot is not None
    with place.bot.store.engine.connect() as connection:
        found = connection.execute(select(purges).where(purges.c.id == purge_id)).mappings().one()
    return json.loads(json.dumps(dict(found), default=str))  # type: ignore[no-any-return]
