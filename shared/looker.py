"""Prints the link that opens a Looker Studio report on the reporting views."""

import argparse
import sys
from urllib.parse import quote, urlencode

from shared.errors import ConfigurationError
from shared.metrics import OWN_VIEWS, all_metrics
from shared.settings import read

_CREATE_URL = "https://lookerstudio.google.com/reporting/create"


def link(project: str, dataset: str, template: str = "") -> str:
    """Build the link, as Looker Studio's Linking API defines it.

    Args:
        project: the Google Cloud project that has the views and pays for queries.
        dataset: the dataset of the views.
        template: id of a report to copy, whose data sources have the views' names as aliases; by
            default the report is blank.
    """
    values = {"c.mode": "edit", "r.reportName": "Tablegate"}
    if template:
        values["c.reportId"] = template
    for view, title in views().items():
        source = {
            "connector": "bigQuery",
            "datasourceName": title,
            "type": "TABLE",
            "projectId": project,
            "datasetId": dataset,
            "tableId": view,
            "billingProjectId": project,
        }
        values |= {f"ds.{view}.{name}": value for name, value in source.items()}
    return f"{_CREATE_URL}?{urlencode(values, quote_via=quote)}"


def views() -> dict[str, str]:
    """Return the reporting views by name, with their titles in the report: the metrics' first."""
    return {one.name: one.title for one in all_metrics().values()} | OWN_VIEWS


def main() -> int:
    """Print the link, and return the exit status."""
    try:
        settings = read()
        parser = argparse.ArgumentParser(prog="python -m shared.looker", description=__doc__)
        parser.add_argument("--project", default=settings.google_cloud_project)
        parser.add_argument("--dataset", default=settings.reporting_dataset)
        parser.add_argument("--template", default="", help="id of a report to copy")
        given = parser.parse_args()
        if not given.project:
            raise ConfigurationError("Name the project: --project, or GOOGLE_CLOUD_PROJECT.")
    except ConfigurationError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(link(given.project, given.dataset, given.template))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
