"""The yardsticks of the ingestion benchmark: dlt and pandas' to_sql, each in its own environment.

Neither validates the rows, and each writes them into a table without constraints that it creates.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

LOADERS = {
    "dlt": (
        ("dlt[postgres]==1.31.0",),
        """
import csv, sys, time
import dlt

url, path = sys.argv[1:]
names = ["id", "name", "datetime", "department_id", "job_id"]


def rows():
    with open(path, newline="") as source:
        yield from (dict(zip(names, row)) for row in csv.reader(source))


pipeline = dlt.pipeline(
    "bench", destination=dlt.destinations.postgres(url), dataset_name="loaded_by_dlt"
)
started = time.perf_counter()
pipeline.run(rows(), table_name="hires", write_disposition="replace")
print("seconds", time.perf_counter() - started)
""",
    ),
    "pandas to_sql": (
        ("pandas==3.1.1", "sqlalchemy==2.1.9", "psycopg2-binary==2.9.13"),
        """
import sys, time
import pandas, sqlalchemy

url, path = sys.argv[1:]
names = ["id", "name", "datetime", "department_id", "job_id"]
engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg2://"))
started = time.perf_counter()
for rows in pandas.read_csv(path, names=names, chunksize=10_000):
    rows.to_sql("loaded_by_pandas", engine, if_exists="append", index=False)
print("seconds", time.perf_counter() - started)
""",
    ),
}


def seconds(name: str, database_url: str, path: Path) -> float:
    """How long a loader takes for a CSV file without header, after it has started."""
    requirements, program = LOADERS[name]
    with tempfile.TemporaryDirectory(prefix="tablegate-loader-") as folder:
        python = str(Path(folder) / "venv" / "bin" / "python")
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/venv"], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([python, *install, *requirements], check=True, stderr=subprocess.DEVNULL)
        url = database_url.replace("postgresql+pg8000://", "postgresql://")
        done = subprocess.run(
            [python, "-c", program, url, str(path)],
            check=True,
            capture_output=True,
            text=True,
            cwd=folder,
            env={"HOME": folder, "RUNTIME__DLTHUB_TELEMETRY": "false"},
        )
    printed = next(line for line in done.stdout.splitlines() if line.startswith("seconds "))
    return float(printed.split()[1])
