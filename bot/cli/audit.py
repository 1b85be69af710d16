"""`purgebot audit export` and `purgebot audit verify`: the audit trail on the command line.

Both need only the database, and may be used while the bot runs.  Exit codes of `verify`:

    0    the trail is unchanged, and each purge matches it
    1    it is not; the first altered or missing part is named: an entry, a purge's row, a
         checkpoint, or a trigger that protects the trail from changes
    2    the command line or the database cannot be used
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from bot.core.audit import Link
    from bot.store.database.engine import Database

audit_app = typer.Typer(help="Export and verify the audit trail.", no_args_is_help=True)

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
"""The characters with which a formula begins in spreadsheets."""


class Format(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"


@audit_app.command()
def export(
    since: Annotated[
        str | None, typer.Option(help="A day or a moment in UTC (2026-11-01), or a span (2d, 12h).")
    ] = None,
    layout: Annotated[Format, typer.Option("--format", help="Form of the lines.")] = Format.JSONL,
) -> None:
    """Write the audit trail to stdout, oldest entry first."""
    from bot.store.audit.log import AuditLog

    start = None if since is None else _moment(since, datetime.now(UTC))
    with _database() as database:
        entries = (_flat(number, each) for number, each in AuditLog(database).read_all(start))
        try:
            if layout is Format.JSONL:
                for entry in entries:
                    typer.echo(json.dumps(entry))
            else:
                _write_csv(entries)
        except (TypeError, ValueError):
            typer.echo("An entry cannot be read; `purgebot audit verify` says which.", err=True)
            raise typer.Exit(1) from None


@audit_app.command()
def verify(
    kept: Annotated[
        str | None,
        typer.Option("--checkpoint", help="The hash of a checkpoint that you kept elsewhere."),
    ] = None,
) -> None:
    """Say whether the audit trail is as it was written, and each purge as it says."""
    from bot.store.audit.verify import verify as verify_trail
    from bot.store.migrations import check_not_ahead

    with _database() as database:
        with database.engine.connect() as connection:
            check_not_ahead(connection)
        verdict = verify_trail(database.engine)
    if verdict.finding is not None:
        typer.echo(f"FAIL  {verdict.finding.place}: {verdict.finding.wrong}")
        raise typer.Exit(1)
    if kept is not None and kept not in {each.hash for each in verdict.checkpoints}:
        typer.echo("FAIL  the checkpoint that you kept is not there: the trail was made anew")
        raise typer.Exit(1)
    typer.echo(
        f"ok    {verdict.entries} entries in {verdict.chains} chains; {verdict.pruned} are pruned"
    )
    typer.echo(f"ok    {verdict.purges} purges are as their trail says")
    if verdict.checkpoints:
        newest = verdict.checkpoints[-1]
        typer.echo(f"ok    {len(verdict.checkpoints)} checkpoints; keep the newest one elsewhere:")
        typer.echo(f"      {newest.hash}  {newest.at.isoformat()}")
    else:
        typer.echo("      no checkpoint yet")


def _moment(text: str, now: datetime) -> datetime:
    try:
        if span := re.fullmatch("([0-9]+)([dhm])", text):
            return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        msg = f"{text} is neither a moment like 2026-11-01 nor a span like 2d or 12h"
        raise typer.BadParameter(msg) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@contextmanager
def _database() -> Iterator[Database]:
    """Open the database of the settings.  A missing file is not created."""
    from sqlalchemy import make_url

    from bot.config.settings import DatabaseSettings, read_settings
    from bot.core.errors import BotError
    from bot.core.setup_errors import DATABASE_AWAY
    from bot.store.database.engine import Database, or_away
    from bot.store.database.sqlite import path_in

    url = make_url(read_settings(DatabaseSettings).database_url.get_secret_value())
    file = path_in(url)
    if file is not None and not file.is_file():
        raise BotError(DATABASE_AWAY, cause=f"there is no file {file}")
    database = Database(url.render_as_string(hide_password=False), writes=False)
    with closing(database), or_away():
        yield database


def _flat(number: int, linked: Link) -> dict[str, Any]:
    """Return an entry as it is exported: its ID, its fields, and its place in the chain."""
    from bot.store.schema.mapping import link_to_row

    at = linked.entry.at.isoformat(timespec="microseconds")
    return {"id": number, **link_to_row(linked), "at": at}


def _write_csv(entries: Iterator[dict[str, Any]]) -> None:
    from bot.core.audit import AuditEntry

    columns = ["id", *AuditEntry.__slots__, "seq", "previous", "hash"]
    writer = csv.DictWriter(sys.stdout, columns)
    writer.writeheader()
    for entry in entries:
        flat = entry | {"detail": json.dumps(entry["detail"])}
        writer.writerow({name: _cell(value) for name, value in flat.items()})


def _cell(value: object) -> object:
    """Return a cell that no spreadsheet treats as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
