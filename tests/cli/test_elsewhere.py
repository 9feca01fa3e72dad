"""A platform elsewhere: its address and token come from the environment, options or a profile."""

import json
from pathlib import Path

import pytest

from infra.cli.target import profiles_file
from infra.local import tokens
from shared.settings import SCOPES
from tests.cli.conftest import call

# The verbs that each scope opens.
OPENS = {
    "rows": ["drop {file} --wait"],
    "read": ["loads", "load {load}", "rows jobs"],
    "rejects": ["rejects", "discard 999999"],
    "backups": ["backup jobs", "restore jobs --preview", "reconcile"],
    "metrics": ["metrics", "freshness"],
}
# What nobody has, or was closed before.
CODES = {"discard 999999": 2}


@pytest.fixture(scope="module")
def words(operator, tmp_path_factory):
    operator.dropped("departments.csv", b"1,Sales\n")
    file = tmp_path_factory.mktemp("elsewhere") / "jobs.csv"
    file.write_text("1,Welder\n")
    load = operator.dropped("jobs.csv", b"1,Welder\n")
    operator.api.post("/backup_table/jobs", json={}).raise_for_status()
    return {"file": str(file), "load": str(load["load_id"])}


@pytest.mark.parametrize("scope", SCOPES)
def test_a_token_opens_the_verbs_of_its_scope_and_no_others(scope, words, platform):
    token = tokens.register(platform.home, f"only-{scope}", [scope])
    where = {"TABLEGATE_URL": platform.gateway, "TABLEGATE_TOKEN": token}
    try:
        for needed, verbs in OPENS.items():
            for verb in verbs:
                done = call(*verb.format_map(words).split(), **where)
                if needed == scope:
                    assert done.code == CODES.get(verb, 0), (verb, done.err)
                else:
                    assert done.code == 1, (verb, done.out)
                    assert f"lacks the scope '{needed}'" in done.err
    finally:
        tokens.revoke(platform.home, f"only-{scope}")


def test_every_scope_opens_a_verb():
    assert set(OPENS) == set(SCOPES)


def test_a_profile_has_the_address_and_the_token(platform, tmp_path, words):
    name = profiles_file().relative_to(Path.home() / ".config")
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_text(f'[work]\nurl = "{platform.gateway}/"\ntoken = "{platform.token}"\n[half]\n')
    where = {"XDG_CONFIG_HOME": str(tmp_path)}

    assert call("--profile", "work", "rows", "jobs", "1", "--json", **where).json["id"] == 1
    assert call("rows", "jobs", "1", **where, TABLEGATE_PROFILE="work").code == 0
    for wrong, why in (("half", "lacks url and token"), ("other", "has no profile 'other'")):
        done = call("--profile", wrong, "loads", **where)
        assert (done.code, why in done.err) == (1, True), done.err
    path.write_text("= [")
    assert "is not TOML" in call("--profile", "work", "loads", **where).err


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"TABLEGATE_URL": "https://example.invalid"}, "set TABLEGATE_TOKEN, too"),
        (
            {"TABLEGATE_URL": "http://example.invalid", "TABLEGATE_TOKEN": "x"},
            "must begin with https://",
        ),
        (
            {"TABLEGATE_URL": "http://127.0.0.1:9", "TABLEGATE_TOKEN": "x"},
            "cannot be reached: ",
        ),
    ],
)
def test_an_address_that_cannot_be_used_is_named_in_one_line(variables, why):
    done = call("loads", **variables)

    assert done.code == 1
    assert why in done.err
    assert len(done.err.splitlines()) == 1


def test_a_wrong_token_is_refused(platform):
    done = call("loads", TABLEGATE_URL=platform.gateway, TABLEGATE_TOKEN="nobody's")

    assert done.code == 1
    assert "This token is unknown" in done.err


def test_something_that_is_no_platform_is_named(platform):
    storage = platform.description["storage"]["endpoint"]
    done = call("freshness", TABLEGATE_URL=storage, TABLEGATE_TOKEN="x")

    assert done.code == 1
    assert json.dumps(done.err)
