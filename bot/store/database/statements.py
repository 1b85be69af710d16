"""Prepared statements: compiled once per database, and run directly on the driver's connection.

They are for statements that run for every purge.  SQLAlchemy builds a context and a result object
for each execution, which takes longer than SQLite takes to run the statement.  A `Prepared` uses
only SQLAlchemy's SQL text and its conversion of values.
"""

from __future__ import annotations

import json
import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, Connection, Dialect, literal_column
from sqlalchemy.exc import DBAPIError

from bot.store.database import sqlite

Convert = Callable[[Any], Any]


def one_of(column: Column[Any], words: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that a column has one of these words.

    The words must be constants of this program: they are inserted into the SQL text unescaped.
    They are not bind parameters, because the length of a list must be known when it is compiled.
    """
    return column.in_([literal_column(f"'{word}'") for word in words])


class Prepared:
    """A statement with named bind parameters, for SQLite and PostgreSQL.

    The caller must begin the transaction, or run the statement without one on purpose.  Execution
    on the driver's connection does not begin SQLAlchemy's transaction, so the engine's `begin`
    event is not sent.
    """

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, tuple[str, ...]], _Compiled] = {}

    def start(self, connection: Connection, values: Mapping[str, Any]) -> Started:
        """Send the statement.  In a pipeline, its result and its errors come later.

        Raises: DBAPIError.
        """
        dialect = connection.dialect
        key = (dialect.name, tuple(values))
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = _Compiled(self._statement, dialect, key[1])
        driver: Any = connection.connection.dbapi_connection
        failed: type[Exception] = dialect.loaded_dbapi.Error
        try:
            run = driver.execute if compiled.is_sqlite else driver.start
            cursor = run(compiled.sent, compiled.bind(values))
        except failed as error:
            raise _wrapped(connection, error, compiled.sql) from error
        return Started(connection, compiled, cursor, failed)

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run the statement.  Return how many rows it changed.  Raises: DBAPIError."""
        return self.start(connection, values).count()

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Start the statement once for each mapping of values in `rows`.

        They should have the same keys in the same order: each other sequence of keys is compiled
        anew.
        Raises: DBAPIError.
        """
        for row in rows:
            self.start(connection, row)

    def rows(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Run the statement.  Return its rows as named tuples.  Raises: DBAPIError."""
        return self.start(connection, values).rows()


@dataclass(slots=True)
class Started:
    """A statement that was sent.  Both methods wait for its result, and raise DBAPIError."""

    _connection: Connection
    _compiled: _Compiled
    _cursor: Any
    _error: type[Exception]

    def count(self) -> int:
        """Return how many rows it changed."""
        try:
            found: int = self._cursor.rowcount
        except self._error as error:
            raise _wrapped(self._connection, error, self._compiled.sql) from error
        return found

    def rows(self) -> list[Any]:
        """Return its rows as named tuples."""
        try:
            found = self._cursor.fetchall()
        except self._error as error:
            raise _wrapped(self._connection, error, self._compiled.sql) from error
        return self._compiled.read(found, self._cursor)


@contextmanager
def pipelined(connection: Connection) -> Iterator[None]:
    """Send the statements of this block to PostgreSQL without waiting for each other's results.

    In it, statements must be run by `Prepared`: SQLAlchemy needs each result at once.
    https://www.psycopg.org/psycopg3/docs/advanced/pipeline.html
    Raises: DBAPIError.
    """
    session: Any = connection.connection.dbapi_connection
    with wrapping(connection, ""), session.together():
        yield


@contextmanager
def wrapping(connection: Connection, sql: str) -> Iterator[None]:
    """Convert errors of the driver in this block to DBAPIError."""
    try:
        yield
    except connection.dialect.loaded_dbapi.Error as error:
        raise _wrapped(connection, error, sql) from error


def _wrapped(connection: Connection, error: Exception, sql: str) -> DBAPIError:
    """Return a driver's error as a DBAPIError, and invalidate the connection if it is unusable."""
    if connection.dialect.name == "sqlite":
        is_useless = sqlite.is_read_only(error)
    else:
        from bot.store.database.postgresql import ends_session

        is_useless = ends_session(error) or connection.connection.dbapi_connection.closed  # type: ignore[union-attr]  # not None: it is not yet invalidated
    if is_useless:
        connection.invalidate(error)
    return DBAPIError(sql, None, error, hide_parameters=True, connection_invalidated=is_useless)


class _Compiled:
    """A statement compiled for one dialect and for values with these keys."""

    def __init__(self, statement: Any, dialect: Dialect, keys: tuple[str, ...]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(keys))
        assert "POSTCOMPILE" not in compiled.string, "lists are written out, by one_of"
        assert not getattr(compiled, "insert_prefetch", ()), "every column with a default is given"
        self.sql: str = compiled.string
        self.is_sqlite = dialect.name == "sqlite"
        self.sent: Any = self.sql
        """What the driver is given: text for SQLite, a `Statement` for PostgreSQL."""
        names: Iterable[str] = compiled.positiontup or ()
        if not self.is_sqlite:
            from bot.store.database.session import Statement  # importing psycopg takes long

            text, names = _numbered(self.sql)
            self.sent = Statement(text.encode())
        given = set(keys)
        parameters: list[tuple[str, Any, Convert | None]] = []
        for name in names:
            bind, value = compiled.binds.get(name), compiled.params[name]
            convert = _convert_in(bind.type, dialect) if bind is not None else None
            if name not in given:
                assert bind is None or not bind.required, f"{name} is not given"
                parameters.append(("", convert(value) if convert else value, None))
            else:
                parameters.append((name, None, convert))
        self._parameters = parameters
        self._dialect = dialect
        self._columns = list(getattr(compiled.statement, "exported_columns", ()))
        self._row = _row_type([column.key for column in self._columns])
        self._convert_out: list[tuple[int, Convert]] | None = None

    def bind(self, values: Mapping[str, Any]) -> list[Any]:
        """Return the driver's parameters for these values, in their order."""
        return [
            (values[name] if convert is None else convert(values[name])) if name else constant
            for name, constant, convert in self._parameters
        ]

    def read(self, found: Sequence[Sequence[Any]], cursor: Any) -> list[Any]:
        """Return the rows of the driver's cursor as named tuples with converted values."""
        if self._convert_out is None:  # it depends on the column types that the server sends
            sent_as = enumerate(zip(self._columns, cursor.description, strict=True))
            self._convert_out = [
                (place, convert)
                for place, (column, sent) in sent_as
                if (convert := _convert_out(column.type, self._dialect, sent[1])) is not None
            ]
        if not self._convert_out:
            return [self._row(raw) for raw in found]
        rows = []
        for raw in found:
            values = list(raw)
            for place, convert in self._convert_out:
                values[place] = convert(values[place])
            rows.append(self._row(values))
        return rows


def _numbered(sql: str) -> tuple[str, list[str]]:
    """Return SQL with %(names)s as SQL with numbers, which libpq takes, and the names in order."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return re.sub(r"%%|%\((\w+)\)s", number, sql), names


def _row_type(names: Sequence[str]) -> Any:
    new_type: Any = namedtuple  # noqa: PYI024  (a typed one needs its names in the source)
    return new_type("Row", names)._make


def _convert_in(kind: Any, dialect: Dialect) -> Convert | None:
    if isinstance(kind, JSON):  # SQLAlchemy and psycopg come to the same in six calls
        return _json_or_null if kind.none_as_null else json.dumps
    convert: Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _json_or_null(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _convert_out(kind: Any, dialect: Dialect, sent: Any) -> Convert | None:
    convert: Convert | None = kind.dialect_impl(dialect).result_processor(dialect, sent)
    return convert
