"""What a run shows of itself: utterances per second, time left, and how many failed."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

__all__ = ["Progress"]


class Progress:
    """A progress bar over the utterances of a run; nothing after `datasets.disable_progress_bars()`.

    Args:
        name: of what is made.
        total: utterances of the whole.
        initial: of these, how many were there before.
    """

    def __init__(self, name: str, *, total: int, initial: int) -> None:
        from datasets.utils import tqdm  # obeys datasets.disable_progress_bars()

        # Of the whole run, not of the last moments: in each shard the longest utterances come first.
        self._bar: Any = tqdm(total=total, initial=initial, unit=" utterances", desc=name, smoothing=0)
        self._num_failed = 0

    def tell(self, num_rows: int, num_failed: int) -> None:
        """Count utterances that are done, and those of them that failed."""
        if num_failed:
            self._num_failed += num_failed
            self._bar.set_postfix(failed=self._num_failed, refresh=False)
        self._bar.update(num_rows)

    def finish(self, useful_share: float) -> None:
        """Show how much of what was encoded was no padding."""
        failed = {"failed": self._num_failed} if self._num_failed else {}
        self._bar.set_postfix(**failed, useful=f"{useful_share:.2f}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
