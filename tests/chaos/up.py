"""Run the embedded platform with its functions behind the test's proxy of the database.

python -m tests.chaos.up up --home DIR, with the proxy's port in CHAOS_DATABASE_PORT.
"""

import os
import sys

from infra.local import __main__, environment
from infra.local.home import Home
from infra.local.layout import Layout

PORT = "CHAOS_DATABASE_PORT"
_direct = environment.database_url


def direct(home: Home) -> str:
    """The URL of a platform's database, past the proxy."""
    return _direct(home, Layout.read(home))


def _by_proxy(home: Home, layout: Layout) -> str:
    proxy = f"127.0.0.1:{os.environ[PORT]}"
    return _direct(home, layout).replace(layout.address("postgres"), proxy)


if __name__ == "__main__":
    environment.database_url = _by_proxy
    sys.exit(__main__.main())
