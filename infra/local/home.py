"""The home of a platform: the folder with its data, secrets, logs and lock."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import HomeInUse, NotAHome

MARK = "tablegate-home"


@dataclass(frozen=True)
class Home:
    """The files and folders of a home."""

    path: Path

    @classmethod
    def at(cls, path: Path) -> "Home":
        """The home in a folder, which may not exist yet."""
        return cls(path.expanduser().resolve())

    @property
    def logs(self) -> Path:
        """Folder of the logs, one file per part."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """Folder of files that are needed only while the platform runs."""
        return self.path / "run"

    @property
    def storage(self) -> Path:
        """Folder of the storage stand-in: one folder per bucket, one file per object."""
        return self.path / "storage"

    @property
    def bigquery(self) -> Path:
        """Folder of the BigQuery stand-in."""
        return self.path / "bigquery"

    @property
    def pubsub(self) -> Path:
        """The Pub/Sub stand-in's database file."""
        return self.path / "pubsub" / "messages.sqlite"

    @property
    def signing_key(self) -> Path:
        """Private key that signs the identity tokens of pushes."""
        return self.path / "keys" / "push.pem"

    @property
    def pubsub_secret(self) -> Path:
        """The secret that changes of topics and subscriptions need."""
        return self.path / "keys" / "pubsub-secret"

    @property
    def certificates(self) -> Path:
        """Certificates of the signing key, as JSON {kid: pem}."""
        return self.path / "keys" / "certificates.json"

    @property
    def layout(self) -> Path:
        """The ports of all parts; see `layout.Layout`."""
        return self.path / "layout.json"

    @property
    def state(self) -> Path:
        """The status of the parts; see `status.PlatformStatus`."""
        return self.run / "state.json"

    @property
    def description(self) -> Path:
        """platform.json: addresses and secrets for clients; exists while the platform is ready."""
        return self.path / "platform.json"

    @property
    def token_file(self) -> Path:
        """The token for all calls."""
        return self.path / "token"

    @property
    def tokens(self) -> Path:
        """Hashes of the tokens that users registered; see `tokens`."""
        return self.path / "tokens.json"

    @property
    def password_file(self) -> Path:
        """Password of the database."""
        return self.path / "database-password"

    def prepare(self) -> None:
        """Make the folder a home.

        Raises:
            NotAHome: it exists and contains something else.
        """
        if self.path.exists() and not self.is_home() and any(self.path.iterdir()):
            raise NotAHome(
                f"{self.path} contains something else; choose an empty folder as the home."
            )
        if not self.path.exists():
            self.path.mkdir(parents=True)
            # Others may enter, but not list it: PostgreSQL's account must reach its folder.
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
            NotAHome: it is not, or it does not exist.
        """
        if not self.is_home():
            raise NotAHome(
                f"{self.path} is not the home of a platform; `./tablegate up` creates one."
            )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the home for this process.

        Raises:
            HomeInUse: another platform has locked it.
        """
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise HomeInUse(
                    f"A platform runs on {self.path} already; `./tablegate down` stops it."
                ) from error
            yield

    def secret(self, file: Path) -> str:
        """The secret in a file, generated when first used."""
        if not file.exists():
            write_private(file, secrets.token_urlsafe(32))
        return file.read_text().strip()

    def remove(self) -> None:
        """Delete the home with all its data; the caller has locked it.

        Raises:
            NotAHome: the folder is not a home.
        """
        self.require()
        shutil.rmtree(self.path)


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    draft.replace(file)
