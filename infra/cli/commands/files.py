"""Sends files to a platform."""

from __future__ import annotations

import fnmatch
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click

from infra.cli import dictionary, output
from infra.cli.client import Client
from infra.cli.commands.loads import counts_of
from infra.cli.errors import OK, Failure, Refused
from infra.cli.following import exit_code, follow
from infra.cli.main import Options
from infra.cli.target import Target, command, find
from infra.cli.verb import verb

_STDIN = "-"
_FILE = re.compile(r"\.csv(\.gz)?$", re.IGNORECASE)
_MOST_REASONS = 5


@dataclass(frozen=True)
class _File:
    """A file to send.

    Attributes:
        path: where it is.
        name: its name, without folders.
        table: the table of its rows.
    """

    path: Path
    name: str
    table: str


@verb()
@click.argument("files", nargs=-1, required=True)
@click.option("--table", help="The table of the rows; otherwise the file's name or folder says it.")
@click.option("--wait", is_flag=True, help="Wait until each is loaded, and show what became of it.")
def drop(options: Options, files: tuple[str, ...], table: str | None, wait: bool) -> int:
    """Send FILES: paths, patterns, folders, or - for standard input.

    A file is called TABLE.csv, TABLE-anything.csv, or lies in a folder TABLE; .gz may follow.
    With --wait the exit code is 0 if every row is stored, 2 if some were rejected, 1 if a file
    failed.
    """
    target = find(options)
    client = Client(target)
    with _received(files) as given:
        known = dictionary.read(client)
        chosen = [_File(path, name, _table_of(path, name, table, known)) for path, name in given]
        sent = _sent(target, client, chosen, is_quiet=options.json)
    if not wait:
        if not output.answer(options, {"files": sent}):
            for one in sent:
                output.say(f"{one['file']} is load {one['load_id']} of {one['table']}.")
            output.say(
                f"`{command(options, 'load ID')}` shows what became of it; "
                "`drop --wait` waits for it."
            )
        return OK
    return _followed(options, client, sent)


def _followed(options: Options, client: Client, sent: Sequence[dict[str, Any]]) -> int:
    by_id: dict[str, list[dict[str, Any]]] = {}
    for one in sent:
        by_id.setdefault(one["load_id"], []).append(one)
    ended: list[dict[str, Any]] = []
    names = {load_id: files[0]["file"] for load_id, files in by_id.items()}
    with _waiting(options, names) as show:
        ended += follow(client, list(by_id), show)
    files = [{**one, **load} for load in ended for one in by_id[load["load_id"]]]
    if not output.answer(options, {"files": files}):
        shown = counts_of(files)
        output.table(
            ("file", "table", "state", *shown),
            [
                (f["file"], f["table"], f["state"], *((f["counts"] or {}).get(n) for n in shown))
                for f in files
            ],
        )
        for one in files:
            _print_end(options, client, one)
    return exit_code(ended)


def _print_end(options: Options, client: Client, file: dict[str, Any]) -> None:
    if file["state"] == "failed":
        output.say(
            f"\n{file['file']} failed: {(file['error'] or {}).get('detail', 'no reason is known')}"
        )
        return
    if not file["counts"]["rejected"]:
        return
    words = f"rejects --load {file['load_id']}"
    try:
        page = client.get("/rejected_rows", load_id=file["load_id"], limit=_MOST_REASONS)
    except Refused as error:
        # Who may send files need not be allowed to read what was rejected.
        output.say(
            f"\n{file['counts']['rejected']} rows of {file['file']} were rejected. {error.message}"
        )
        return
    output.say(f"\nRejected of {file['file']}:")
    for row in page["rows"]:
        output.say(
            f"  line {row['position']}: {output.reasons(row['errors'])} (id {row['reject_id']})"
        )
    if page["next_cursor"]:
        output.say("  ...")
    output.say(f"  all of them: {command(options, words)}")


def _sent(
    target: Target, client: Client, files: Sequence[_File], *, is_quiet: bool
) -> list[dict[str, Any]]:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    sent = []
    console = output.console(to_errors=True)
    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        disable=is_quiet or not console.is_terminal,
        transient=True,
    )
    with shown:
        for file in files:
            size = file.path.stat().st_size
            with (
                file.path.open("rb") as content,
                shown.wrap_file(content, total=size, description=file.name) as read,
            ):
                answer = _upload(target, client, file, read)
            sent.append({"file": file.name, "table": file.table} | answer)
    return sent


