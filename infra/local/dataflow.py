"""The Dataflow stand-in: runs the backfill's jobs with Beam's DirectRunner.

Each launch is stored as a file until its job has ended, so that the stand-in can start the job
again after a kill. Jobs run one at a time, and no two active jobs
have the same name.
"""

import argparse
import asyncio
import signal
from pathlib import Path

import grpc
import msgspec
from google.cloud.dataflow_v1beta3 import (
    Job,
    LaunchFlexTemplateRequest,
    LaunchFlexTemplateResponse,
)

from infra.local.environment import ROOT
from infra.local.home import Home, write_private
from infra.local.layout import Layout

_METHOD = "google.dataflow.v1beta3.FlexTemplatesService"
_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
# Needs no network; DirectRunner would download a binary from GitHub.
_RUNNER = "--runner=BundleBasedDirectRunner"


class Jobs:
    """The jobs that were launched and have not ended.

    Args:
        folder: where launches are stored.
        python: the interpreter of the environment that Beam is installed in.
    """

    def __init__(self, folder: Path, python: Path) -> None:
        self._folder, self._python = folder, python
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        for name in sorted(path.stem for path in folder.glob("*.json")):
            self._queue.put_nowait(name)

    async def launch(
        self, request: LaunchFlexTemplateRequest, context: grpc.aio.ServicerContext
    ) -> LaunchFlexTemplateResponse:
        """Accept a job, unless a job of that name is still active."""
        launch = request.launch_parameter
        if not launch.job_name or not _NAME.issuperset(launch.job_name):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "job_name cannot be used")
        file = self._folder / f"{launch.job_name}.json"
        if file.exists():
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, f"{launch.job_name} is active")
        write_private(file, msgspec.json.encode(dict(launch.parameters)).decode())
        self._queue.put_nowait(launch.job_name)
        return LaunchFlexTemplateResponse(job=Job(id=launch.job_name, name=launch.job_name))

    async def work(self) -> None:
        """Run the jobs one after the other, forever."""
        while True:
            name = await self._queue.get()
            file = self._folder / f"{name}.json"
            status = await self._run(msgspec.json.decode(file.read_bytes(), type=dict[str, str]))
            # A failed job has ended too: the sweep finds its CSV file and launches it again.
            file.unlink()
            print(f"{name} ended with {status}", flush=True)

    async def _run(self, parameters: dict[str, str]) -> int:
        words = [f"--{name}={value}" for name, value in parameters.items()]
        process = await asyncio.create_subprocess_exec(
            *(str(self._python), "-m", "functions.ingest_csv.backfill", *words, _RUNNER), cwd=ROOT
        )
        try:
            return await process.wait()
        except asyncio.CancelledError:
            process.kill()
            raise


async def serve(port: int, jobs: Jobs) -> None:
    """Serve until SIGTERM or SIGINT."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    method = grpc.unary_unary_rpc_method_handler(
        jobs.launch, LaunchFlexTemplateRequest.deserialize, LaunchFlexTemplateResponse.serialize
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(_METHOD, {"LaunchFlexTemplate": method}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    working = asyncio.create_task(jobs.work())
    ended = asyncio.create_task(stopped.wait())
    await asyncio.wait([working, ended], return_when=asyncio.FIRST_COMPLETED)
    await server.stop(grace=1)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    if not stopped.is_set():
        working.result()


def main() -> None:
    """Serve one home."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument(
        "--python", type=Path, required=True, help="Python of the environment with Beam"
    )
    options = parser.parse_args()
    home = Home.at(options.home)
    folder = home.path / "dataflow"
    folder.mkdir(mode=0o700, exist_ok=True)
    asyncio.run(serve(Layout.read(home).ports["dataflow"], Jobs(folder, options.python)))


if __name__ == "__main__":
    main()
