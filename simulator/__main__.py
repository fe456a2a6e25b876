"""``python -m simulator`` is the command ``simulator``."""

from __future__ import annotations

import sys

from simulator.cli.main import main

sys.exit(main())
