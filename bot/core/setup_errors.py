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
ADDRESS_TAKEN = ErrorKind(
    code="http-bind-unusable",
    message="The bot cannot listen on {address}: {cause}.",
    hint="Check PURGEBOT_HTTP_BIND, and whether another program listens there.",
)

KINDS = (
    SETTINGS_INVALID,
    SLACK_REFUSED,
    APP_TOKEN_REFUSED,
    SLACK_AWAY,
    DATABASE_IN_USE,
    DATABASE_AWAY,
    ADDRESS_TAKEN,
)
