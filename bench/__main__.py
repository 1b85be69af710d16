"""Everything that is measured, in one run: `make bench`, or `python -m bench [--quick] [PART …]`.

ack         from command to acknowledgement, beside bare Bolt and the floor
click       from a press on Approve to the CDN
answer      from command to posted answer, and at rest, beside bare Bolt and the floor
approvals   what 10,000 waiting approvals cost beside 10
tasks       what 10,000 tasks at work cost beside 10
history     history and status over 1,000 and 1,000,000 purges
policy      a decision with 10 and with 10,000 rules
start       cold start and imports, beside bare Bolt
replicas    1, 2 and 4 replicas
demo        how long a newcomer waits for the demo (only when named: it needs a browser)

Each prints its tables; a run that is not --quick also writes them into docs/performance.md.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import time

import structlog

from bench.report import keep, machine

USUAL = ["ack", "click", "answer", "approvals", "tasks", "history", "policy", "start", "replicas"]
PARTS = [*USUAL, "demo"]


def main(words: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[[], *PARTS], default=[])
    parser.add_argument("--quick", action="store_true", help="a moment of each, and keep nothing")
    wish = parser.parse_args(words)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    load = os.getloadavg()[0]  # afterwards it is our own
    for part in wish.parts or USUAL:
        stamp, began = machine(load), time.monotonic()
        print(f"\n## {part}: {stamp}", flush=True)
        tables = importlib.import_module(f"bench.{part}").measure(quick=wish.quick)
        for table in tables:
            print(f"\n{table}", flush=True)
        print(f"\n({time.monotonic() - began:.0f} s)", flush=True)
        if not wish.quick:
            keep(part, stamp, tables)


if __name__ == "__main__":
    main()
