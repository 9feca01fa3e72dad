"""The names of the warehouse's tables and views, in SQL files and in composed statements.

The files call the datasets `warehouse` and `reporting`, which are replaced by the real names.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from shared.database.sql import statement
from shared.settings import Settings

SQL = Path(__file__).with_name("sql")
_OBJECT = re.compile(r"`(warehouse|reporting)\.([a-z0-9_]+)`")
_NAME = re.compile(r"[A-Za-z0-9_:.-]+")


@dataclass(frozen=True)
class Names:
    """Where the warehouse is.

    Attributes:
        project: the Google Cloud project.
        warehouse: dataset of the star schema.
        reporting: dataset of the reporting views.
    """

    project: str
    warehouse: str
    reporting: str

    def plain(self, name: str) -> str:
        """A table of the warehouse, as the API writes it."""
        return f"{self.project}.{self.warehouse}.{name}"

    def table(self, name: str) -> str:
        """A table of the warehouse, as SQL writes it."""
        return quoted(self.plain(name))

    def text(self, folder: str, name: str) -> str:
        """The statement in `sql/folder/name.sql`, with the real names."""
        return self.resolved(statement(SQL / folder, name))

    def resolved(self, sql: str) -> str:
        """A text with the real names in place of `warehouse.x` and `reporting.x`."""
        datasets = {"warehouse": self.warehouse, "reporting": self.reporting}
        return _OBJECT.sub(
            lambda found: quoted(f"{self.project}.{datasets[found[1]]}.{found[2]}"), sql
        )


def of(settings: Settings) -> Names:
    """The names that the settings give.

    Raises:
        ConfigurationError: the project is not set.
    """
    settings.require("google_cloud_project")
    return Names(
        settings.google_cloud_project, settings.warehouse_dataset, settings.reporting_dataset
    )


def quoted(identifier: str) -> str:
    """An identifier of BigQuery, quoted.

    Raises:
        ValueError: it has a character that none of our names has.
    """
    if not _NAME.fullmatch(identifier):
        raise ValueError(f"{identifier!r} cannot be used as a name in BigQuery")
    return f"`{identifier}`"
