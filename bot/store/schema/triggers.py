"""Are the triggers in place that keep the audit append-only?  The first migration makes them.

Whoever owns the database can take one away, or make one of the same name that does nothing; so it
is looked at whether each is there, is on, and refuses.  Upon what condition it does is not.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

_REFUSAL = "'the audit is append-only'"
_ON_SQLITE = (
    "audit_delete",
    "audit_replace",
    "audit_update",
    "checkpoints_delete",
    "checkpoints_replace",
    "checkpoints_update",
)
_ON_POSTGRESQL = ("audit_delete", "audit_update", "checkpoints_change")

_SQLITE = text(
    "SELECT name, 1 AS is_on, instr(sql, :refuses) > 0 AS refuses FROM sqlite_master"
    " WHERE type = 'trigger' AND tbl_name IN ('audit', 'checkpoints')"
)
# An enabled trigger fires on changes of one's own (O), or on replicated ones as well (A).
_POSTGRESQL = text(
    "SELECT tgname AS name, tgenabled IN ('O', 'A') AS is_on,"
    " position(:refuses IN prosrc) > 0 AS refuses"
    " FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
    " WHERE tgrelid IN (to_regclass('audit'), to_regclass('checkpoints')) AND NOT tgisinternal"
)


def faults_in_triggers(connection: Connection) -> Iterator[tuple[str, str]]:
    """Give each trigger that does not refuse as it should, and why."""
    sqlite = connection.dialect.name == "sqlite"
    question, names = (_SQLITE, _ON_SQLITE) if sqlite else (_POSTGRESQL, _ON_POSTGRESQL)
    refuses = f"RAISE(ABORT, {_REFUSAL})" if sqlite else f"RAISE EXCEPTION {_REFUSAL}"
    found = {row.name: row for row in connection.execute(question, {"refuses": refuses})}
    for name in names:
        row = found.get(name)
        if row is None:
            yield name, "is missing, so that the audit could be changed"
        elif not row.is_on:
            yield name, "is disabled, so that the audit could be changed"
        elif not row.refuses:
            yield name, "was altered, so that the audit could be changed"
