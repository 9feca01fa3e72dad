"""What is deployed: each function's zip is whole, and starts where nothing else is."""

import json
import subprocess
import time
from contextlib import contextmanager

import httpx
import pytest

from infra import package
from infra.local import ports, specifications
from tests.infra import alone

IMPORT_ALL = "import importlib, sys; [importlib.import_module(one) for one in sys.argv[1:]]"


def test_every_function_that_is_deployed_is_packaged():
    assert package.names() == sorted(one.name for one in specifications.functions())


def test_the_same_files_give_the_same_bytes(tmp_path):
    (tmp_path / "again").mkdir()
    first, again = (package.write("insert_rows", at) for at in (tmp_path, tmp_path / "again"))

    assert first.read_bytes() == again.read_bytes()


def test_a_function_asks_for_no_library_that_it_does_not_use():
    metrics, gate = package.requirements("hires_by_quarter"), package.requirements("insert_rows")

    assert "google-cloud-bigquery==" in metrics
    assert "pg8000==" not in metrics
    assert "pg8000==" in gate
    assert "google-cloud-bigquery==" not in gate
    assert "--hash=sha256:" in gate


def test_a_distribution_that_is_not_pinned_is_named():
    with pytest.raises(package.Unpackable, match=r"requirements\.txt does not have nothing-such"):
        package.closure(["nothing-such"], {})


@pytest.mark.parametrize("function", specifications.functions(), ids=lambda one: one.name)
def test_a_zip_starts_alone_and_answers(function, tmp_path):
    source = alone.unpacked(function.name, tmp_path)
    environment = alone.environment(source, tmp_path / "site")

    modules = sorted(alone.reached(source))
    done = subprocess.run(
        [alone.python(), "-c", IMPORT_ALL, *modules],
        cwd=source,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    with serving(function, source, environment) as address:
        answer = httpx.post(f"{address}/nothing/here", json={})
    # The function's own answer: events must look like events, and calls must be known.
    assert answer.status_code in {400, 401, 404, 405}, answer.text
    if function.signature == "http":
        assert json.loads(answer.text)["type"].startswith("urn:tablegate:problem:")


@contextmanager
def serving(function, source, environment):
    port = ports.choose([function.name], {}, {})[function.name]
    words = ["-m", "functions_framework", "--target", function.name, "--port", str(port)]
    words += ["--signature-type", function.signature, "--host", "127.0.0.1"]
    with subprocess.Popen(
        [alone.python(), *words], cwd=source, env=environment, stderr=subprocess.PIPE
    ) as process:
        try:
            for _ in range(200):
                assert process.poll() is None, process.stderr.read().decode()
                try:
                    httpx.get(f"http://127.0.0.1:{port}/health")
                    break
                except httpx.TransportError:
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
