"""`python -m shared.tokens` creates tokens that the functions accept."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from shared import settings, tokens


def new_token(capsys, *arguments: str) -> tuple[str, dict]:
    tokens.main(["new", *arguments])
    _, token, _, entry = capsys.readouterr().out.splitlines()
    return token.strip(), json.loads(entry)


def test_a_new_token_is_valid_in_the_settings(capsys):
    token, entry = new_token(
        capsys, "--name", "ann", "--scopes", "metrics, rows", "--expires", "2999-01-01"
    )

    (configured,) = settings.read({"TOKENS": json.dumps([entry])}).tokens
    assert configured.name == "ann"
    assert configured.scopes == {"rows", "metrics"}
    assert configured.expires == datetime(2999, 1, 1, tzinfo=UTC)
    assert configured.sha256 == hashlib.sha256(token.encode()).hexdigest()


def test_tokens_are_long_and_unique_and_their_entry_does_not_contain_them(capsys):
    first, entry = new_token(capsys, "--name", "ann", "--scopes", "rows")
    second, _ = new_token(capsys, "--name", "ann", "--scopes", "rows")

    assert first != second
    assert len(first) > 40
    assert first not in json.dumps(entry)
    assert entry["expires"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--name", "a", "--scopes", "everything"), "unknown: everything"),
        (("--name", " ", "--scopes", "rows"), "printable"),
        (("--name", "a", "--scopes", "rows", "--expires", "soon"), "ISO 8601"),
        (("--name", "a", "--scopes", "rows", "--expires", "2001-01-01"), "past"),
        (("--name", "a"), "--scopes"),
    ],
)
def test_invalid_arguments_are_refused(capsys, arguments, message):
    with pytest.raises(SystemExit):
        tokens.main(["new", *arguments])

    assert message in capsys.readouterr().err
