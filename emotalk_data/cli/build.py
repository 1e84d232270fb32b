"""`emotalk build`: a corpus as Parquet with its media inside, or its labels alone, for one's own use."""

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
    from emotalk_data.hub.building import Built

__all__ = ["build"]


@click.command(
    epilog=examples(
        "emotalk build emotalk --data-dir /data/EmotionTalk --out /data/et-parquet --embed-media",
        "emotalk build emotalk --data-dir /data/EmotionTalk --out /data/et-labels --columns labels",
        "emotalk build m3ed --data-dir /data/RUCM3ED --out /data/m3ed --columns labels,text",
        "emotalk build emotalk --data-dir /data/EmotionTalk --embed-media --dry-run",
        footer="Opened by datasets.load_dataset(OUT), with none of our code. Stopped, by Ctrl-C or a kill, the "
        "same command goes on. Media are not yours to publish: neither is what holds them. "
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
    help="Where to: new, empty, or the same build begun.",
)
@click.option(
    "--format",
    "_form",
    type=click.Choice(("parquet",)),
    default="parquet",
    show_default=True,
    help="Of the files.",
)
@click.option(
    "--embed-media",
    is_flag=True,
    help="Write sound and pictures into the files, byte for byte; without it they are left out.",
)
@click.option(
    "--columns",
    default="all",
    show_default=True,
    metavar="all|labels|NAME,…",
    help="Which; -NAME takes one out, as in all,-video.",
)
@click.option(
    "--rows-per-shard", type=click.IntRange(1), metavar="N", help="Rows of one file, and what a kill costs."
)
@click.option(
    "--max-shard-size", metavar="SIZE", help="Instead, about how large a file is; 500MB if omitted."
)
@click.option(
    "--num-proc",
    type=click.IntRange(1),
    metavar="N",
    help="Processes; one a core if omitted. The files are the same.",
)
@click.option("--dry-run", is_flag=True, help="Read 32 rows, say size and time of the whole, write nothing.")
@click.pass_context
def build(
    ctx: click.Context,
    /,
    corpus: Literal["emotalk", "m3ed"],
    data_dir: Path | None,
    episodes_dir: Path | None,
    split: str | None,
    out: Path | None,
    _form: str,
    num_proc: int | None,
    dry_run: bool,
    **wanted: Any,
) -> None:
    """Write a corpus as Parquet with its media, for yourself.

    Makes a folder that is a dataset repository of the Hub: shards, a card, Croissant, and a manifest. No path of
    this machine is in it.
    """
    if out is None and not dry_run:
        raise click.UsageError("Missing option '--out'.", ctx)
    if wanted["rows_per_shard"] is not None and wanted["max_shard_size"] is not None:
        raise click.UsageError("--rows-per-shard and --max-shard-size exclude each other.", ctx)
    rows = load_rows(corpus, data_dir, episodes_dir, split, out=out)
    num_proc = num_proc or len(os.sched_getaffinity(0))
    if dry_run or out is None:
        from emotalk_data.hub.building import estimate_build

        progress("measuring …")
        expected, columns = estimate_build(rows, **wanted)
        tell_estimate(expected, num_proc, out, columns=columns)
        return
    from emotalk_data.hub.building import build_dataset

    with says_that_it_goes_on():
        built = build_dataset(rows, out, num_proc=num_proc, **wanted)
    _tell(built, corpus)
    ctx.exit(1 if any(shard.failures for shard in built.manifest.shards) else 0)


def _tell(built: Built, corpus: str) -> None:
    manifest = built.manifest
    shards = list(manifest.shards)
    items = [("utterances", rows_told(manifest)), ("columns", str(len(manifest.columns)))]
    for column in ("audio", "video"):
        counts = [shard.counts[column] for shard in shards if column in shard.counts]
        if counts:
            total = sum(counts[1:], counts[0])
            text = f"{total.made:,} inside, {total.missing:,} missing, {total.failed:,} failed"
            items.append((column, text))
    items.append(("size", f"{size(sum(s.size_bytes for s in shards))} in {plural(len(shards), 'shard')}"))
    items.append(("written", written_told(built.num_rows, built.seconds)))
    echo(f"{corpus} as Parquet is in {printable(str(built.folder))}")
    pairs(items)
    if manifest.has_media:
        echo("\nFor yourself alone: it holds media that may not be passed on.")
    tell_failures(manifest)
    split = next(name for name, part in manifest.splits.items() if part.num_rows)
    echo(f"\nNext:\n  datasets.load_dataset({printable(repr(str(built.folder)))}, split={split!r})")
