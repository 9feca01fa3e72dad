"""The home of a platform: the folder that holds its data, secrets, logs and lock."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.faults import HomeInUse, NotAHome

MARK = "tablegate-home"


@dataclass(frozen=True)
class Home:
    """A home's files and folders, by what they hold."""

    path: Path

    @property
    def logs(self) -> Path:
        """Folder of the logs, one file a part."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """Folder of what only matters while the platform runs."""
        return self.path / "run"

    @property
    def storage(self) -> Path:
        """Folder of the storage stand-in: a folder a bucket, a file an object."""
        return self.path / "storage"

    @property
    def bigquery(self) -> Path:
        """Folder of the BigQuery stand-in."""
        return self.path / "bigquery"

    @property
    def pubsub(self) -> Path:
        """The Pub/Sub stand-in's file."""
        return self.path / "pubsub" / "messages.sqlite"

    @property
    def signing_key(self) -> Path:
        """Private key of the identity tokens that pushes carry."""
        return self.path / "keys" / "push.pem"

    @property
    def certificates(self) -> Path:
        """Certificates of the signing key, as JSON {kid: pem}."""
        return self.path / "keys" / "certificates.json"

    @property
    def layout(self) -> Path:
        """Who listens where; see `layout.Layout`."""
        return self.path / "layout.json"

    @property
    def state(self) -> Path:
        """The table of parts, as the supervisor last knew it."""
        return self.run / "state.json"

    @property
    def description(self) -> Path:
        """platform.json: what a client must know, there while the platform is ready."""
        return self.path / "platform.json"

    @property
    def token_file(self) -> Path:
        """The token that opens every call."""
        return self.path / "token"

    @property
    def password_file(self) -> Path:
        """Password of the database."""
        return self.path / "database-password"

    def prepare(self) -> None:
        """Make the folder a home.

        Raises:
            NotAHome: it is there and holds something else.
        """
        if self.path.exists() and not self.is_home() and any(self.path.iterdir()):
            raise NotAHome(f"{self.path} holds something else; choose an empty folder as the home.")
        if not self.path.exists():
            self.path.mkdir(parents=True)
            # Others may pass through, not look in: PostgreSQL's own account must reach its folder.
            self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
        (self.path / MARK).touch()
        for folder in (self.logs, self.run, self.storage, self.bigquery):
            folder.mkdir(mode=0o700, exist_ok=True)
        for file in (self.pubsub, self.signing_key):
            file.parent.mkdir(mode=0o700, exist_ok=True)

    def is_home(self) -> bool:
        """Whether a platform made this folder."""
        return (self.path / MARK).is_file()

    def require(self) -> None:
        """Check that the folder is a home.

        Raises:
            NotAHome: it is not, or not there.
        """
        if not self.is_home():
            raise NotAHome(f"{self.path} is no home of a platform; `make up` makes one.")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the home alone.

        Raises:
            HomeInUse: another platform holds it.
        """
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as fault:
                raise HomeInUse(
                    f"A platform runs on {self.path} already; `make down` stops it."
                ) from fault
            yield

    def secret(self, file: Path) -> str:
        """The secret kept in a file, made when first asked for."""
        if not file.exists():
            write_private(file, secrets.token_urlsafe(32))
        return file.read_text().strip()

    def remove(self) -> None:
        """Delete the home with all its data; the caller holds it.

        Raises:
            NotAHome: the folder is no home.
        """
        self.require()
        shutil.rmtree(self.path)


def at(path: Path) -> Home:
    """The home in a folder that may not be there yet."""
    return Home(path.expanduser().resolve())


def write_private(file: Path, text: str) -> None:
    """Write a file whole or not at all, readable by its owner only."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    draft.replace(file)
