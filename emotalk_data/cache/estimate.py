"""How large a copy will be and how long it takes, from a few rows that are made and thrown away."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from emotalk_data.builder.shard_plan import Job, Splits, arrow_rows
from emotalk_data.cache.maker import Maker
from emotalk_data.cache.making import Made
from emotalk_data.cache.shard import make_column
from emotalk_data.errors import CacheWriteError, quote

__all__ = ["MAX_MEASURED", "Estimate", "check_space", "estimate", "free_bytes"]

MAX_MEASURED: Final = 32
# Utterances differ in length: 32 of them say the mean within some 15 %.
_MARGIN: Final = 1.2


class Estimate(NamedTuple):
    """What is still to be written.

    Attributes:
        num_rows: rows.
        size_bytes: about so many bytes.
        seconds: about so long, with one process.
        num_shards: files, and so how many processes can have work at most.
        num_measured: rows that this was measured on.
    """

    num_rows: int
    size_bytes: int
    seconds: float
    num_shards: int
    num_measured: int


def estimate(
    splits: Splits, jobs: Sequence[Job], maker: Maker, *, max_measured: int = MAX_MEASURED
) -> Estimate:
    """Make some rows, evenly spread over what is to be written, and extrapolate."""
    num_rows = sum(job.stop - job.start for job in jobs)
    num_measured = min(num_rows, max_measured)
    wanted = {number * num_rows // num_measured for number in range(num_measured)} if num_measured else set()
    size_bytes, seconds, first = 0, 0.0, 0
    for job in jobs:
        for row in range(job.start, job.stop):
            if first + row - job.start not in wanted:
                continue
            table = arrow_rows(splits[job.split], row, row + 1)
            began = time.perf_counter()
            for column in maker.made:
                for item in make_column(table.column(column).to_pylist(), column, maker):
                    size_bytes += len(item.data) if isinstance(item, Made) else 0
            seconds += time.perf_counter() - began
            size_bytes += table.drop_columns(list(maker.made)).nbytes
        first += job.stop - job.start
    scale = num_rows / num_measured if num_measured else 0.0
    return Estimate(num_rows, round(size_bytes * scale), seconds * scale, len(jobs), num_measured)


def check_space(expected: Estimate, folder: Path, *, less: str) -> None:
    """Make sure that what is still to be written fits on the disk.

    Args:
        expected: what is to be written.
        folder: where to.
        less: how it could be made smaller, for the message.

    Raises:
        CacheWriteError: it does not.
    """
    needed, free = round(expected.size_bytes * _MARGIN), free_bytes(folder)
    if needed > free:
        raise CacheWriteError(
            f"what is to be written needs about {needed / 1e9:.1f} GB more and {quote(str(folder), 160)} has "
            f"{free / 1e9:.1f} GB free. Give a folder on a larger disk, or make less: {less}.",
            path=str(folder),
        )


def free_bytes(folder: Path) -> int:
    """Return the free space of the disk that a folder is on, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
