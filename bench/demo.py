"""How long a newcomer waits: until `purgebot demo` is ready, and then until its page is seen.

    make bench-demo

ready          from the start of the process to the line with the address
first paint    from that line to the first words in a browser that was open already, nothing cached
town           from that line to the messages and the box to write in
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from statistics import median

from bench.report import Table
from tests.browser.seeing import ARGUMENTS, CHROMIUM, Browser, sync_playwright

RUNS = 5
_PAINTED_AT_MS = """() => performance.timeOrigin +
    performance.getEntriesByName("first-contentful-paint")[0].startTime"""


def run(browser: Browser) -> tuple[float, float, float]:
    """Start the demo, look at its page, and give the three spans in seconds."""
    started = time.time()
    command = [sys.executable, "-m", "bot", "demo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        said = demo.stdout.readline()
        ready = time.time()
        address = re.search(r"http://\S+", said)
        assert address, f"the demo said {said!r}"
        page = browser.new_page()
        page.goto(address[0])
        page.get_by_role("log").wait_for()
        drawn = time.time()
        painted = page.evaluate(_PAINTED_AT_MS) / 1000
        page.close()
        demo.terminate()
    return ready - started, painted - ready, drawn - ready


def measure(*, quick: bool = False) -> list[Table]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        runs = [run(browser) for _ in range(1 if quick else RUNS)]
        browser.close()
    table = Table(["", "s, median", "each"])
    for name, spans in zip(("ready", "first paint", "town"), zip(*runs, strict=True), strict=True):
        table.add(name, f"{median(spans):.2f}", ", ".join(f"{span:.2f}" for span in spans))
    return [table]
