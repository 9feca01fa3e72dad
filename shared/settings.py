"""Reads the settings from the environment and checks them. Nothing else reads it."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

from shared.errors import ConfigurationError

SCOPES = ("rows", "read", "rejects", "backups", "metrics")
CODECS = ("deflate", "snappy", "zstandard")


@dataclass(frozen=True)
class Token:
    """A token that callers may use, known only by its hash.

    Attributes:
        name: who holds it; recorded as the sender of what is sent with it.
        sha256: hex digest of the token.
        scopes: which calls it allows, a subset of `SCOPES`.
        expires: when it expires, or None.
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


def parse_tokens(value: str) -> tuple[Token, ...]:
    """Parse a JSON list of tokens.

    Raises:
        ValueError: it is not one; says what it must be.
    """
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
    # Only null and no entry mean never.
    moment = None if expires is None else datetime.fromisoformat(expires)
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
    """Every setting, read from the variable of the same name in capitals."""

    google_cloud_project: str = _setting("Google Cloud project of the platform.")
    database_url: str = _setting(
        "PostgreSQL to use if CLOUD_SQL_INSTANCE is not set: "
        "postgresql://user:password@host:port/database.",
        secret=True,
    )
    cloud_sql_instance: str = _setting("Cloud SQL instance, as project:region:instance.")
    cloud_sql_user: str = _setting("IAM database user, without .gserviceaccount.com.")
    cloud_sql_database: str = _setting("Database on the Cloud SQL instance.", "tablegate")
    database_pool_size: int = _setting("Connections one function instance may hold.", 8, _whole)
    connect_seconds: int = _setting(
        "How long opening a connection to the database, or checking one, may take.", 5, _whole
    )
    call_seconds: int = _setting(
        "How long an HTTP call waits for the database or Pub/Sub before it answers 503. Loads, "
        "backups and restores are not limited.",
        10,
        _whole,
    )
    publish_seconds: int = _setting(
        "How long to wait for Pub/Sub to acknowledge a message.", 10, _whole
    )
    lock_timeout_seconds: int = _setting(
        "How long a load waits for a lock before it is retried later.", 60, _whole
    )
    uploads_bucket: str = _setting("Bucket where CSV files are dropped.")
    processed_bucket: str = _setting("Bucket for files that were loaded.")
    failed_bucket: str = _setting("Bucket for unreadable files, each with its report.")
    backups_bucket: str = _setting("Bucket of backups.")
    backup_codec: str = _setting(
        "How backups are compressed: deflate, snappy or zstandard.", "deflate", _codec
    )
    backup_keep_days: int = _setting(
        "Minimum age, in days, before a backup may be deleted.", 30, _whole
    )
    backup_keep_last: int = _setting(
        "How many backups of a table are kept regardless of their age.", 7, _whole
    )
    staging_bucket: str = _setting("Bucket of short-lived exports on their way to BigQuery.")
    batches_topic: str = _setting("Topic of accepted batches.", "row-batches")
    changes_topic: str = _setting("Topic of messages about changed tables.", "table-changed")
    dead_letter_topic: str = _setting(
        "Topic of messages and events that can never be processed.", "dead-letters"
    )
    warehouse_dataset: str = _setting("BigQuery dataset of the star schema.", "tablegate")
    reporting_dataset: str = _setting("BigQuery dataset of the reporting views.", "reporting")
    warehouse_location: str = _setting("Location of both BigQuery datasets.", "US")
    maximum_bytes_billed: int = _setting(
        "Most bytes that one query for a metric may scan.", 10_000_000_000, _whole
    )
    query_seconds: int = _setting("How long a metric waits for BigQuery.", 20, _whole)
    metrics_cache_bytes: int = _setting(
        "Size of an instance's response cache for a metric, in bytes.", 16 << 20, _whole
    )
    tokens: tuple[Token, ...] = _setting(
        "Tokens of callers, as a JSON list of {name, sha256, scopes, expires}.",
        (),
        parse_tokens,
        secret=True,
    )
    tokens_file: str = _setting(
        "File with a list of more tokens, read again when it changes, as on the embedded platform."
    )
    token_failures_per_minute: int = _setting(
        "How many calls with a wrong token an instance answers with 401 a minute and address; it "
        "answers more with 429.",
        60,
        _whole,
    )
    push_audience: str = _setting("Audience that the identity token of a push must have.")
    push_account: str = _setting("Account that the identity token of a push must belong to.")
    push_certs_url: str = _setting(
        "URL of the certificates that sign identity tokens.",
        "https://www.googleapis.com/oauth2/v1/certs",
    )
    check_events: bool = _setting(
        "`true` if events must have the push service's identity token too, as on the embedded "
        "platform; on Google Cloud, IAM rejects events from others.",
        False,
        _flag,
    )
    push_checked_by_iam: bool = _setting(
        "`true` if IAM checks every push: Cloud Run then removes the signature from its identity "
        "token, and tokens without a signature are accepted.",
        False,
        _flag,
    )
    max_line_bytes: int = _setting(
        "Longest row of a file or a batch, in bytes; a longer row of a batch is stored if it is "
        "plainly good.",
        1 << 20,
        _whole,
    )
    max_unpacked_bytes: int = _setting(
        "Largest size that a gzip file may unpack to, in bytes.",
        20_000_000_000,
        _whole,
    )
    max_unpacked_ratio: int = _setting(
        "How many times its size a gzip file may unpack to, beyond 4 MiB; CSV has 5 to 9.",
        100,
        _whole,
    )
    load_seconds: int = _setting(
        "How long one call may read and stage a file, in seconds; then the file fails.",
        300,
        _whole,
    )
    max_rejects: int = _setting(
        "Rejected rows of a file from which MAX_REJECT_PERCENT counts.", 1_000_000, _whole
    )
    max_reject_percent: int = _setting(
        "Share of rejected rows, in percent of those read, from which a file with more than "
        "MAX_REJECTS of them fails.",
        50,
        _whole,
    )
    bytes_per_reject: int = _setting(
        "A file fails if it has more than 10,000 rejected rows, and one more for each of so many "
        "bytes of its stored size.",
        2,
        _whole,
    )
    stream_seconds: int = _setting(
        "How long a caller may take to read a streamed response, in seconds; one that reads "
        "nothing for 10 s is cut off sooner.",
        55,
        _whole,
    )
    max_body_bytes: int = _setting(
        "Largest body of an HTTP call, in bytes; calls that need little take less.",
        10_000_000,
        _whole,
    )
    body_seconds: int = _setting(
        "How long the body of an HTTP call may take to arrive.", 30, _whole
    )
    max_batch_bytes: int = _setting(
        "Largest message of a batch, unpacked, in bytes.", 32 << 20, _whole
    )
    max_block_bytes: int = _setting(
        "Largest block of an Avro file to restore, compressed or not, in bytes.",
        32 << 20,
        _whole,
    )
    max_upload_bytes: int = _setting(
        "Largest file that the dashboard accepts, in bytes; Google allows 32 MiB.",
        32 << 20,
        _whole,
    )
    backfill_from_bytes: int = _setting(
        "Size from which Dataflow loads a file, in bytes; a gzip file counts eight times. One call "
        "has 540 s, enough for a file of twice this size that is staged and merged.",
        1_000_000_000,
        _whole,
    )
    dataflow_template: str = _setting(
        "Flex Template of the backfill, as gs://bucket/object; without it, files that are too "
        "large for one call fail."
    )
    dataflow_region: str = _setting("Region of backfills.")
    dataflow_image: str = _setting("Container image for the workers of a backfill.")
    dataflow_endpoint: str = _setting("host:port of a stand-in for Dataflow.")
    sweep_age_seconds: int = _setting(
        "Age from which the sweep loads a file that is still in uploads.", 300, _whole
    )

    def shareable(self) -> dict[str, str]:
        """Return the settings that differ from their defaults, without secrets, as variables."""
        found = {}
        for setting in described():
            value = getattr(self, setting.name)
            if value != setting.default and not setting.metadata["secret"]:
                found[setting.name.upper()] = str(value).lower() if value is True else str(value)
        return found

    def require(self, *names: str) -> None:
        """Check that these settings are set.

        Raises:
            ConfigurationError: names every variable that is missing.
        """
        missing = [name.upper() for name in names if not getattr(self, name)]
        if missing:
            raise ConfigurationError(
                f"Not configured: {', '.join(missing)}. Set the variable and start again."
            )


def described() -> tuple[Field[Any], ...]:
    """Return every setting as a dataclass field, with its sentence in the metadata."""
    return fields(Settings)


def read(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from a mapping of variables, the process environment by default.

    An empty variable counts as not set.

    Raises:
        ConfigurationError: names every variable whose value cannot be used.
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
    """Return the table of settings in the README."""
    lines = ["| variable | default | meaning |", "| --- | --- | --- |"]
    for setting in described():
        default = "" if setting.default in ("", (), None) else f"`{setting.default}`"
        lines.append(f"| `{setting.name.upper()}` | {default} | {setting.metadata['sentence']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(as_markdown() + "\n")
