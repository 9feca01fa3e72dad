"""The environment variables of the parts."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from infra.functions import Function
from infra.local import tokens
from infra.local.home import Home
from infra.local.layout import (
    BUCKETS,
    DATASET,
    DEAD_LETTER_TOPIC,
    PROJECT,
    PUSH_ACCOUNT,
    PUSH_AUDIENCE,
    REPORTING_DATASET,
    Layout,
    beam_python,
    bucket_name,
)

ROOT = Path(__file__).resolve().parents[2]
HOME_MARK, PART_MARK = "TABLEGATE_PLATFORM_HOME", "TABLEGATE_PLATFORM_PART"
# These could make a part use something other than the platform.
_FOREIGN_PREFIXES = (
    "GOOGLE_",
    "GCLOUD_",
    "CLOUDSDK_",
    "CLOUD_SQL_",
    "PG",
    "BQEMU_",
    "FUNCTION_",
    "K_",
)
_FOREIGN_NAMES = ("DATABASE_URL", "TOKENS", "TOKENS_FILE", "PORT", "PYTHONPATH", "XDG_RUNTIME_DIR")


def inherited(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The caller's environment, without variables that could point a part elsewhere."""
    environ = os.environ if environ is None else environ
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(_FOREIGN_PREFIXES)
        and name not in _FOREIGN_NAMES
        and not name.lower().endswith("_proxy")
    }
    # Without it, Python asks macOS for the proxies in its settings, which crashes a forked process.
    return {**kept, "NO_PROXY": "*"}


def marks(home: Home, part: str) -> dict[str, str]:
    """Variables that identify a process of this home among all processes of the machine."""
    return {HOME_MARK: str(home.path), PART_MARK: part}


def of_functions(home: Home, layout: Layout) -> dict[str, str]:
    """The environment that functions and our own set-up commands get."""
    return {
        **inherited(),
        "PYTHONPATH": str(ROOT),
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "DATABASE_URL": database_url(home, layout),
        **{f"{key.upper()}_BUCKET": bucket_name(key) for key in BUCKETS},
        "BATCHES_TOPIC": "row-batches",
        "CHANGES_TOPIC": "table-changed",
        "DEAD_LETTER_TOPIC": DEAD_LETTER_TOPIC,
        "WAREHOUSE_DATASET": DATASET,
        "REPORTING_DATASET": REPORTING_DATASET,
        "TOKENS": json.dumps([tokens.own_entry(home)]),
        "TOKENS_FILE": str(home.tokens),
        "CHECK_EVENTS": "true",
        "PUSH_AUDIENCE": PUSH_AUDIENCE,
        "PUSH_ACCOUNT": PUSH_ACCOUNT,
        "PUSH_CERTS_URL": f"{layout.url('gateway')}/push-certs",
        "STORAGE_EMULATOR_HOST": layout.url("storage"),
        "PUBSUB_EMULATOR_HOST": layout.address("pubsub"),
        "BIGQUERY_EMULATOR_HOST": layout.url("bigquery"),
        **_dataflow(layout),
    }


def of_allocator(function: Function) -> dict[str, str]:
    """The variables by which an HTTP function's process returns memory, as on Google Cloud."""
    if function.trigger.signature != "http":
        return {}
    return dict(json.loads((ROOT / "infra" / "malloc.json").read_text()))


def _dataflow(layout: Layout) -> dict[str, str]:
    if beam_python() is None:
        return {}
    return {
        "DATAFLOW_TEMPLATE": "gs://tablegate-staging/backfill.json",
        "DATAFLOW_REGION": "local",
        "DATAFLOW_ENDPOINT": layout.address("dataflow"),
    }


def database_url(home: Home, layout: Layout) -> str:
    """The URL of the database."""
    if layout.external_database_url:
        return layout.external_database_url
    password = quote(home.secret(home.password_file), safe="")
    return f"postgresql://tablegate:{password}@{layout.address('postgres')}/tablegate"
