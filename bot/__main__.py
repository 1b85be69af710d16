"""The command `purgebot`, also as `python -m bot`.

`--version` is answered here, before anything is imported that only the commands need.
"""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line; see `bot.cli`."""
    if sys.argv[1:] == ["--version"]:
        from importlib.metadata import version

        print(f"purgebot {version('purgebot')}")  # noqa: T201
        return
    if sys.argv[1:2] == ["run"]:
        gc.disable()  # it takes a fifth of the start, and `bot.cli.run` enables it again

    from bot.cli import main as run

    run()


if __name__ == "__main__":
    main()
