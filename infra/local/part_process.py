"""The process of one part: start it, check that it answers, and restart it when it ends."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.local import partlog, processes
from infra.local.deadline import Deadline
from infra.local.errors import PlatformError
from infra.local.parts import Part, Probe
from infra.local.status import PartStatus

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_STEADY_SECONDS = 10.0
_PROBE_SECONDS = 0.05
_START_SECONDS = 120.0
_PROBES_PER_SILENCE = 10
_ROTATE_SECONDS = 5.0


class PartProcess:
    """Runs one part's process, and restarts it, until the part is stopped.

    Attributes:
        status: the part's status; only this object changes it.
        been_ready: set once the part has been ready for the first time.
    """

    def __init__(
        self,
        part: Part,
        status: PartStatus,
        log: Path,
        marks: Mapping[str, str],
        changed: Callable[[PartStatus], None],
    ) -> None:
        self.part, self.status = part, status
        self.been_ready = asyncio.Event()
        self._log, self._marks, self._changed = log, marks, changed
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def run(self) -> None:
        """Keep the part running; return when it is stopped or, for a task, when it is done."""
        pause = _FIRST_PAUSE
        while not self._stopping:
            started = time.monotonic()
            why = await self._run_once()
            if self._stopping or (self.part.probe is None and not why):
                break
            if time.monotonic() - started > _STEADY_SECONDS:
                pause = _FIRST_PAUSE
            self.status.restarts += 1
            self._set_state("restarting", why)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def stop(self) -> None:
        """Stop the part, by force if it does not stop in time; return when its process is gone."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.part.stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self.part.stop_seconds)
            processes.kill_group(process.pid)
            await process.wait()
        self._set_state("stopped")

    async def _run_once(self) -> str:
        """Run the process until it ends; return why it ended, or "" if a task succeeded."""
        try:
            await asyncio.to_thread(self.part.prepare)
            log_start = self._log.stat().st_size if self._log.exists() else 0
            process = await self._spawn()
        except (PlatformError, OSError) as error:
            return str(error)
        self._process = process
        if self._stopping:
            processes.kill_group(process.pid)
        self.status.pid, self.status.began = process.pid, processes.start_time(process.pid)
        self._set_state("starting", self.status.why)
        watch = asyncio.create_task(self._watch(process, time.monotonic()))
        rotation = asyncio.create_task(self._rotate_log())
        code = await process.wait()
        watch.cancel()
        rotation.cancel()
        processes.kill_group(process.pid)
        self.status.pid = 0
        return self._why_ended(code, log_start)

    async def _spawn(self) -> asyncio.subprocess.Process:
        part = self.part
        account = part.account
        with partlog.open_log(self._log) as log:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                env={**part.environment, **self._marks},
                cwd=part.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Its own session: Ctrl-C reaches only the supervisor, and everything that the
                # part starts can be killed with it.
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        if part.nice:
            # At once, because threads inherit the niceness when they start.
            processes.lower_priority(process.pid, part.nice)
        return process

    async def _watch(self, process: asyncio.subprocess.Process, started: float) -> None:
        """Note when the part is ready; kill it if it does not start or stops answering."""
        if self.part.probe is None:
            return
        silence = self.part.silence_seconds
        deadline = Deadline(silence, process.pid) if silence else Deadline(_START_SECONDS)
        if await _answers(self.part.probe, deadline):
            self._set_ready(time.monotonic() - started)
            if not silence:
                return
            await _until_silent(self.part.probe, deadline)
        self.status.why = f"has not answered for {deadline.seconds:.0f} s"
        os.kill(process.pid, signal.SIGKILL)

    async def _rotate_log(self) -> None:
        """Keep the log small: some parts log a line for every request, of whomever."""
        while True:
            await asyncio.sleep(_ROTATE_SECONDS)
            # If the home was deleted, the supervisor finds out by itself.
            with contextlib.suppress(OSError):
                partlog.rotate(self._log)

    def _why_ended(self, code: int, log_start: int) -> str:
        if self.part.probe is None and code == 0:
            self._set_ready(0.0)
            return ""
        if code == -signal.SIGKILL and self.status.why:
            return self.status.why
        ended = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        reason = partlog.last_error(self._log, log_start) if code > 0 else ""
        return f"{ended}: {reason}" if reason else ended

    def _set_ready(self, seconds: float) -> None:
        self.status.seconds = round(seconds, 2)
        self.been_ready.set()
        self._set_state("done" if self.part.probe is None else "ready")

    def _set_state(self, state: str, why: str = "") -> None:
        self.status.state, self.status.why = state, why  # type: ignore[assignment]
        self._changed(self.status)


async def _answers(probe: Probe, deadline: Deadline) -> bool:
    """Whether a probe succeeds before a deadline."""
    while not deadline.has_passed():
        if await probe():
            return True
        await asyncio.sleep(_PROBE_SECONDS)
    return False


async def _until_silent(probe: Probe, deadline: Deadline) -> None:
    """Return when a probe has failed for as long as the deadline allows."""
    deadline.renew()
    while not deadline.has_passed():
        await asyncio.sleep(deadline.seconds / _PROBES_PER_SILENCE)
        if await probe():
            deadline.renew()
