"""The plan of a platform: its parts, their dependencies, and its description for clients."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from infra.functions import Function
from infra.local import environment, keys, ports, postgres, stand_ins, storage
from infra.local.environment import ROOT
from infra.local.home import Home
from infra.local.layout import (
    BUCKETS,
    DATASET,
    PROJECT,
    STAND_INS,
    Layout,
    bucket_name,
    last_ports,
    read_functions,
)
from infra.local.parts import Part, Stage, answers_http


def lay_out(
    home: Home,
    functions_folder: Path,
    gateway_port: int | None,
    database_url: str = "",
    listen: str = "127.0.0.1",
) -> Layout:
    """Choose the ports and functions of a home, and store them there."""
    functions = read_functions(functions_folder)
    names = (*STAND_INS, *(function.name for function in functions))
    given = {"gateway": gateway_port} if gateway_port else {}
    chosen = ports.choose(names, last_ports(home), given)
    layout = Layout(chosen, functions, str(functions_folder), database_url, listen)
    layout.write(home)
    keys.prepare(home)
    return layout


def parts(home: Home, layout: Layout) -> tuple[Part, ...]:
    """Every part of the platform.

    Raises:
        PlatformError: something a part needs is not installed.
    """
    setup = _setup(home, layout)
    before_functions = ("buckets", *(part.name for part in setup))
    functions = tuple(
        _function(home, layout, function, before_functions) for function in layout.functions
    )
    database = () if layout.external_database_url else (_database(home, layout),)
    return (
        *database,
        stand_ins.pubsub(home, layout),
        stand_ins.bigquery(home, layout),
        _task(home, layout, "topics", ("infra.local.provision", "topics"), ("pubsub",)),
        storage.part(home, layout),
        _task(home, layout, "buckets", ("infra.local.provision", "buckets"), ("storage",)),
        *setup,
        *stand_ins.dataflow(home, layout),
        *functions,
        stand_ins.eventarc(home, layout),
        stand_ins.gateway(home, layout),
        stand_ins.timer(home, layout, (*before_functions, *(part.name for part in functions))),
    )


def description(home: Home, layout: Layout) -> str:
    """platform.json: the addresses and secrets that a client needs."""
    buckets = {key: bucket_name(key) for key in BUCKETS if key != "staging"}
    content = {
        "gateway": layout.url("gateway"),
        "token": home.secret(home.token_file),
        "storage": {"endpoint": layout.url("storage"), **buckets},
        "database_url": environment.database_url(home, layout),
        "bigquery": {
            "endpoint": layout.url("bigquery"),
            "project": PROJECT,
            "dataset": DATASET,
        },
        "pubsub": {
            "endpoint": layout.address("pubsub"),
            "project": PROJECT,
            "secret": home.secret(home.pubsub_secret),
        },
    }
    return json.dumps(content, indent=2) + "\n"


def _database(home: Home, layout: Layout) -> Part:
    return postgres.part(home, layout.ports["postgres"])


def _setup(home: Home, layout: Layout) -> tuple[Part, ...]:
    """The tasks that create the tables of both databases, before functions start."""
    database = () if layout.external_database_url else ("postgres",)
    steps = (
        ("tables", "shared.database", "migrate", database),
        ("warehouse", "shared.warehouse", "apply", ("bigquery",)),
    )
    return tuple(
        _task(home, layout, name, (module, verb), needs)
        for name, module, verb, needs in steps
        if _can_run(module)
    )


def _can_run(module: str) -> bool:
    folder = ROOT / module.replace(".", "/")
    return (folder / "__main__.py").is_file() or folder.with_suffix(".py").is_file()


def _task(
    home: Home, layout: Layout, name: str, words: tuple[str, ...], needs: tuple[str, ...]
) -> Part:
    module, *arguments = words
    if module.startswith("infra."):
        arguments += ["--home", str(home.path)]
    return Part(
        name=name,
        command=(sys.executable, "-m", module, *arguments),
        stage=Stage.ENTRANCE,
        environment=environment.of_functions(home, layout),
        needs=needs,
        folder=ROOT,
    )


def _function(home: Home, layout: Layout, function: Function, needs: tuple[str, ...]) -> Part:
    folder = home.run / function.name
    port = layout.ports[function.name]
    source = Path(layout.functions_folder) / function.name / "main.py"
    return Part(
        name=function.name,
        command=(
            str(Path(sys.executable).with_name("functions-framework")),
            *("--source", str(source), "--target", function.name),
            *("--signature-type", function.trigger.signature),
            *("--host", "127.0.0.1", "--port", str(port)),
        ),
        stage=Stage.FUNCTION,
        environment={
            **environment.of_functions(home, layout),
            **environment.of_allocator(function),
            "THREADS": str(function.limits.concurrency),
            "CLOUD_RUN_TIMEOUT_SECONDS": str(function.limits.timeout_seconds),
            # gunicorn creates its control socket here: a folder for each function, so that they
            # do not replace each other's, and a relative path, because a socket's path has
            # 108 characters at most.
            "XDG_RUNTIME_DIR": ".",
        },
        address=layout.url(function.name),
        # functions-framework answers this path itself, without calling the function.
        probe=answers_http(port, "/robots.txt"),
        needs=needs,
        prepare=_make_folder(folder),
        folder=folder,
        nice=stand_ins.LOW_PRIORITY if function.name == "sync_warehouse" else 0,
    )


def _make_folder(folder: Path) -> Callable[[], None]:
    return lambda: folder.mkdir(exist_ok=True)
