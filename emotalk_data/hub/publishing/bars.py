"""The client's progress bars obey `datasets.disable_progress_bars()`, as all bars here do.

The client has one switch for the whole process. So while a thread publishes without bars, the client shows
none in the other threads either.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["client_bars"]


class _Switch:
    """The client's switch, turned off by the first block that asks for it and put back by the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_blocks = 0
        self._before: dict[str, bool] = {}

    def turn_off(self) -> None:
        from huggingface_hub.utils.tqdm import progress_bar_states

        with self._lock:
            if not self._num_blocks:
                self._before = dict(progress_bar_states)
                # Not `disable_progress_bars()`: it forgets what was said of single groups of bars.
                progress_bar_states.update(dict.fromkeys([*self._before, "_global"], False))
            self._num_blocks += 1

    def put_back(self) -> None:
        from huggingface_hub.utils.tqdm import progress_bar_states

        with self._lock:
            self._num_blocks -= 1
            if not self._num_blocks:
                progress_bar_states.pop("_global", None)
                progress_bar_states.update(self._before)


_SWITCH = _Switch()


@contextmanager
def client_bars() -> Iterator[None]:
    """Keep the client's bars as those of `datasets` are, while the block runs; threads may do so side by side.

    HF_HUB_DISABLE_PROGRESS_BARS, where it is set, has the last word.
    """
    from datasets.utils import are_progress_bars_disabled
    from huggingface_hub.constants import HF_HUB_DISABLE_PROGRESS_BARS

    if HF_HUB_DISABLE_PROGRESS_BARS is not None or not are_progress_bars_disabled():
        yield
        return
    _SWITCH.turn_off()
    try:
        yield
    finally:
        _SWITCH.put_back()
