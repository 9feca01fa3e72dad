"""Start bqemulator as the platform wants it; run with the Python of its own environment.

Imports nothing of ours, because that environment holds bqemulator and nothing else.
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

_KEPT_RESULTS = 200


class Newest(dict[str, Any]):
    """A mapping that forgets its oldest entry when it grows past its size."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > _KEPT_RESULTS:
            del self[next(iter(self))]


def main() -> None:
    """Read the command line and serve until a signal comes."""
    options = _options()
    _link_extensions(Path.home())
    _forget_time_travel()
    _forget_old_results()
    _answer_in_turn()
    _bound_memory(options.memory, options.data / "spill")
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
    parser.add_argument("--objects", type=Path, required=True, help="folder gs:// is read from")
    parser.add_argument("--project", required=True, help="project where none is named")
    parser.add_argument("--memory", default="2GB", help="DuckDB's memory limit")
    return parser.parse_args()


def _link_extensions(home: Path) -> None:
    """Put the extensions where DuckDB looks for installed ones, so that it asks no network."""
    connection = duckdb.connect()
    version, platform = f"v{duckdb.__version__}", connection.sql("pragma platform").fetchall()[0][0]
    connection.close()
    folder = home / ".duckdb" / "extensions" / version / platform
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("avro", "spatial"):
        package = util.find_spec(f"duckdb_extension_{name}")
        if package is None or package.origin is None:
            raise SystemExit(f"duckdb-extension-{name} is not installed beside duckdb")
        extension = f"{name}.duckdb_extension"
        link = folder / extension
        link.unlink(missing_ok=True)
        link.symlink_to(Path(package.origin).parent / "extensions" / version / extension)


def _forget_time_travel() -> None:
    """Switch off the copy of the whole table that every write keeps for seven days."""

    def record_change(self: SnapshotManager, project: str, dataset: str, table: str) -> None:
        self._events.publish(TableDataChanged(project, dataset, table))

    SnapshotManager.record_change = record_change


def _forget_old_results() -> None:
    """Keep the results of the newest queries only; every one stays in memory otherwise."""
    results, schemas = Newest(), Newest()
    # Both modules hold the mappings by name.
    executor.JOB_RESULTS = job_routes.JOB_RESULTS = results
    executor.JOB_SCHEMAS = job_routes.JOB_SCHEMAS = schemas


def _answer_in_turn() -> None:
    """Run every handler on the event loop, one after another.

    Some would run in threads, on the one connection that all share: two that read at once got each
    other's rows.
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


def _bound_memory(limit: str, spill: Path) -> None:
    """Keep DuckDB from taking 80% of the machine, its default."""
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
