"""The benchmarks are no part of the package: they are imported from the repository."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)  # at the end, so that an installed package is still the one that is tested
