"""The plan of a platform: its parts, what each waits for, and what clients are told."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from infra.functions import Function
from infra.local import environment, keys, ports, postgres, stand_ins, storage
from infra.local import layout as layouts
from infra.local.environment import ROOT
from infra.local.home import Home
from infra.local.layout import STAND_INS, Layout
from infra.local.parts import Part, Stage, answers_http


def lay_out(
    home: Home,
    functions_folder: Path,
    gateway_port: int | None,
    database_url: str = "",
    listen: str = "127.0.0.1",
) -> Layout:
    """Choose ports and functions for a home, and keep the choice there."""
    functions = layouts.present_functions(functions_folder)
    names = (*STAND_INS, *(function.name for function in functions))
    given = {"gateway": gateway_port} if gateway_port else {}
    chosen = ports.choose(names, layouts.kept_ports(home), given)
    layout = Layout(chosen, functions, str(functions_folder), database_url, listen)
    layout.write(home)
    keys.prepare(home)
    return layout


def parts(home: Home, layout: Layout) -> tuple[Part, ...]:
    """Every part of the platform.

    Raises:
        PlatformError: something a part needs is not installed.
    """
    groundwork = _groundwork(home, layout)
    before_functions = ("buckets", *(part.name for part in groundwork))
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
        *groundwork,
        *stand_ins.dataflow(home, layout),
        *functions,
        stand_ins.eventarc(home, layout),
        stand_ins.gateway(home, layout),
        stand_ins.timer(home, layout, (*before_functions, *(part.name for part in functions))),
    )


def description(home: Home, layout: Layout) -> str:
    """platform.json: what a client must know."""
    buckets = {key: layouts.bucket_name(key) for key in layouts.BUCKETS if key != "staging"}
    told = {
        "gateway": layout.url("gateway"),
        "token": home.secret(home.token_file),
        "storage": {"endpoint": layout.url("storage"), **buckets},
        "database_url": environment.database_url(home, layout),
        "bigquery": {
            "endpoint": layout.url("bigquery"),
            "project": layouts.PROJECT,
            "dataset": layouts.DATASET,
        },
        "pubsub": {"endpoint": layout.address("pubsub"), "project": layouts.PROJECT},
    }
    return json.dumps(told, indent=2) + "\n"


def _database(home: Home, layout: Layout) -> Part:
    return postgres.part(home, layout.ports["postgres"])


def _groundwork(home: Home, layout: Layout) -> tuple[Part, ...]:
    """What must be in the databases before functions start."""
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
            "THREADS": str(function.limits.concurrency),
            "CLOUD_RUN_TIMEOUT_SECONDS": str(function.limits.timeout_seconds),
            # gunicorn puts a control socket here; one folder for all would be fought over, and
            # the path is relative because a socket's has 108 characters at most.
            "XDG_RUNTIME_DIR": ".",
        },
        address=layout.url(function.name),
        # functions-framework answers this one itself, without calling the function.
        probe=answers_http(port, "/robots.txt"),
        needs=needs,
        prepare=_maker(folder),
        folder=folder,
        nice=stand_ins.BEHIND if function.name == "sync_warehouse" else 0,
    )


def _maker(folder: Path) -> Callable[[], None]:
    return lambda: folder.mkdir(exist_ok=True)
