"""The layout of a home: the port of each part. The supervisor writes it, the parts read it."""

from pathlib import Path
from typing import get_args

import msgspec

from infra import functions
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
        listen: address that the gateway listens on; all other parts listen on 127.0.0.1.
    """

    ports: dict[str, int]
    functions: tuple[Function, ...]
    functions_folder: str
    external_database_url: str = ""
    listen: str = "127.0.0.1"

    @classmethod
    def read(cls, home: Home) -> "Layout":
        """The layout that a home last used."""
        return msgspec.json.decode(home.layout.read_bytes(), type=cls)

    def address(self, name: str) -> str:
        """`host:port` of a stand-in or function."""
        return f"127.0.0.1:{self.ports[name]}"

    def url(self, name: str) -> str:
        """The URL of a stand-in or function."""
        return f"http://{self.address(name)}"

    def topics(self) -> tuple[str, ...]:
        """Every topic of the platform."""
        named = {*functions.topics(self.functions), UPLOADS_TOPIC, DEAD_LETTER_TOPIC}
        return tuple(sorted(named))

    def write(self, home: Home) -> None:
        """Store the layout in its home."""
        write_private(home.layout, msgspec.json.encode(self).decode())


class _Ports(msgspec.Struct):
    """The part of a layout that every version has."""

    ports: dict[str, int]


def last_ports(home: Home) -> dict[str, int]:
    """The ports that a home last used; empty for a new home."""
    if not home.layout.exists():
        return {}
    return msgspec.json.decode(home.layout.read_bytes(), type=_Ports).ports


def read_functions(folder: Path) -> tuple[Function, ...]:
    """The functions of a folder.

    Raises:
        PlatformError: a function.json is invalid.
    """
    try:
        return functions.read(folder)
    except InvalidFunction as error:
        raise PlatformError(str(error)) from error


def beam_python() -> Path | None:
    """The Python of the environment with Beam, or None if it is not installed.

    Beam is optional, because it is large and only large files need it.
    """
    folder = Path(__file__).resolve().parents[2] / ".venv-beam"
    return folder / "bin" / "python" if (folder / ".installed").exists() else None


def bucket_name(key: str) -> str:
    """The name of the local bucket for a purpose: uploads, processed, failed, backups, staging."""
    return f"tablegate-{key}"
