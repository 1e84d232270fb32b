"""The split file that a load asks for, read before anything is built."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from emotalk_data.builder.releases import corpus_named
from emotalk_data.errors import OptionError, quote

if TYPE_CHECKING:
    from emotalk_data.schemas.split_file import SplitFile

__all__ = ["read_splits"]


def read_splits(
    path: str,
    split_file: str | os.PathLike[str] | SplitFile | None,
    fold: int | str | None,
    *,
    is_streaming: bool,
) -> SplitFile | None:
    """Read a split file, and refuse what does not belong to it. None without one.

    Args:
        path: name of the corpus.
        split_file: the file, or one that was read.
        fold: which of its folds.
        is_streaming: no table is kept, so its rows cannot be regrouped.

    Raises:
        OptionError: a fold without a file, one that it does not have, another corpus, or streaming.
        DecodeError: the file is not strict JSON.
        SchemaError: it is no split file, or was changed.
    """
    if split_file is None:
        if fold is not None:
            raise OptionError(
                f"fold is {quote(fold)}, and only a split file has folds: give split_file=FILE."
            )
        return None
    if is_streaming:
        raise OptionError(
            "split_file needs the table that streaming=True does not keep: leave one of them out."
        )
    from emotalk_data.schemas.split_file import SplitFile, load_split_file

    frozen = split_file if isinstance(split_file, SplitFile) else load_split_file(split_file)
    if frozen.corpus != corpus_named(path).name:
        raise OptionError(
            f"the split file is of {frozen.corpus}, and {quote(path)} is asked for: "
            f"load_dataset({frozen.corpus!r}, …, split_file=…)."
        )
    frozen.choose_fold(fold)
    return frozen
