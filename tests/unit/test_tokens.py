"""`python -m shared.tokens` makes what the doors then accept."""

import hashlib
import json
from datetime import UTC, datetime

import pytest

from shared import settings, tokens


def made(capsys, *arguments: str) -> tuple[str, dict]:
    tokens.main(["new", *arguments])
    _, token, _, entry = capsys.readouterr().out.splitlines()
    return token.strip(), json.loads(entry)


def test_a_new_token_fits_the_settings(capsys):
    token, entry = made(
        capsys, "--name", "ann", "--scopes", "metrics, rows", "--expires", "2999-01-01"
    )

    (configured,) = settings.read({"TOKENS": json.dumps([entry])}).tokens
    assert configured.name == "ann"
    assert configured.scopes == {"rows", "metrics"}
    assert configured.expires == datetime(2999, 1, 1, tzinfo=UTC)
    assert configured.sha256 == hashlib.sha256(token.encode()).hexdigest()


def test_tokens_are_long_differ_and_do_not_stand_in_the_entry(capsys):
    first, entry = made(capsys, "--name", "ann", "--scopes", "rows")
    second, _ = made(capsys, "--name", "ann", "--scopes", "rows")

    assert first != second
    assert len(first) > 40
    assert first not in json.dumps(entry)
    assert entry["expires"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--name", "a", "--scopes", "everything"), "unknown: everything"),
        (("--name", " ", "--scopes", "rows"), "printable"),
        (("--name", "a", "--scopes", "rows", "--expires", "soon"), "ISO 8601"),
        (("--name", "a", "--scopes", "rows", "--expires", "2001-01-01"), "past"),
        (("--name", "a"), "--scopes"),
    ],
)
def test_what_cannot_be_configured_is_refused(capsys, arguments, said):
    with pytest.raises(SystemExit):
        tokens.main(["new", *arguments])

    assert said in capsys.readouterr().err
