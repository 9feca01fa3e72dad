"""How each peer of Tablegate loads a CSV file of hires without a header into PostgreSQL.

Where its manual names several ways, the fastest that writes into an existing table; for dlt, which
creates its tables, also the one that its manual begins with.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import postgres

HIRES = "hired_employees"


@dataclass(frozen=True)
class Peer:
    """A tool that loads files.

    Attributes:
        name: what it is called.
        command: the command that loads a file, from the database's URL, the file and a folder that
            is its own.
        table: the table it loads.
        requirements: the packages of its environment, which is made in that folder.
        program: if it is used by way of Python, the program; defines `load(url, path)`.
        needs: the program that has to be installed; its Debian package has the same name.
        kept: how many rejected rows it left in that folder, each with a reason.
        note: what a reader has to know.
    """

    name: str
    command: Callable[[str, Path, Path], list[str]] | None = None
    table: str = HIRES
    requirements: tuple[str, ...] = ()
    program: str = ""
    needs: str = ""
    kept: Callable[[Path], int] = lambda _: 0
    note: str = ""

    def missing(self) -> str:
        """Why it cannot be run, or nothing."""
        if self.needs and not shutil.which(self.needs):
            return f"not installed: apt-get install {self.needs}"
        return ""

    def install(self, folder: Path) -> None:
        """Make its environment in a folder."""
        if not self.requirements:
            return
        uv, environment = Path(sys.prefix) / "bin" / "uv", str(folder / "venv")
        python = f"{environment}/bin/python"
        if uv.exists():
            make = [str(uv), "venv", "--quiet", f"--python={sys.executable}", environment]
            install = [str(uv), "pip", "install", "--quiet", f"--python={python}"]
        else:
            make = [sys.executable, "-m", "venv", environment]
            install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run(make, check=True)
        subprocess.run([*install, *self.requirements], check=True)

    def line(self, url: str, path: Path, folder: Path) -> list[str]:
        """The command that loads a file into a database."""
        if self.command:
            return self.command(url, path, folder)
        python = str(folder.parent / "venv" / "bin" / "python")
        return [python, "-c", _HEAD + self.program + _TAIL, postgres.plain(url), str(path)]


def pgloader(url: str, path: Path, folder: Path) -> list[str]:
    """Write pgloader's commands; gives the command that runs them."""
    script = folder / "hires.load"
    script.write_text(
        f"""
        load csv from '{path}'
        having fields (id, name [null if blanks], datetime, department_id, job_id)
        into {postgres.plain(url)} target table {HIRES}
        target columns ({postgres.COLUMNS})
        with fields optionally enclosed by '"', fields terminated by ',';
        """
    )
    return ["pgloader", f"--root-dir={folder}", f"--logfile={folder}/log", str(script)]


def kept_by_pgloader(folder: Path) -> int:
    """How many rows pgloader rejected; their reasons are in a file beside."""
    # A blank line follows each row.
    found = [*folder.glob(f"*/{HIRES}.dat")]
    return sum(len(file.read_bytes().split(b"\n\n")) - 1 for file in found)


