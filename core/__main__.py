"""Entry point of ``python -m core COMMAND``, which runs `core.cli.main`."""

import sys

from core.cli import main

sys.exit(main())
