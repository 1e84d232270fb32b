"""The rows of a corpus, for verbs that write something made from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from emotalk_data.cli.output import printable, progress, quiet_libraries
from emotalk_data.errors import OptionError, quote
from emotalk_data.load import find_release, load_dataset

if TYPE_CHECKING:
    import datasets

__all__ = ["load_rows"]


def load_rows(
    corpus: str,
    data_dir: Path | None,
    episodes_dir: Path | None,
    split: str | None = None,
    *,
    out: Path | None = None,
) -> datasets.Dataset | datasets.DatasetDict:
    """Return the rows of a corpus.

    Args:
        corpus: its name.
        data_dir: as for `load_dataset`.
        episodes_dir: likewise.
        split: likewise.
        out: where something will be written: refused inside of the release, which the next reading would take it
            for a part of.

    Raises:
        OptionError: `out` lies inside of the release.
    """
    quiet_libraries()
    root = Path(find_release(corpus, data_dir))
    if out is not None and out.resolve().is_relative_to(root.resolve()):
        raise OptionError(
            f"--out {quote(str(out), 160)} lies inside of the release. Give a folder outside of it."
        )
    progress(f"loading {printable(str(root))} …")
    rows: Any = load_dataset(corpus, data_dir=root, episodes_dir=episodes_dir, split=split)
    return cast("datasets.Dataset | datasets.DatasetDict", rows)
