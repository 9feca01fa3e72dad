"""The smoke test of a deployment, run on the embedded platform."""

import sys
import uuid

import pytest

from infra import smoke


def run(monkeypatch, platform, *more):
    words = ["smoke", "--platform", str(platform.home.description), *more]
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.delenv("SMOKE_TOKEN", raising=False)
    return smoke.main()


def test_it_follows_a_file_to_the_metrics_without_changing_them(platform, monkeypatch, capsys):
    # Twice, because at the next deployment the row exists already and is updated.
    for _ in range(2):
        assert run(monkeypatch, platform, "--mark", uuid.uuid4().hex, "--seconds", "60") == 0

    printed = capsys.readouterr().out
    assert printed.count("departments_above_mean answers") == 2


def test_an_unknown_token_is_reported_at_once(platform, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["smoke", "--platform", str(platform.home.description)])
    monkeypatch.setenv("SMOKE_TOKEN", "tg_wrong")

    assert smoke.main() == 1
    assert "answers 401: check SMOKE_TOKEN" in capsys.readouterr().err


def test_a_file_that_is_not_loaded_is_reported_with_the_log_to_read(platform):
    description = {
        **platform.description,
        "storage": {**platform.description["storage"], "processed": "tablegate-failed"},
    }

    with pytest.raises(smoke.SmokeTestFailed, match="see the log of ingest_csv"):
        smoke.run(description, platform.token, uuid.uuid4().hex, 2.0)
