"""What the commands import, in the order of `purgebot run`: structlog without rich, see bot/cli."""

from bot.cli import _import_structlog

_import_structlog()


import bot.app  # noqa: E402
import bot.cli.answers  # noqa: E402
import bot.cli.checks.cards  # noqa: E402
import bot.cli.checks.cdn  # noqa: E402
import bot.cli.checks.database  # noqa: E402
import bot.cli.checks.files  # noqa: E402
import bot.cli.checks.policy_names  # noqa: E402
import bot.cli.checks.slack  # noqa: E402
import bot.demo.town  # noqa: E402
import bot.slack.socket_mode  # noqa: E402
import bot.store.database.postgresql  # noqa: E402
import bot.web.server  # noqa: E402, F401
