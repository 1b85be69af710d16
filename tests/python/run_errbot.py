"""errbot with its Slack backend and no plugins but its own."""

import sys
from pathlib import Path

import elsewhere  # noqa: F401  (leads the SDK elsewhere, before anything connects)
from errbot.cli import main

sys.argv = ["errbot", "--config", str(Path(__file__).with_name("errbot_config.py"))]
main()
