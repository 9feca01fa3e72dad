"""Keeping one part alive: start it, see that it answers, start it again when it ends."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from infra.local import partlog, processes
from infra.local.board import Line
from infra.local.faults import PlatformFault
from infra.local.parts import Part, Probe
from infra.local.patience import Patience

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_STEADY_SECONDS = 10.0
_PROBE_SECONDS = 0.05
_START_SECONDS = 120.0
_PROBES_A_SILENCE = 10


class Keeper:
    """Keeps one part alive until it is stopped.

    Attributes:
        line: the part's line on the board, which this keeper alone writes.
        been_ready: set once the part has been ready, for those that need it.
    """

    def __init__(
        self,
        part: Part,
        line: Line,
        log: Path,
        marks: Mapping[str, str],
        changed: Callable[[Line], None],
    ) -> None:
        self.part, self.line = part, line
        self.been_ready = asyncio.Event()
        self._log, self._marks, self._changed = log, marks, changed
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = False

    async def keep(self) -> None:
        """Run the part; returns when a task is done or the part is stopped."""
        pause = _FIRST_PAUSE
        while not self._stopping:
            started = time.monotonic()
            why = await self._run_once()
            if self._stopping or (self.part.probe is None and not why):
                break
            if time.monotonic() - started > _STEADY_SECONDS:
                pause = _FIRST_PAUSE
            self.line.restarts += 1
            self._say("restarting", why)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def stop(self) -> None:
        """Stop the part: politely, then by force; returns when its process is gone."""
        self._stopping = True
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(self.part.stop_signal)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self.part.patience_seconds)
            processes.end_group(process.pid)
            await process.wait()
        self._say("stopped")

    async def _run_once(self) -> str:
        """Run the part's process to its end; returns why it ended, "" for a task done well."""
        try:
            await asyncio.to_thread(self.part.prepare)
            began = self._log.stat().st_size if self._log.exists() else 0
            process = await self._spawn()
        except (PlatformFault, OSError) as fault:
            return str(fault)
        self._process = process
        if self._stopping:
            processes.end_group(process.pid)
        self.line.pid, self.line.began = process.pid, processes.identity(process.pid)
        self._say("starting", self.line.why)
        watch = asyncio.create_task(self._watch(process, time.monotonic()))
        code = await process.wait()
        watch.cancel()
        processes.end_group(process.pid)
        self.line.pid = 0
        return self._verdict(code, began)

    async def _spawn(self) -> asyncio.subprocess.Process:
        part = self.part
        account = part.account
        with partlog.opened(self._log) as log:
            process = await asyncio.create_subprocess_exec(
                *part.command,
                env={**part.environment, **self._marks},
                cwd=part.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A session of its own: Ctrl-C reaches the supervisor only, and whatever the
                # part starts can be ended with it.
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        if part.nice:
            # At once: its threads will have what it has when they begin.
            processes.stand_back(process.pid, part.nice)
        return process

    async def _watch(self, process: asyncio.subprocess.Process, started: float) -> None:
        """Say when the part answers; end it when it doesn't, at its start or for too long."""
        if self.part.probe is None:
            return
        silence = self.part.silence_seconds
        patience = Patience(silence, process.pid) if silence else Patience(_START_SECONDS)
        if await _answers(self.part.probe, patience):
            self._ready(time.monotonic() - started)
            if not silence:
                return
            await _silent(self.part.probe, patience)
        self.line.why = f"has not answered for {patience.seconds:.0f} s"
        os.kill(process.pid, signal.SIGKILL)

    def _verdict(self, code: int, began: int) -> str:
        if self.part.probe is None and code == 0:
            self._ready(0.0)
            return ""
        if code == -signal.SIGKILL and self.line.why:
            return self.line.why
        ended = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"
        word = partlog.last_word(self._log, began) if code > 0 else ""
        return f"{ended}: {word}" if word else ended

    def _ready(self, seconds: float) -> None:
        self.line.seconds = round(seconds, 2)
        self.been_ready.set()
        self._say("done" if self.part.probe is None else "ready")

    def _say(self, state: str, why: str = "") -> None:
        self.line.state, self.line.why = state, why  # type: ignore[assignment]
        self._changed(self.line)


async def _answers(probe: Probe, patience: Patience) -> bool:
    """Whether a probe succeeds while there is patience."""
    while not patience.is_over():
        if await probe():
            return True
        await asyncio.sleep(_PROBE_SECONDS)
    return False


async def _silent(probe: Probe, patience: Patience) -> None:
    """Return when a probe has not succeeded for a time."""
    patience.renew()
    while not patience.is_over():
        await asyncio.sleep(patience.seconds / _PROBES_A_SILENCE)
        if await probe():
            patience.renew()
