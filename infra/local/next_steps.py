"""What a user can do with a platform: its addresses, its token and three commands to try."""

import os
from pathlib import Path

from infra.local.home import Home
from infra.local.layout import Layout, bucket_name


def next_steps(home: Home, layout: Layout) -> str:
    """Addresses, token and commands as text; they stay the same when the platform restarts."""
    gateway, token = layout.url("gateway"), shown(home.token_file)
    upload = f"{layout.url('storage')}/upload/storage/v1/b/{bucket_name('uploads')}/o"
    return f"""\
  dashboard  {gateway}/dashboard
  API        {gateway}/docs
  token      in {token}

What to try:
  curl --data-binary @TABLE.csv "{upload}?uploadType=media&name=TABLE.csv"
  curl -H "X-Token: $(cat {token})" "{gateway}/rejected_rows"
  psql "$(jq -r .database_url {shown(home.description)})\""""


def shown(path: Path) -> str:
    """A path as a user in the current folder would type it."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
