"""Backups need a bucket."""

import pytest

from shared.backups.backup import Backups
from shared.errors import ConfigurationError
from shared.settings import read


def test_without_a_bucket_the_missing_setting_is_named():
    with pytest.raises(ConfigurationError, match="BACKUPS_BUCKET"):
        Backups(read({"DATABASE_URL": "postgresql://localhost/tablegate"}), None, None)
