"""Settings are parsed from a mapping; the error names every wrong one."""

import pytest

from shared import settings
from shared.errors import ConfigurationError

TOKEN = '[{"name": "ann", "sha256": "%s", "scopes": ["rows"], "expires": null}]' % ("ab" * 32)


def test_an_unset_setting_has_its_default():
    read = settings.read({"GOOGLE_CLOUD_PROJECT": "", "MAX_LINE_BYTES": "2048"})

    assert read.google_cloud_project == ""
    assert read.batches_topic == "row-batches"
    assert read.max_line_bytes == 2048


def test_all_invalid_settings_are_named_in_one_message():
    with pytest.raises(ConfigurationError) as caught:
        settings.read({"MAX_LINE_BYTES": "-1", "TOKENS": "{}", "DATABASE_POOL_SIZE": "٣"})

    for name in ("MAX_LINE_BYTES", "TOKENS", "DATABASE_POOL_SIZE"):
        assert name in str(caught.value)


def test_all_missing_settings_are_named_in_one_message():
    with pytest.raises(ConfigurationError) as caught:
        settings.read({}).require("uploads_bucket", "failed_bucket", "batches_topic")

    assert "UPLOADS_BUCKET, FAILED_BUCKET" in str(caught.value)
    assert "BATCHES_TOPIC" not in str(caught.value)


def test_secrets_are_masked_in_the_repr():
    read = settings.read({"DATABASE_URL": "postgresql://u:hush@h/d", "TOKENS": TOKEN})

    assert "hush" not in repr(read)
    assert "abab" not in repr(read)


def test_a_token_is_parsed():
    (token,) = settings.read({"TOKENS": TOKEN}).tokens

    assert token == settings.Token("ann", "ab" * 32, frozenset({"rows"}), None)


@pytest.mark.parametrize(
    "entry",
    [
        '{"name": "x"}',
        '{"name": "x", "sha256": "zz", "scopes": []}',
        '{"name": "x", "sha256": "%s", "scopes": ["all"]}' % ("00" * 32),
        '{"name": "x", "sha256": "%s", "scopes": ["rows"], "expires": "soon"}' % ("00" * 32),
        '{"name": "x", "sha256": "%s", "scopes": ["rows"], "expires": ""}' % ("00" * 32),
        '{"name": "x", "sha256": "%s", "scopes": ["rows"], "expires": 0}' % ("00" * 32),
    ],
)
def test_a_malformed_token_is_refused(entry):
    with pytest.raises(ConfigurationError, match="TOKENS"):
        settings.read({"TOKENS": f"[{entry}]"})


def test_every_setting_is_described_in_a_sentence():
    for setting in settings.described():
        assert setting.metadata["sentence"].endswith("."), setting.name
