"""Run the command line: python -m infra.cli, or ./tablegate."""

import os
import signal
import sys

# Until `main` handles it, Ctrl-C would print where an import was interrupted.
signal.signal(signal.SIGINT, lambda *_: os._exit(130))

from infra.cli.main import main  # noqa: E402

signal.signal(signal.SIGINT, signal.default_int_handler)
sys.exit(main())
