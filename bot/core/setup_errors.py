"""What can keep the bot from starting: told to operators, never to people in Slack."""

from __future__ import annotations

from bot.core.errors import ErrorKind

SETTINGS_INVALID = ErrorKind(
    code="settings-invalid",
    message="The settings cannot be used:\n{mistakes}",
    hint="Set these variables in the environment or in a .env file; see docs/operate.md.",
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
    message="Slack cannot be reached.",
    hint="Check the network, HTTPS_PROXY if there is one, and SLACK_API_URL.",
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
SCHEMA_OLD = ErrorKind(
    code="database-schema-old",
    message="The database has the tables of an older version, or none yet (schema {found}; this "
    "version needs {needed}).",
    hint="Run `purgebot migrate` with the same PURGEBOT_DATABASE_URL, then start again.",
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

KINDS = (
    SETTINGS_INVALID,
    SLACK_REFUSED,
    APP_TOKEN_REFUSED,
    SLACK_AWAY,
    DATABASE_IN_USE,
    DATABASE_AWAY,
    SCHEMA_OLD,
    SCHEMA_NEW,
    SCHEMA_AHEAD,
    DATABASE_NOT_OURS,
    MOVE_TARGET_OTHER,
    MOVE_TARGET_IN_USE,
    MOVE_SOURCE_UNUSABLE,
    MOVE_SOURCE_OLD,
    MOVE_SOURCE_ALTERED,
    ADDRESS_TAKEN,
    TRACING_EXTRA_MISSING,
)
