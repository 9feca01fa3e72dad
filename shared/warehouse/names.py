"""Writes the names of the warehouse's tables and views in SQL files and composed statements.

The files call the datasets `warehouse` and `reporting`, which are replaced by the real names.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from shared.database.sql import statement
from shared.settings import Settings

SQL = Path(__file__).with_name("sql")
_OBJECT = re.compile(r"`(warehouse|reporting)\.([a-z0-9_]+|INFORMATION_SCHEMA\.VIEWS)`")
_NAME = re.compile(r"[A-Za-z0-9_:.-]+")


@dataclass(frozen=True)
class Names:
    """The project and datasets of the warehouse.

    Attributes:
        project: the Google Cloud project.
        warehouse: dataset of the star schema.
        reporting: dataset of the reporting views.
    """

    project: str
    warehouse: str
    reporting: str

    def plain(self, name: str) -> str:
        """Write the name of a table of the warehouse for the API."""
        return f"{self.project}.{self.warehouse}.{name}"

    def table(self, name: str) -> str:
        """Write the name of a table of the warehouse for SQL."""
        return quoted(self.plain(name))

    def text(self, folder: str, name: str) -> str:
        """Read the statement in `sql/folder/name.sql`, with the real names."""
        return self.resolved(statement(SQL / folder, name))

    def resolved(self, sql: str) -> str:
        """Replace `warehouse.x` and `reporting.x` in a text by the real names."""
        datasets = {"warehouse": self.warehouse, "reporting": self.reporting}
        return _OBJECT.sub(
            lambda found: quoted(f"{self.project}.{datasets[found[1]]}.{found[2]}"), sql
        )


def of(settings: Settings) -> Names:
    """Read the names from the settings.

    Raises:
        ConfigurationError: the project is not set.
    """
    settings.require("google_cloud_project")
    return Names(
        settings.google_cloud_project, settings.warehouse_dataset, settings.reporting_dataset
    )


def quoted(identifier: str) -> str:
    """Quote an identifier of BigQuery.

    Raises:
        ValueError: it has a character that our names never have.
    """
    if not _NAME.fullmatch(identifier):
        raise ValueError(f"{identifier!r} cannot be used as a name in BigQuery")
    return f"`{identifier}`"


def literal(text: str) -> str:
    """Write a text literal of one line, for descriptions in statements that take no parameters."""
    line = " ".join(text.split()).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{line}'"
