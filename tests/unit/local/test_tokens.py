"""Tokens of the embedded platform: registered in the home, listed, revoked, and what they open."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask, request

from infra.local import __main__ as command_line
from infra.local import environment, tokens
from infra.local.errors import PlatformError
from infra.local.home import Home
from infra.local.layout import Layout
from shared import settings
from shared.http.tokens import Refusal, TokenFile, authenticate

LAYOUT = Layout(
    dict.fromkeys(("gateway", "postgres", "storage", "pubsub", "bigquery", "dataflow"), 1), (), ""
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.at(tmp_path / "home")
    made.prepare()
    return made


def sender(home: Home, token: str, scope: str) -> str:
    """Who a token's calls come from, in a function that starts now."""
    read = settings.read(environment.of_functions(home, LAYOUT))
    known = (*read.tokens, *TokenFile(read.tokens_file).read())
    with Flask("f").test_request_context(headers={"X-Token": token}):
        return authenticate(request, known, scope).name


def test_a_registered_token_opens_its_scopes_as_its_sender(home: Home) -> None:
    token = tokens.register(home, "ann", ["rows"])

    assert sender(home, token, "rows") == "ann"
    assert sender(home, home.secret(home.token_file), "backups") == "local"
    with pytest.raises(Refusal, match="scope 'backups'"):
        sender(home, token, "backups")


def test_a_revoked_token_opens_nothing(home: Home) -> None:
    token, other = (tokens.register(home, name, ["rows"]) for name in ("ann", "bob"))

    tokens.revoke(home, "ann")

    with pytest.raises(Refusal, match="unknown"):
        sender(home, token, "rows")
    assert sender(home, other, "rows") == "bob"


def test_the_home_keeps_hashes_only(home: Home) -> None:
    token = tokens.register(home, "ann", ["rows"])

    assert token not in home.tokens.read_text()
    assert home.tokens.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["ann", "local"])
def test_a_name_has_one_token(home: Home, name: str) -> None:
    tokens.register(home, "ann", ["rows"])

    with pytest.raises(PlatformError, match="already"):
        tokens.register(home, name, ["rows"])


@pytest.mark.parametrize(("name", "why"), [("local", "own"), ("eve", "are: ann")])
def test_a_token_that_cannot_be_revoked_is_an_error(home: Home, name: str, why: str) -> None:
    tokens.register(home, "ann", ["rows"])

    with pytest.raises(PlatformError, match=why):
        tokens.revoke(home, name)


def test_tokens_registered_at_once_are_all_kept(home: Home) -> None:
    names = [f"sender {number}" for number in range(30)]

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda name: tokens.register(home, name, ["rows"]), names))

    assert sorted(entry["name"] for entry in tokens.entries(home)) == sorted(["local", *names])


def test_tokens_of_the_callers_environment_open_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKENS", json.dumps([{"name": "eve"}]))

    found = json.loads(environment.of_functions(home, LAYOUT)["TOKENS"])

    assert [entry["name"] for entry in found] == ["local"]


def test_the_commands_create_list_and_revoke(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["local", "token", *words, "--home", str(home.path)])
        status = command_line.main()
        return status, "".join(capsys.readouterr())

    _, created = run("new", "--name", "ann", "--scopes", "rows,rejects", "--expires", "2100-01-01")
    _, listed = run("list")

    assert sender(home, created.split()[-1], "rejects") == "ann"
    lines = [line.split("  ") for line in listed.splitlines()]
    assert [word.strip() for word in lines[-1] if word] == [
        *("ann", "rows, rejects", "2100-01-01T00:00:00+00:00")
    ]
    assert run("revoke", "ann") == (0, "The token of ann is revoked.\n")
    assert run("revoke", "ann")[0] == 1
    assert "ann" not in run("list")[1]


def test_a_running_function_sees_tokens_as_soon_as_they_are_registered_or_revoked(
    home: Home,
) -> None:
    file = TokenFile(settings.read(environment.of_functions(home, LAYOUT)).tokens_file)
    assert file.read() == ()

    tokens.register(home, "ann", ["rows"])
    tokens.register(home, "bob", ["rows"])
    assert [token.name for token in file.read()] == ["ann", "bob"]

    tokens.revoke(home, "ann")
    assert [token.name for token in file.read()] == ["bob"]


def test_a_file_that_cannot_be_used_changes_nothing_and_is_logged(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens.register(home, "ann", ["rows"])
    file = TokenFile(str(home.tokens))
    before = file.read()

    home.tokens.write_text('[{"name": "eve"}]')

    assert file.read() == before
    assert "TOKENS_FILE cannot be used" in capsys.readouterr().err
