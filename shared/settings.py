"""Typed settings: the only reader of the environment."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from shared.errors import ConfigurationError

SCOPES = ("rows", "rejects", "backups", "metrics")
CODECS = ("deflate", "snappy", "zstandard")


@dataclass(frozen=True)
class Token:
    """A token that callers may present, known only by its hash.

    Attributes:
        name: who holds it; recorded as the sender of what is sent with it.
        sha256: hex digest of the token.
        scopes: which calls it opens, of `SCOPES`.
        expires: the moment from which it opens nothing, or None.
    """

    name: str
    sha256: str
    scopes: frozenset[str]
    expires: datetime | None


def _text(value: str) -> str:
    return value


def _whole(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) == 0:
        raise ValueError("must be a whole number above 0")
    return int(value)


def _flag(value: str) -> bool:
    if value not in ("true", "false"):
        raise ValueError("must be true or false")
    return value == "true"


def _codec(value: str) -> str:
    if value not in CODECS:
        raise ValueError(f"must be one of {', '.join(CODECS)}")
    return value


def _tokens(value: str) -> tuple[Token, ...]:
    try:
        entries = json.loads(value)
        if not isinstance(entries, list):
            raise TypeError("not a list")
        return tuple(_token(entry) for entry in entries)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(
            "must be a JSON list of {name, sha256, scopes, expires}; "
            "`python -m shared.tokens new` prints one"
        ) from error


def _token(entry: Mapping[str, Any]) -> Token:
    expires = entry.get("expires")
    moment = datetime.fromisoformat(expires) if expires else None
    scopes = frozenset(entry["scopes"])
    digest = str(entry["sha256"]).lower()
    if len(bytes.fromhex(digest)) != 32 or not scopes <= set(SCOPES):
        raise ValueError("not a token entry")
    if moment is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return Token(str(entry["name"]), digest, scopes, moment)


def _setting(
    sentence: str, default: Any = "", parse: Callable[[str], Any] = _text, *, secret: bool = False
) -> Any:
    return field(
        default=default,
        repr=not secret,
        metadata={"sentence": sentence, "parse": parse, "secret": secret},
    )


@dataclass(frozen=True)
class Settings:
    """Every setting, read from variables of the same name in capitals."""

    google_cloud_project: str = _setting("The Google Cloud project everything belongs to.")
    database_url: str = _setting(
        "PostgreSQL to use where CLOUD_SQL_INSTANCE is not set: "
        "postgresql://user:password@host:port/database.",
        secret=True,
    )
    cloud_sql_instance: str = _setting("Cloud SQL instance, as project:region:instance.")
    cloud_sql_user: str = _setting("IAM database user, without .gserviceaccount.com.")
    cloud_sql_database: str = _setting("Database on the Cloud SQL instance.", "tablegate")
    database_pool_size: int = _setting("Connections one function instance may hold.", 8, _whole)
    lock_timeout_seconds: int = _setting(
        "How long a load waits for a lock before it is tried again later.", 60, _whole
    )
    uploads_bucket: str = _setting("Bucket where CSV files are dropped.")
    processed_bucket: str = _setting("Bucket where loaded files go.")
    failed_bucket: str = _setting("Bucket where unreadable files go, each beside its report.")
    backups_bucket: str = _setting("Bucket of the backups.")
    backup_codec: str = _setting(
        "How backups are packed: deflate, snappy or zstandard.", "deflate", _codec
    )
    backup_keep_days: int = _setting("Days that a backup is kept at least.", 30, _whole)
    backup_keep_last: int = _setting(
        "How many backups of a table are kept whatever their age.", 7, _whole
    )
    staging_bucket: str = _setting("Bucket of short-lived exports on their way to BigQuery.")
    batches_topic: str = _setting("Topic of accepted batches.", "row-batches")
    changes_topic: str = _setting("Topic that says a table has changed.", "table-changed")
    dead_letter_topic: str = _setting("Topic of messages that can never succeed.", "dead-letters")
    warehouse_dataset: str = _setting("BigQuery dataset of the star schema.", "tablegate")
    reporting_dataset: str = _setting("BigQuery dataset of the reporting views.", "reporting")
    warehouse_location: str = _setting("Where both BigQuery datasets lie.", "US")
    maximum_bytes_billed: int = _setting(
        "Most bytes that one query for a metric may scan, in bytes.", 10_000_000_000, _whole
    )
    metrics_cache_bytes: int = _setting(
        "Most bytes of answers that one instance keeps of a metric, in bytes.", 16 << 20, _whole
    )
    tokens: tuple[Token, ...] = _setting(
        "Who may call, as a JSON list of {name, sha256, scopes, expires}.",
        (),
        _tokens,
        secret=True,
    )
    push_audience: str = _setting("Audience that a push's identity token must carry.")
    push_account: str = _setting("Account that a push's identity token must belong to.")
    push_certs_url: str = _setting(
        "Where the certificates that sign identity tokens are.",
        "https://www.googleapis.com/oauth2/v1/certs",
    )
    check_events: bool = _setting(
        "`true` where events too must carry the push service's identity token, as on the embedded "
        "platform; on Google Cloud IAM lets nobody else send them.",
        False,
        _flag,
    )
    push_checked_by_iam: bool = _setting(
        "`true` where IAM lets no push in that it has not checked: Cloud Run then removes the "
        "signatures of identity tokens, and a token without its signature is taken.",
        False,
        _flag,
    )
    max_line_bytes: int = _setting("Longest row of a CSV file, in bytes.", 1 << 20, _whole)
    max_unpacked_bytes: int = _setting(
        "What a gzip file may unpack to at most, in bytes.",
        20_000_000_000,
        _whole,
    )
    max_body_bytes: int = _setting("Largest body of an HTTP call, in bytes.", 10_000_000, _whole)
    max_batch_bytes: int = _setting(
        "Largest message of a batch, unpacked, in bytes.", 64 << 20, _whole
    )
    max_block_bytes: int = _setting(
        "Largest block of an Avro file that is restored, packed or unpacked, in bytes.",
        32 << 20,
        _whole,
    )
    max_upload_bytes: int = _setting(
        "Largest file that may be sent through the dashboard, in bytes; Google's front end lets "
        "32 MiB through.",
        32 << 20,
        _whole,
    )
    backfill_from_bytes: int = _setting(
        "Size from which a file is handed to Dataflow, in bytes; a gzip file counts eight times. "
        "One call has 540 s, enough for twice as much in the slowest way of loading.",
        1_000_000_000,
        _whole,
    )
    dataflow_template: str = _setting(
        "Flex Template of the backfill, as gs://bucket/object; without it files that are too large "
        "for one call go to failed."
    )
    dataflow_region: str = _setting("Region where backfills run.")
    dataflow_image: str = _setting("Image that the workers of a backfill run.")
    dataflow_endpoint: str = _setting("host:port of a stand-in of Dataflow, in place of Google's.")
    sweep_age_seconds: int = _setting(
        "How long a file may lie in uploads before the sweep loads it itself.", 300, _whole
    )

    def shareable(self) -> dict[str, str]:
        """The settings that are no secrets and not the default, as variables."""
        found = {}
        for setting in described():
            value = getattr(self, setting.name)
            if value != setting.default and not setting.metadata["secret"]:
                found[setting.name.upper()] = str(value).lower() if value is True else str(value)
        return found

    def require(self, *names: str) -> None:
        """Check that the settings named are there.

        Raises:
            ConfigurationError: naming every variable that is missing, in one message.
        """
        missing = [name.upper() for name in names if not getattr(self, name)]
        if missing:
            raise ConfigurationError(
                f"Not configured: {', '.join(missing)}. Set the variable and start again."
            )


def described() -> tuple[Field[Any], ...]:
    """Every setting as a dataclass field; its sentence is in the field's metadata."""
    return fields(Settings)


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from a mapping of variables, the process environment by default.

    An empty variable counts as not set.

    Raises:
        ConfigurationError: naming every variable whose value cannot be used, in one message.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for setting in described():
        given = environ.get(setting.name.upper(), "")
        if not given:
            continue
        try:
            values[setting.name] = setting.metadata["parse"](given)
        except ValueError as error:
            wrong.append(f"{setting.name.upper()} {error}")
    if wrong:
        raise ConfigurationError(f"Wrongly configured: {'; '.join(wrong)}.")
    return Settings(**values)


def as_markdown() -> str:
    """Every setting as a table of the README."""
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for setting in described():
        default = "" if setting.default in ("", (), None) else f"`{setting.default}`"
        lines.append(f"| `{setting.name.upper()}` | {default} | {setting.metadata['sentence']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(as_markdown() + "\n")
