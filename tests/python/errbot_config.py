"""Settings of errbot, which wants each of those in its template to be there."""

import logging
import os
from pathlib import Path

import errbot
import slackv3

exec(Path(errbot.__file__).with_name("config-template.py").read_text())  # noqa: S102

BACKEND = "SlackV3"
BOT_EXTRA_BACKEND_DIR = str(Path(slackv3.__file__).parent)
BOT_DATA_DIR = os.environ["ERRBOT_FOLDER"]
BOT_EXTRA_PLUGIN_DIR = None
BOT_LOG_FILE = None
BOT_LOG_LEVEL = logging.ERROR
BOT_ADMINS = ("@ana",)
BOT_IDENTITY = {
    "app_token": os.environ["SLACK_APP_TOKEN"],
    "token": os.environ["SLACK_BOT_TOKEN"],
}
CORE_PLUGINS = ("Help",)
STORAGE = "Memory"
