"""Who listens where on this home: written by the supervisor, read by every part of ours."""

from pathlib import Path
from typing import get_args

import msgspec

from infra import functions as described
from infra.functions import Bucket, Function, InvalidFunction
from infra.local.errors import PlatformError
from infra.local.home import Home, write_private

PROJECT = "tablegate-local"
DATASET = "tablegate"
REPORTING_DATASET = "reporting"
BUCKETS: tuple[str, ...] = get_args(Bucket)
UPLOADS_TOPIC = "uploads"
DEAD_LETTER_TOPIC = "dead-letters"
PUSH_AUDIENCE = "tablegate"
PUSH_ACCOUNT = f"pubsub@{PROJECT}.iam"
STAND_INS = (
    *("gateway", "postgres", "storage", "bigquery", "bigquery-rpc", "pubsub", "eventarc"),
    "dataflow",
)


class Layout(msgspec.Struct, frozen=True):
    """Ports and functions of a platform.

    Attributes:
        ports: of the stand-ins and the functions, by name.
        functions: the functions.
        functions_folder: the folder that holds them.
        external_database_url: a PostgreSQL of the user's own, or "".
        listen: address that the gateway listens on; everything else stays on 127.0.0.1.
    """

    ports: dict[str, int]
    functions: tuple[Function, ...]
    functions_folder: str
    external_database_url: str = ""
    listen: str = "127.0.0.1"

    def address(self, name: str) -> str:
        """`host:port` of a stand-in or function."""
        return f"127.0.0.1:{self.ports[name]}"

    def url(self, name: str) -> str:
        """Where a stand-in or function answers HTTP."""
        return f"http://{self.address(name)}"

    def topics(self) -> tuple[str, ...]:
        """Every topic of the platform."""
        named = {*described.topics(self.functions), UPLOADS_TOPIC, DEAD_LETTER_TOPIC}
        return tuple(sorted(named))

    def write(self, home: Home) -> None:
        """Keep the layout in its home."""
        write_private(home.layout, msgspec.json.encode(self).decode())


def read(home: Home) -> Layout:
    """The layout last used on a home."""
    return msgspec.json.decode(home.layout.read_bytes(), type=Layout)


class _Ports(msgspec.Struct):
    """What an older version's layout has too."""

    ports: dict[str, int]


def kept_ports(home: Home) -> dict[str, int]:
    """The ports last used on a home; empty for a new one."""
    if not home.layout.exists():
        return {}
    return msgspec.json.decode(home.layout.read_bytes(), type=_Ports).ports


def present_functions(folder: Path) -> tuple[Function, ...]:
    """The functions of a folder.

    Raises:
        PlatformError: one is not described as it should be.
    """
    try:
        return described.read(folder)
    except InvalidFunction as error:
        raise PlatformError(str(error)) from error


def beam_python() -> Path | None:
    """The Python that Beam is installed for, or None: it is large, and few files need it."""
    folder = Path(__file__).resolve().parents[2] / ".venv-beam"
    return folder / "bin" / "python" if (folder / ".installed").exists() else None


def bucket_name(key: str) -> str:
    """The local bucket that plays a role: uploads, processed, failed, backups, staging."""
    return f"tablegate-{key}"
