"""Start bqemulator with the settings and patches that the platform needs.

Runs with the Python of bqemulator's own environment, so of this project it imports only what needs
no package.
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
import pyarrow
from bqemulator import server
from bqemulator.api import routes
from bqemulator.api.routes import jobs as job_routes
from bqemulator.config import LogFormat, LogLevel, PersistenceMode, Settings
from bqemulator.domain.errors import InvalidQueryError
from bqemulator.domain.events import TableDataChanged
from bqemulator.jobs import avro_reader, executor
from bqemulator.storage import type_map
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.versioning.snapshots import SnapshotManager
from sqlglot import expressions
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.duckdb import DuckDB
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from infra.local.origins import REFUSAL, is_foreign

_MOST_ENTRIES = 200
_BIGNUMERIC = "DECIMAL(38, 19)"


class Bounded(dict[str, Any]):
    """A mapping that drops its oldest entry when it has more than `_MOST_ENTRIES`."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > _MOST_ENTRIES:
            del self[next(iter(self))]


def main() -> None:
    """Read the command line and serve until a signal arrives."""
    options = _options()
    _link_extensions(Path.home())
    _read_times()
    _widen_decimals()
    _disable_time_travel()
    _limit_results()
    _serialize_handlers()
    _parse_once()
    _limit_memory(options.memory, options.data / "spill")
    uploads = options.data / "uploads"
    _confine_queries(uploads, options.objects)
    _confine_jobs(uploads, options.objects)
    _refuse_web_pages()
    server.run_forever(
        Settings(
            rest_port=options.port,
            grpc_port=options.grpc_port,
            persistence_mode=PersistenceMode.PERSISTENT,
            data_dir=options.data,
            default_project_id=options.project,
            gcs_local_root=options.objects,
            upload_staging_dir=uploads,
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


def _read_times() -> None:
    """Make a file that also has decimals load with times of day, which are whole microseconds."""
    known = avro_reader._avro_logical_to_arrow

    @wraps(known)
    def convert(avro_type: dict[str, Any], logical: str) -> Any:
        return pyarrow.time64("us") if logical == "time-micros" else known(avro_type, logical)

    avro_reader._avro_logical_to_arrow = convert


def _widen_decimals() -> None:
    """Give NUMERIC its nine places, of which DuckDB has three, and BIGNUMERIC what DuckDB holds.

    BIGNUMERIC has 76 digits in BigQuery and 38 in DuckDB, of which half are places here.
    """
    widths = {
        expressions.DataType.Type.DECIMAL: "DECIMAL(38, 9)",
        expressions.DataType.Type.BIGDECIMAL: _BIGNUMERIC,
    }
    generator = DuckDB.Generator
    known = generator.datatype_sql

    @wraps(known)
    def datatype_sql(self: Any, expression: Any) -> str:
        width = None if expression.expressions else widths.get(expression.this)
        return width or str(known(self, expression))

    setattr(generator, "datatype_sql", datatype_sql)  # noqa: B010 - mypy refuses to assign
    type_map._BQ_TO_DUCKDB["BIGNUMERIC"] = _BIGNUMERIC
    type_map._DUCKDB_TO_BQ[_BIGNUMERIC] = "BIGNUMERIC"


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


def _parse_once() -> None:
    """Parse each text once; for one query bqemulator parses the same text some thirty times.

    Each caller gets a tree of its own, since some of them change it. A copy takes a quarter of the
    time that parsing takes.
    """
    parse = Dialect.parse
    trees = Bounded()

    @wraps(parse)
    def parse_once(self: Dialect, sql: str, **options: Any) -> Any:
        if options:
            return parse(self, sql, **options)
        key = f"{type(self).__name__}:{sql}"
        if key not in trees:
            trees[key] = parse(self, sql)
        return [None if tree is None else tree.copy() for tree in trees[key]]

    setattr(Dialect, "parse", parse_once)  # noqa: B010 - mypy refuses to assign to a method


def _limit_memory(limit: str, spill: Path) -> None:
    """Limit DuckDB's memory and threads; by default it uses up to 80% of the machine's memory."""
    apply_pragmas = DuckDBEngine._apply_session_pragmas
    threads = min(2, os.cpu_count() or 1)

    def apply(self: DuckDBEngine) -> None:
        apply_pragmas(self)
        self.connection.execute(f"set memory_limit = '{limit}'")
        self.connection.execute(f"set temp_directory = {_quoted(spill)}")
        self.connection.execute(f"set threads = {threads}")

    DuckDBEngine._apply_session_pragmas = apply


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _confine_queries(*folders: Path) -> None:
    """Let queries read and write files in these folders only.

    DuckDB's own functions can be called in BigQuery's SQL, and would read and write any file.
    """
    start = DuckDBEngine.start
    allowed = ", ".join(map(_quoted, folders))

    async def start_confined(self: DuckDBEngine) -> None:
        await start(self)
        # After the start, which loads the extensions.
        self.connection.execute(f"set allowed_directories = [{allowed}]")
        self.connection.execute("set enable_external_access = false")
        self.connection.execute("set lock_configuration = true")

    DuckDBEngine.start = start_confined


def _confine_jobs(*folders: Path) -> None:
    """Let load and extract jobs use files in these folders only.

    bqemulator also takes `file:` addresses, and reads some formats without DuckDB.
    """
    resolve = executor._resolve_uri

    def resolve_confined(uri: str, context: Any) -> str:
        path = Path(resolve(uri, context)).resolve()
        if not any(path.is_relative_to(folder.resolve()) for folder in folders):
            raise InvalidQueryError("Source and destination URIs must begin with gs://")
        return str(path)

    executor._resolve_uri = resolve_confined


def _refuse_web_pages() -> None:
    """Answer requests of web pages with 403."""
    create_app = server.create_app
    server.create_app = lambda context: _NoWebPages(create_app(context))


class _NoWebPages:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if is_foreign(headers.get("host", ""), headers.get("origin")):
                await PlainTextResponse(REFUSAL, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


if __name__ == "__main__":
    main()
