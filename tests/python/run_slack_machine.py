"""slack-machine with the plugins that it comes with."""

import os

import elsewhere  # noqa: F401  (leads the SDK elsewhere, before anything connects)
from machine.bin.run import main

os.environ["SM_SETTINGS_MODULE"] = "slack_machine_settings"
main()