def _upload(target: Target, client: Client, file: _File, content: Any) -> dict[str, Any]:
    size = file.path.stat().st_size
    try:
        found: dict[str, Any] = client.upload(
            f"/dashboard/uploads/{file.table}", content, size, name=file.name
        )
    except Refused as error:
        if error.status != 413:
            raise
        if target.description is None:
            raise Failure(
                f"{file.name} is too large for a call; copy it into the uploads bucket instead: "
                f"gcloud storage cp {file.name} gs://BUCKET/{file.table}/"
            ) from error
        with file.path.open("rb") as again:
            return _to_bucket(target.description, file, again)
    return found


def _to_bucket(description: dict[str, Any], file: _File, content: BinaryIO) -> dict[str, Any]:
    """Put a file that is too large for a call into the bucket of the embedded platform."""
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.storage import Client as Storage

    from shared.loading.ledger import load_id_of

    buckets = description["storage"]
    storage = Storage(
        project="tablegate-local",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": buckets["endpoint"]},
    )
    blob = storage.bucket(buckets["uploads"]).blob(f"{file.table}/{file.name}", chunk_size=8 << 20)
    blob.upload_from_file(content, content_type="text/csv")
    source = f"gs://{buckets['uploads']}/{blob.name}#{blob.generation}"
    return {
        "load_id": str(load_id_of(source)),
        "source": source,
        "table": file.table,
        "size_bytes": blob.size,
    }


@contextmanager
def _received(words: Sequence[str]) -> Iterator[list[tuple[Path, str]]]:
    """The files that the words name, as (path, name); standard input is kept in a file."""
    found: list[tuple[Path, str]] = []
    with tempfile.TemporaryDirectory(prefix="tablegate-") as folder:
        for word in words:
            if word == _STDIN:
                kept = Path(folder) / "stdin.csv"
                with kept.open("wb") as sink:
                    while piece := sys.stdin.buffer.read(1 << 20):
                        sink.write(piece)
                found.append((kept, kept.name))
            else:
                found += [(path, path.name) for path in _paths(word)]
        yield list(dict.fromkeys(found))


def _paths(word: str) -> list[Path]:
    path = Path(word).expanduser()
    if path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(one for one in path.rglob("*") if one.is_file() and _FILE.search(one.name))
    else:
        folder = path.parent if path.parent.is_dir() else Path()
        found = sorted(
            one
            for one in folder.iterdir()
            if one.is_file() and fnmatch.fnmatch(one.name, path.name)
        )
    if not found:
        raise Failure(f"There is no file {word}; name .csv or .csv.gz files, or a folder of them.")
    return found


def _table_of(path: Path, name: str, given: str | None, known: dict[str, Any]) -> str:
    if given is not None:
        return given
    stem = _FILE.sub("", name).lower()
    fits = [table for table in known if stem == table or stem.startswith(f"{table}-")]
    if fits:
        return max(fits, key=len)
    if path.resolve().parent.name in known:
        return path.resolve().parent.name
    raise Failure(
        f"{name} does not say which table it is for; add --table with one of {', '.join(known)}."
    )


@contextmanager
def _waiting(
    options: Options, names: Mapping[str, str]
) -> Iterator[Callable[[list[dict[str, Any]]], None]]:
    """Show what is waited for; the function takes the loads that have not ended."""
    console = output.console(to_errors=True)
    if options.json or not console.is_terminal:
        yield lambda _: None
        return
    with console.status(f"Waiting for {len(names)} loads; Ctrl-C leaves them running") as status:

        def show(running: list[dict[str, Any]]) -> None:
            far = [
                f"{names[one['load_id']]}: {one['rows_read']:,} rows, "
                f"{one['bytes_read'] / 1e6:.0f} of {one['size_bytes'] / 1e6:.0f} MB"
                for one in running
                if one.get("rows_read") is not None
            ]
            waiting = f"Waiting for {len(running)} {'load' if len(running) == 1 else 'loads'}"
            status.update("; ".join([waiting, *far, "Ctrl-C leaves them running"]))

        yield show
