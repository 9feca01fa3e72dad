"""The yardstick of the batch benchmark: FastAPI with pydantic, which validates and publishes."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection, create_server

REQUIREMENTS = ("fastapi==0.165.0", "uvicorn[standard]==0.54.0", "google-cloud-pubsub==2.44.0")
TOPIC = "yardstick"
APPLICATION = """
import os
from typing import Annotated

from fastapi import FastAPI
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Id = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]


class Hire(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: Id
    name: Annotated[str, Field(min_length=1, max_length=1000)]
    datetime: AwareDatetime
    department_id: Id
    job_id: Id


class Batch(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rows: Annotated[list[Hire], Field(min_length=1, max_length=1000)]


app = FastAPI()
# A message is not kept back for others to come.
publisher = PublisherClient(BatchSettings(max_messages=1))


@app.post("/insert_rows/hired_employees", status_code=202)
def take(batch: Batch) -> dict[str, int]:
    publisher.publish(os.environ["TOPIC"], batch.model_dump_json().encode()).result()
    return {"accepted": len(batch.rows)}
"""


@contextmanager
def serving(pubsub: str, project: str) -> Iterator[str]:
    """Serve it with one worker of uvicorn in its own environment; gives its address.

    Args:
        pubsub: host and port of the Pub/Sub that has the topic.
        project: the topic's project.
    """
    with tempfile.TemporaryDirectory(prefix="tablegate-fastapi-") as folder:
        python = _installed(Path(folder))
        (Path(folder) / "app.py").write_text(APPLICATION)
        port = _free_port()
        words = ("-m", "uvicorn", "app:app", "--port", str(port), "--log-level", "warning")
        topic = {"PUBSUB_EMULATOR_HOST": pubsub, "TOPIC": f"projects/{project}/topics/{TOPIC}"}
        process = subprocess.Popen(
            [str(python), *words, "--no-access-log"], cwd=folder, env={**os.environ, **topic}
        )
        try:
            _wait(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=10)


def _installed(folder: Path) -> Path:
    home = folder / "environment"
    python = home / "bin" / "python"
    uv = (sys.executable, "-m", "uv", "--quiet")
    subprocess.run([*uv, "venv", "--python", sys.executable, str(home)], check=True)
    install = [*uv, "pip", "install", "--python", str(python), *REQUIREMENTS]
    subprocess.run(install, check=True)
    return python


def _free_port() -> int:
    with create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait(port: int) -> None:
    limit = time.monotonic() + 30
    while True:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            assert time.monotonic() < limit, "uvicorn did not start"
            time.sleep(0.05)
        else:
            return
