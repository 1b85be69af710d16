"""`python -m tests.fuzz [--seconds 600] [--seed 1] [TARGET …]`: fuzz, and print the counts.

Without seconds each target gets a fixed number of inputs, by the same random numbers each time.
What crashed is written to tests/fuzz/crashes; exit 1 if there is any.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import resource
import sys
import time

import structlog

from tests.fuzz.engine import for_seconds, fuzz
from tests.fuzz.targets import CRASHES, FEW, TARGETS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, help="for all targets together")
    parser.add_argument("--seed", type=int)
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    given = parser.parse_args()
    seed = given.seed or (1 if given.seconds is None else int(time.time()))
    _be_quiet()
    print(f"seed {seed}")
    print(f"{'target':<12}{'tried':>9}{'taken':>9}{'refused':>9}{'crashes':>9}{'lines':>7}  MiB")
    crashes = tried = 0
    for name in given.targets:
        few = FEW[name]
        goes_on = (
            for_seconds(given.seconds / len(given.targets))
            if given.seconds
            else lambda number, few=few: number < few
        )
        with TARGETS[name]() as attempt:
            counts = fuzz(name, attempt, seed, goes_on)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(
            f"{name:<12}{counts.tried:>9}{counts.taken:>9}{counts.refused:>9}"
            f"{len(counts.crashes):>9}{counts.lines:>7}{memory:>5}",
            flush=True,
        )
        for data, told in counts.crashes:
            CRASHES.mkdir(exist_ok=True)
            file = CRASHES / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
            file.write_bytes(data)
            print(f"{file}\n{told}")
        crashes += len(counts.crashes)
        tried += counts.tried
    print(f"{tried} inputs, {crashes} crashes")
    return min(crashes, 1)


def _be_quiet() -> None:
    os.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"
    for name in [each for each in os.environ if each.lower().endswith("_proxy")]:
        del os.environ[name]
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


if __name__ == "__main__":
    sys.exit(main())
