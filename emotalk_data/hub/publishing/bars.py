"""The client's progress bars obey `datasets.disable_progress_bars()`, as all bars here do."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["client_bars"]


@contextmanager
def client_bars() -> Iterator[None]:
    """Keep the client's bars as those of `datasets` are, while the block runs."""
    from datasets.utils import are_progress_bars_disabled as are_ours_disabled
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if not are_ours_disabled() or are_progress_bars_disabled():
        yield
        return
    with warnings.catch_warnings():
        # HF_HUB_DISABLE_PROGRESS_BARS=0 has the last word, and need not be told of.
        warnings.simplefilter("ignore")
        disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()
