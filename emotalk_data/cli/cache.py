"""`emotalk cache`: a copy of a corpus with sound and pictures as training wants them, made once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from emotalk_data.cli.corpus_rows import load_rows
from emotalk_data.cli.options import episodes_dir_option
from emotalk_data.cli.output import echo, examples, pairs, plural, printable, progress, size
from emotalk_data.cli.shards_told import (
    rows_told,
    says_that_it_goes_on,
    tell_estimate,
    tell_failures,
    written_told,
)
from emotalk_data.load import CORPORA

if TYPE_CHECKING:
    from emotalk_data.builder.copy_manifest import MediaCounts
    from emotalk_data.cache import Copied

__all__ = ["cache"]


def _frame_size(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> int | tuple[int, int] | None:
    """Read one number of pixels, or HEIGHTxWIDTH."""
    if value is None:
        return None
    sides = value.lower().split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise click.BadParameter(f"{value!r} is neither a number of pixels nor HEIGHTxWIDTH.", ctx, param)
    return int(sides[0]) if len(sides) == 1 else (int(sides[0]), int(sides[1]))


@click.command(
    epilog=examples(
        "emotalk cache emotalk --data-dir /data/EmotionTalk --out /fast/emotalk-16k",
        "emotalk cache emotalk --data-dir /data/EmotionTalk --out /fast/et --frames 8 --frame-size 224",
        "emotalk cache m3ed --data-dir /data/RUCM3ED --episodes-dir /data/tv --out /fast/m3ed --frame-rate 2",
        "emotalk cache emotalk --data-dir /data/EmotionTalk --dry-run",
        footer="It pays when the same clips are decoded again and again: sound at 16 kHz loads many times faster "
        "than it is resampled. Opened by load_dataset(CORPUS, data_dir=OUT), or as plain Parquet. Stopped, by "
        "Ctrl-C or a kill, the same command goes on. Media are not yours to publish: neither is the copy. "
        "Exit status: 0 done, 1 clips failed (null in their rows), 2 could not run.",
    )
)
@click.argument("corpus", type=click.Choice([corpus.name for corpus in CORPORA]))
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The release; in $EMOTALK_HOME if omitted.",
)
@episodes_dir_option
@click.option("--split", metavar="SPLIT", help="One split, or a part: train, 'train[:10%]'; all if omitted.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to: new, empty, or the same copy begun.",
)
@click.option(
    "--sampling-rate",
    type=click.IntRange(8_000, 192_000),
    default=16_000,
    show_default=True,
    metavar="HZ",
    help="Of the sound, mono.",
)
@click.option("--no-audio", is_flag=True, help="Leave sound alone: references to the release.")
@click.option(
    "--frames", type=click.IntRange(1, 10_000), metavar="N", help="So many frames a clip, evenly spaced."
)
@click.option(
    "--frame-rate",
    type=click.FloatRange(0, 1_000, min_open=True),
    metavar="FPS",
    help="Instead, so many a second. Without either, video is left alone.",
)
@click.option(
    "--frame-size",
    callback=_frame_size,
    metavar="SIZE",
    help="Shorter side, or HEIGHTxWIDTH, in pixels; as it is if omitted.",
)
@click.option(
    "--num-proc",
    type=click.IntRange(1),
    metavar="N",
    help="Processes; one a core if omitted. The files are the same.",
)
@click.option("--dry-run", is_flag=True, help="Make 32 rows, say size and time of the whole, write nothing.")
@click.pass_context
def cache(
    ctx: click.Context,
    /,
    corpus: Literal["emotalk", "m3ed"],
    data_dir: Path | None,
    episodes_dir: Path | None,
    split: str | None,
    out: Path | None,
    num_proc: int | None,
    dry_run: bool,
    **options: Any,
) -> None:
    """Make a copy that is fast to read: sound at 16 kHz, frames.

    Writes Parquet with the same columns. Sound becomes 16-bit wav at one rate, pictures become JPEGs with their
    times; what is not asked for stays a reference to the release.
    """
    if out is None and not dry_run:
        raise click.UsageError("Missing option '--out'.", ctx)
    if options["frames"] is not None and options["frame_rate"] is not None:
        raise click.UsageError("--frames and --frame-rate exclude each other.", ctx)
    has_frames = options["frames"] is not None or options["frame_rate"] is not None
    if options["frame_size"] is not None and not has_frames:
        raise click.UsageError("--frame-size is the size of frames: give --frames or --frame-rate too.", ctx)
    if options["no_audio"] and not has_frames:
        raise click.UsageError("--no-audio leaves nothing to make: give --frames or --frame-rate.", ctx)
    rows = load_rows(corpus, data_dir, episodes_dir, split, out=out)
    wanted: dict[str, Any] = {
        "sampling_rate": None if options["no_audio"] else options["sampling_rate"],
        "num_frames": options["frames"],
        "frame_rate": options["frame_rate"],
        "frame_size": options["frame_size"],
    }
    num_proc = num_proc or len(os.sched_getaffinity(0))
    if dry_run or out is None:
        from emotalk_data.cache import estimate_copy

        progress("measuring …")
        tell_estimate(estimate_copy(rows, **wanted), num_proc, out)
        return
    from emotalk_data.cache import materialise

    with says_that_it_goes_on():
        copied = materialise(rows, out, num_proc=num_proc, **wanted)
    _tell(copied, corpus)
    ctx.exit(1 if any(shard.failures for shard in copied.manifest.shards) else 0)


def _tell(copied: Copied, corpus: str) -> None:
    manifest = copied.manifest
    shards = list(manifest.shards)
    items = [("utterances", rows_told(manifest))]
    for column in ("audio", "video"):
        items.append((column, _counts([shard.counts.get(column) for shard in shards])))
    items.append(("size", f"{size(sum(s.size_bytes for s in shards))} in {plural(len(shards), 'shard')}"))
    items.append(("written", written_told(copied.num_rows, copied.seconds)))
    echo(f"A copy of {corpus} is in {printable(str(copied.folder))}")
    pairs(items)
    tell_failures(manifest)
    place = printable(repr(str(copied.folder)))
    split = next(name for name, part in manifest.splits.items() if part.num_rows)
    echo(f"\nNext:\n  load_dataset({corpus!r}, data_dir={place}, split={split!r})")


def _counts(counts: list[MediaCounts | None]) -> str:
    made = [count for count in counts if count is not None]
    if not made:
        return "left alone: references to the release"
    total = sum(made[1:], made[0])
    text = f"{total.made:,} made, {total.missing:,} missing, {total.failed:,} failed"
    if total.clipped:
        text += f"; {total.clipped_samples:,} samples of {total.clipped:,} clips beyond full scale, cut to it"
    return text
