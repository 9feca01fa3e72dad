"""Start bqemulator with the settings and patches that the platform needs.

Runs with the Python of bqemulator's own environment, so it imports no module of this project.
"""

import argparse
import os
from collections.abc import Callable
from functools import wraps
from importlib import import_module, util
from inspect import iscoroutinefunction
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import duckdb
from bqemulator.api import routes
from bqemulator.api.routes import jobs as job_routes
from bqemulator.config import LogFormat, LogLevel, PersistenceMode, Settings
from bqemulator.domain.events import TableDataChanged
from bqemulator.jobs import executor
from bqemulator.server import run_forever
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.versioning.snapshots import SnapshotManager

_MOST_RESULTS = 200


class Bounded(dict[str, Any]):
    """A mapping that drops its oldest entry when it has more than `_MOST_RESULTS`."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > _MOST_RESULTS:
            del self[next(iter(self))]


def main() -> None:
    """Read the command line and serve until a signal arrives."""
    options = _options()
    _link_extensions(Path.home())
    _disable_time_travel()
    _limit_results()
    _serialize_handlers()
    _limit_memory(options.memory, options.data / "spill")
    run_forever(
        Settings(
            rest_port=options.port,
            grpc_port=options.grpc_port,
            persistence_mode=PersistenceMode.PERSISTENT,
            data_dir=options.data,
            default_project_id=options.project,
            gcs_local_root=options.objects,
            upload_staging_dir=options.data / "uploads",
            log_level=LogLevel.WARNING,
            log_format=LogFormat.CONSOLE,
        )
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="port of the REST API")
    parser.add_argument("--grpc-port", type=int, required=True, help="port of the Storage APIs")
    parser.add_argument("--data", type=Path, required=True, help="folder of the DuckDB file")
    parser.add_argument(
        "--objects", type=Path, required=True, help="folder that gs:// URIs are read from"
    )
    parser.add_argument("--project", required=True, help="project of a request that names none")
    parser.add_argument("--memory", default="2GB", help="DuckDB's memory limit")
    return parser.parse_args()


def _link_extensions(home: Path) -> None:
    """Link the extensions where DuckDB looks for them, so that it does not download them."""
    connection = duckdb.connect()
    version, platform = f"v{duckdb.__version__}", connection.sql("pragma platform").fetchall()[0][0]
    connection.close()
    folder = home / ".duckdb" / "extensions" / version / platform
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("avro", "spatial"):
        package = util.find_spec(f"duckdb_extension_{name}")
        if package is None or package.origin is None:
            raise SystemExit(f"duckdb-extension-{name} is not installed next to duckdb")
        extension = f"{name}.duckdb_extension"
        link = folder / extension
        link.unlink(missing_ok=True)
        link.symlink_to(Path(package.origin).parent / "extensions" / version / extension)


def _disable_time_travel() -> None:
    """Switch off time travel, which copies the whole table at every write."""

    def record_change(self: SnapshotManager, project: str, dataset: str, table: str) -> None:
        self._events.publish(TableDataChanged(project, dataset, table))

    SnapshotManager.record_change = record_change


def _limit_results() -> None:
    """Keep only the results of the newest queries; bqemulator keeps all of them in memory."""
    results, schemas = Bounded(), Bounded()
    # Both modules have imported the mappings by name.
    executor.JOB_RESULTS = job_routes.JOB_RESULTS = results
    executor.JOB_SCHEMAS = job_routes.JOB_SCHEMAS = schemas


def _serialize_handlers() -> None:
    """Run every handler on the event loop, one after another.

    FastAPI would run some of them in threads, on one shared connection: two simultaneous reads got
    each other's rows.
    """
    for module in iter_modules(routes.__path__, f"{routes.__name__}."):
        router = getattr(import_module(module.name), "router", None)
        for route in getattr(router, "routes", ()):
            if not iscoroutinefunction(route.endpoint):
                route.endpoint = _on_the_loop(route.endpoint)


def _on_the_loop(handler: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(handler)
    async def answer(*args: Any, **keywords: Any) -> Any:
        return handler(*args, **keywords)

    return answer


def _limit_memory(limit: str, spill: Path) -> None:
    """Limit DuckDB's memory and threads; by default it uses up to 80% of the machine's memory."""
    apply_pragmas = DuckDBEngine._apply_session_pragmas
    threads = min(2, os.cpu_count() or 1)

    def apply(self: DuckDBEngine) -> None:
        apply_pragmas(self)
        self.connection.execute(f"set memory_limit = '{limit}'")
        self.connection.execute(
            f"set temp_directory = '{str(spill).replace(chr(39), chr(39) * 2)}'"
        )
        self.connection.execute(f"set threads = {threads}")

    DuckDBEngine._apply_session_pragmas = apply


if __name__ == "__main__":
    main()
