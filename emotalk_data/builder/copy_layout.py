"""Where the files of a materialised copy lie: enough to tell a copy from a release.

    COPY/
    ├── emotalk-cache.json                         what it is made of and how, and what is in it
    └── data/
        ├── train-00000-of-00016.parquet           rows 0 to 999 of train
        └── …

Apart from `copy_manifest`: loading a release asks whether it is a copy, and must not wait for Pydantic.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["DATA_FOLDER", "MANIFEST_NAME", "is_copy"]

MANIFEST_NAME: Final = "emotalk-cache.json"
DATA_FOLDER: Final = "data"


def is_copy(folder: str | Path) -> bool:
    """Say whether there is a copy at `folder`, finished or not."""
    return Path(folder, MANIFEST_NAME).is_file()
