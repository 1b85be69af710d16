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

KINDS = (SETTINGS_INVALID, SLACK_REFUSED, SLACK_AWAY, DATABASE_IN_USE)
