"""What is told of a folder of shards, a copy or a build: how long, what failed, and what was written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emotalk_data.cli.output import echo, pairs, plural, printable, size

if TYPE_CHECKING:
    from emotalk_data.builder.copy_manifest import ShardManifest
    from emotalk_data.cache import Estimate

__all__ = ["rows_told", "says_that_it_goes_on", "tell_estimate", "tell_failures", "written_told"]

_SHOWN_FAILURES: Final = 5


def rows_told(manifest: ShardManifest) -> str:
    """Return `24 (18 train, 6 test)`."""
    splits = ", ".join(f"{part.num_rows:,} {split}" for split, part in manifest.splits.items())
    return f"{sum(part.num_rows for part in manifest.splits.values()):,} ({splits})"


def written_told(num_rows: int, seconds: float) -> str:
    """Return what this call wrote, and how fast."""
    if num_rows == 0:
        return "nothing: it was all there"
    return f"{plural(num_rows, 'row')}, {num_rows / max(seconds, 1e-9):,.0f} a second"


@contextmanager
def says_that_it_goes_on() -> Iterator[None]:
    """Tell whoever presses Ctrl-C that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        echo("stopped; what is finished stays, and the same command goes on from there.", err=True)
        raise


def tell_estimate(
    expected: Estimate, num_proc: int, out: Path | None, *, columns: tuple[str, ...] = ()
) -> None:
    """Print how large a folder would be, how long it takes, and what is free at `out`.

    Args:
        expected: what was measured.
        num_proc: processes that were asked for.
        out: where it would be.
        columns: what it would have, where that is a choice.
    """
    from emotalk_data.cache.estimate import free_bytes

    num_proc = max(min(num_proc, expected.num_shards), 1)  # one process writes one file at a time
    processes = f"{num_proc} process{'' if num_proc == 1 else 'es'}"
    items = [
        ("utterances", f"{expected.num_rows:,}"),
        *([("columns", ", ".join(columns))] if columns else []),
        ("size", f"about {size(expected.size_bytes)}"),
        ("time", f"about {_time(expected.seconds / num_proc)} with {processes}"),
    ]
    if out is not None:
        items.append(("free", f"{size(free_bytes(out.expanduser().absolute()))} at {printable(str(out))}"))
    pairs(items, indent=0)
    echo(f"Measured on {plural(expected.num_measured, 'row')}; nothing was written.")


def _time(seconds: float) -> str:
    """Return `12 s`, `5 min` or `1.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 1 else "a second"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3_600:.1f} h"


def tell_failures(manifest: ShardManifest) -> None:
    """Print the first clips that failed, with their reasons."""
    failures = [failure for shard in manifest.shards for failure in shard.failures]
    if not failures:
        return
    echo(f"\n{plural(len(failures), 'clip')} failed, null in the {manifest.CALLED}:", fg="red")
    for failure in failures[:_SHOWN_FAILURES]:
        echo(f"  {printable(str(failure.utterance_id))} {failure.column}: {printable(failure.reason)}")
    if len(failures) > _SHOWN_FAILURES:
        echo(f"  … all {len(failures):,} are in {manifest.FILE_NAME}", dim=True)
    echo("  Mend the files and give a new folder: the release is another then.")
