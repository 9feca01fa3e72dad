"""Run the command line: python -m infra.cli, or ./tablegate."""

import sys

from infra.cli.main import main

sys.exit(main())
