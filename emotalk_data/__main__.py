"""`python -m emotalk_data` is `emotalk`."""

from __future__ import annotations

import sys

from emotalk_data.cli import main

if __name__ == "__main__":
    sys.exit(main())
