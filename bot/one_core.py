"""Keep this process on one processor core at a time.

Of its threads only one runs Python at any moment, the one that holds the interpreter's lock.  Where
there are several cores the kernel wakes each thread that gets the lock on an idle one, with cold
caches, and waking a core takes longer than most of what is done before the lock is let go of again:
under load a third of all CPU time (docs/performance.md).
https://docs.python.org/3/glossary.html#term-global-interpreter-lock

It is the kernel that chooses the core: one thread may run anywhere, and now and then wakes up, on an
idle core if there is one.  The others follow it.  So a core that another process keeps busy is left.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path

LOOK_EVERY_S = 5.0
"""About how often the core is chosen anew, in seconds.

Not at regular times: of two processes on one core, both would leave it at once, for the same one.
"""
_PROCESSOR = 36
"""The place of the last used processor after the name in /proc/…/stat: proc(5), field 39."""


def stay_on_one_core() -> None:
    """Have all threads of this process run on one core, chosen anew every LOOK_EVERY_S.

    Does nothing where there is only one, or where the system does not let a process choose.
    """
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        threading.Thread(target=_lead, name="core", daemon=True).start()


def _lead() -> None:
    """Choose the core that this thread, which may run anywhere, wakes up on."""
    while True:
        # /proc is missing, system calls are filtered, or the core was just taken from this process.
        with suppress(OSError):
            _follow_to(_core_of_this_thread())
        time.sleep(LOOK_EVERY_S * (0.5 + secrets.randbelow(1000) / 1000))


def _follow_to(core: int) -> None:
    """Have the other threads run on this core.  Those that they start inherit it."""
    me = threading.get_native_id()
    for task in Path("/proc/self/task").iterdir():
        if (thread := int(task.name)) != me:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setaffinity(thread, {core})


def _core_of_this_thread() -> int:
    stat = Path("/proc/thread-self/stat").read_text(encoding="utf-8", errors="replace")
    return int(stat.rpartition(")")[2].split()[_PROCESSOR])
