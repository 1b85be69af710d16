"""What a process has used, as the kernel counts it."""

from __future__ import annotations

import os
import re
from pathlib import Path


def cpu_s(pid: int) -> float:
    """Give the seconds of CPU that a process has used so far."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def switches(pid: int) -> int:
    """Give how often the threads that a process has now were taken off a CPU so far."""
    status = (task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/status"))
    return sum(int(n) for each in status for n in re.findall(r"ctxt_switches:\s+(\d+)", each))
