"""Errors that stop the bot's start or a policy's loading: for operators, never in Slack."""

from __future__ import annotations

from bot.core.errors import ErrorKind

SETTINGS_INVALID = ErrorKind(
    code="settings-invalid",
    message="The settings cannot be used:\n{mistakes}",
    hint="Set these variables in the environment or in a .env file; see docs/operate.md.",
)
POLICY_INVALID = ErrorKind(
    code="policy-file-invalid",
    message="The policy {source} cannot be used:\n{mistakes}",
    hint="Put the lines right and load it again; docs/policy.md shows what may stand there.",
)
POLICY_UNREADABLE = ErrorKind(
    code="policy-file-unreadable",
    message="The policy {source} cannot be read: {cause}.",
    hint="Check the path and the rights of the file.",
)
POLICY_TESTS_INVALID = ErrorKind(
    code="policy-tests-invalid",
    message="The expected decisions in {source} cannot be read:\n{mistakes}",
    hint="Put the lines right; docs/policy.md, “Testing a policy”, shows how they are written.",
)
SLACK_REFUSED = ErrorKind(
    code="slack-refused",
    message="Slack does not accept the bot's token ({error}).",
    hint="Check SLACK_BOT_TOKEN, and that the app is installed in the workspace.",
)
APP_TOKEN_REFUSED = ErrorKind(
    code="slack-app-token-refused",
    message="Slack does not accept the app-level token ({error}).",
    hint="Check SLACK_APP_TOKEN: it needs the scope connections:write, and Socket Mode must be on.",
)
SLACK_AWAY = ErrorKind(
    code="slack-away",
    message="Slack cannot be reached: {why}.",
    hint="{remedy} (SLACK_API_URL is only for trials; docs/operate.md, “Behind a proxy”.)",
    retryable=True,
)
DATABASE_IN_USE = ErrorKind(
    code="database-in-use",
    message="Another Purgebot works with the database file {file}.",
    hint="Stop the other one, or use PostgreSQL, which several may share.",
)
DATABASE_AWAY = ErrorKind(
    code="database-away",
    message="The database cannot be used: {cause}.",
    hint="Check PURGEBOT_DATABASE_URL, and that the server runs and takes this user.",
    retryable=True,
)
DATABASE_LOCKED = ErrorKind(
    code="database-locked",
    message="Another program holds a lock on the database, and does not release it.",
    hint="Find it and end it: `fuser FILE` names the processes that have the file open. A running "
    "Purgebot goes on by itself when the lock is released.",
    retryable=True,
)
DATABASE_NOT_WRITABLE = ErrorKind(
    code="database-not-writable",
    message="The database takes no writes: {cause}.",
    hint="Look whether a failover is under way, whether its disk is full, and who made it read-only. "
    "A running Purgebot goes on by itself when it takes writes again.",
    retryable=True,
)
DATABASE_ENCODING = ErrorKind(
    code="database-encoding",
    message="The database has the encoding {encoding}, which cannot hold or check all that people "
    "write.",
    hint="Make a new one, createdb --encoding=UTF8 --template=template0 NAME, and bring what there "
    "is over with pg_dump --encoding=UTF8.",
)
DATABASE_OPTIONS = ErrorKind(
    code="database-options",
    message="PURGEBOT_DATABASE_URL has {option}, which {taker} does not take.",
    hint="The URL takes the connection parameters of libpq. Through a connection pooler its options "
    "can only be -c NAME=VALUE: set others with ALTER ROLE, or leave the pooler out.",
)
SCHEMA_OLD = ErrorKind(
    code="database-schema-old",
    message="The database has the tables of an older version, or none yet (schema {found}; this "
    "version needs {needed}).",
    hint="Run `purgebot migrate` with the same PURGEBOT_DATABASE_URL, then start again.",
)
SCHEMA_TOO_OLD = ErrorKind(
    code="database-schema-too-old",
    message="The database has the tables of a version from before the first release (schema "
    "{found}); this one brings up tables from schema {oldest} on.",
    hint="Use an empty database. To keep this one, bring it to schema {oldest} with a version from "
    "before the release first.",
)
SCHEMA_NEW = ErrorKind(
    code="database-schema-new",
    message="The tables were changed by a newer version in a way that this one cannot work with "
    "(schema {found}, for versions that know {floor}; this one knows {needed}).",
    hint="Install the newer version. The tables do not go back; a backup from before does.",
)
SCHEMA_AHEAD = ErrorKind(
    code="database-schema-ahead",
    message="The tables are of a newer version (schema {found}; this one knows {needed}), and only "
    "that one can tell whether they are whole.",
    hint="Run the same command of the newer version.",
)
DATABASE_NOT_OURS = ErrorKind(
    code="database-not-ours",
    message="The database holds the tables of another program (schema {found}).",
    hint="Check PURGEBOT_DATABASE_URL: Purgebot needs a database of its own.",
)
MOVE_TARGET_OTHER = ErrorKind(
    code="move-target-other",
    message="PURGEBOT_DATABASE_URL names no PostgreSQL database to move to.",
    hint="Set it to postgresql://user@host/name, an empty database, and do it again.",
)
MOVE_TARGET_IN_USE = ErrorKind(
    code="move-target-in-use",
    message="The database of PURGEBOT_DATABASE_URL has {rows} rows in {table} already: nothing was "
    "moved.",
    hint="Give an empty database: nothing is merged, and nothing overwritten.",
)
MOVE_SOURCE_UNUSABLE = ErrorKind(
    code="move-source-unusable",
    message="{file} cannot be moved: {cause}.",
    hint="Give the SQLite file that Purgebot worked with until now.",
)
MOVE_SOURCE_OLD = ErrorKind(
    code="move-source-old",
    message="{file} has the tables of an older version (schema {found}; this version needs "
    "{needed}): nothing was moved.",
    hint="Bring it up first: PURGEBOT_DATABASE_URL=sqlite:///{file} purgebot migrate",
)
MOVE_SOURCE_ALTERED = ErrorKind(
    code="move-source-altered",
    message="The audit trail of {file} is not as it was written ({fault}): nothing was moved.",
    hint="Find out who changed it, and move a backup whose trail holds.",
)
ADDRESS_TAKEN = ErrorKind(
    code="http-bind-unusable",
    message="The bot cannot listen on {address}: {cause}.",
    hint="Check PURGEBOT_HTTP_BIND and PURGEBOT_STATUS_BIND, and whether another program listens "
    "there.",
)
TRACING_EXTRA_MISSING = ErrorKind(
    code="tracing-extra-missing",
    message="OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, but Purgebot was installed without that "
    "part.",
    hint="Install purgebot[tracing], or take the variable away.",
)