# Time and CPU time without imports, which a service makes once.
_HEAD = """
import os, sys, time

names = ["id", "name", "datetime", "department_id", "job_id"]
"""
_TAIL = """
started, spent = time.perf_counter(), sum(os.times()[:4])
try:
    load(*sys.argv[1:])
except Exception as error:
    while error.__cause__:
        error = error.__cause__
    print("failed", " ".join(str(error).partition("DETAIL")[0].split()))
    sys.exit(1)
finally:
    print("measured", time.perf_counter() - started, sum(os.times()[:4]) - spent)
"""
_DUCKDB = """
import duckdb, duckdb_extension_postgres_scanner as wheel

extension = f"extensions/v{duckdb.__version__}/postgres_scanner.duckdb_extension"
extension = os.path.join(os.path.dirname(wheel.__file__), extension)
columns = dict(zip(names, ["bigint", "varchar", "timestamptz", "bigint", "bigint"]))


def load(url, path):
    with duckdb.connect() as connection:
        connection.execute(f"load '{extension}'")
        connection.execute(f"attach '{url}' as target (type postgres)")
        connection.execute(
            f"insert into target.hired_employees ({', '.join(names)})"
            f" select * from read_csv('{path}', header = false, columns = {columns})"
        )
"""
_ARROW = """
import pyarrow
from pyarrow import csv

types = [pyarrow.int64(), pyarrow.string(), pyarrow.timestamp("us", "UTC")]
types += [pyarrow.int64(), pyarrow.int64()]


def batches(path):
    # By default an empty name is a text of no letters, not a missing one.
    convert = csv.ConvertOptions(
        column_types=dict(zip(names, types)), strings_can_be_null=True, null_values=[""]
    )
    return csv.open_csv(path, csv.ReadOptions(column_names=names), convert_options=convert)
"""
_ADBC = """
from adbc_driver_postgresql import dbapi


def load(url, path):
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("hired_employees", batches(path), mode="append")
        connection.commit()
"""
_POLARS = """
import polars
import adbc_driver_postgresql.dbapi

types = [polars.Int64, polars.String, polars.String, polars.Int64, polars.Int64]


def load(url, path):
    rows = polars.read_csv(path, has_header=False, schema=dict(zip(names, types)))
    moment = polars.col("datetime").str.to_datetime("%Y-%m-%dT%H:%M:%S%#z", time_zone="UTC")
    rows.with_columns(moment).write_database(
        "hired_employees", url, engine="adbc", if_table_exists="append"
    )
"""
_DLT = """
import csv, dlt


def rows(path):
    with open(path, newline="") as source:
        yield from (dict(zip(names, row)) for row in csv.reader(source))


def load(url, path):
    target = dlt.destinations.postgres(url)
    pipeline = dlt.pipeline("bench", destination=target, dataset_name="loaded_by_dlt")
    pipeline.run(rows(path), table_name="hires", write_disposition="append")
"""
_DLT_ARROW = """
import dlt


def load(url, path):
    target = dlt.destinations.postgres(url)
    pipeline = dlt.pipeline("bench", destination=target, dataset_name="loaded_by_dlt")
    rows = (pyarrow.Table.from_batches([batch]) for batch in batches(path))
    pipeline.run(
        rows, table_name="hires", write_disposition="append", loader_file_format="csv"
    )
"""
_PANDAS = """
import pandas, sqlalchemy, psycopg2


def load(url, path):
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
    for rows in pandas.read_csv(path, names=names, chunksize=10_000):
        rows.to_sql("hired_employees", engine, if_exists="append", index=False)
"""
_OWN_TABLE = "into a table of its own without constraints"

PEERS = (
    Peer("psql \\copy", lambda url, path, _: postgres.copy(url, path)),
    Peer(
        "\\copy, on_error ignore",
        lambda url, path, _: postgres.copy(url, path, "format csv, on_error ignore"),
    ),
    Peer("pgloader", pgloader, needs="pgloader", kept=kept_by_pgloader),
    Peer(
        "DuckDB",
        requirements=("duckdb==1.5.5", "duckdb-extension-postgres-scanner==1.5.5"),
        program=_DUCKDB,
    ),
    Peer(
        "ADBC, pyarrow",
        requirements=("adbc-driver-postgresql==1.13.0", "pyarrow==26.0.1"),
        program=_ARROW + _ADBC,
    ),
    Peer(
        "polars",
        requirements=("polars==2.1.0", "adbc-driver-postgresql==1.13.0", "pyarrow==26.0.1"),
        program=_POLARS,
    ),
    Peer(
        "pandas to_sql",
        requirements=("pandas==3.1.1", "sqlalchemy==2.1.9", "psycopg2-binary==2.9.13"),
        program=_PANDAS,
    ),
    Peer(
        "dlt, arrow and csv",
        table="loaded_by_dlt.hires",
        requirements=("dlt[postgres]==1.31.0", "pyarrow==26.0.1"),
        program=_ARROW + _DLT_ARROW,
        note=_OWN_TABLE,
    ),
    Peer(
        "dlt",
        table="loaded_by_dlt.hires",
        requirements=("dlt[postgres]==1.31.0",),
        program=_DLT,
        note=_OWN_TABLE,
    ),
)
