"""CPU time and peak memory of a function's processes, measured from outside them."""

from pathlib import Path

import psutil

from tests.support.platform import Platform


def cpu_seconds(platform: Platform, function: str) -> float:
    """CPU seconds that a function's processes have used since they started."""
    # The times of children that have ended are in their parent's.
    return sum(sum(process.cpu_times()[:4]) for process in _processes(platform, function))


def peak_memory(platform: Platform, function: str) -> int:
    """Peak resident memory of any process of a function, in bytes."""
    return max(_peak(process.pid) for process in _processes(platform, function))


def reset_peak_memory(platform: Platform, function: str) -> None:
    """Reset the peak memory of a function's processes."""
    for process in _processes(platform, function):
        # Source: proc(5), /proc/pid/clear_refs.
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")


def _processes(platform: Platform, function: str) -> tuple[psutil.Process, ...]:
    parent = psutil.Process(platform.part(function).pid)
    return (parent, *parent.children(recursive=True))


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if "VmHWM" in line)
