"""`emotalk features extract`: features of every utterance of a corpus, by a run that goes on where it stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emotalk_data.cli.corpus_rows import load_rows
from emotalk_data.cli.features_rows import rows_options, tell_failures, weights_options
from emotalk_data.cli.output import echo, examples, printable, progress

if TYPE_CHECKING:
    from emotalk_data.features.feature_set import FeatureSet
    from emotalk_data.features.recipes.catalogue import Recipe

__all__ = ["extract"]


@click.command(
    epilog=examples(
        "emotalk features extract clean/chinese-hubert-base --corpus emotalk --dry-run",
        "emotalk features extract clean/chinese-hubert-base --corpus emotalk --out hubert",
        "emotalk features extract m3ed/is10 --corpus m3ed --out is10 --level utterance",
        "emotalk features extract clean/bert-base-chinese --corpus m3ed --out bert \\",
        "    --data-dir /data/RUCM3ED --model-path /models/bert-base-chinese",
        "torchrun --nproc-per-node 4 -m emotalk_data features extract clean/dinov2-large \\",
        "    --corpus emotalk --out dinov2 --compute bfloat16",
        footer="Ctrl-C ends after the shard at hand; that or a kill loses nothing: the same command goes on. "
        "Under torchrun or SLURM each process makes its share of the shards. Faces are cut out by a detector of "
        "yours, in Python: extract_features(..., detector=...). "
        "Exit status: 0 done, 1 rows failed (null, with a reason), 2 could not run, 130 stopped. A row that has "
        "nothing to encode is null and has not failed.",
    )
)
@click.argument("recipe")
@rows_options(is_needed=True)
@click.option("--split", metavar="SPLIT", help="One split, or a part: train, 'train[:10%]'; all if omitted.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where to: new, empty, or the same set begun.",
)
@weights_options
@click.option(
    "--level",
    "levels",
    type=click.Choice(("utterance", "frame")),
    multiple=True,
    help="A vector an utterance, or one a frame; both if omitted. May be given twice.",
)
@click.option(
    "--compute",
    type=click.Choice(("float32", "bfloat16", "float16")),
    help="What the encoder calculates in; the recipe says if omitted. The error is measured and shown.",
)
@click.option(
    "--storage",
    type=click.Choice(("float32", "float16")),
    help="What is written; float32 if omitted. float16 halves the size and refuses values above 65,504.",
)
@click.option(
    "--max-batch-seconds",
    type=click.FloatRange(min=0, min_open=True),
    metavar="S",
    help="How much is encoded at once; found out if omitted.",
)
@click.option(
    "--rows-per-shard",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    metavar="N",
    help="Rows a file.",
)
@click.option(
    "--num-threads",
    type=click.IntRange(1),
    metavar="N",
    help="That decode; one a core, at most 8, if omitted.",
)
@click.option(
    "--runner",
    type=click.Choice(("local", "ray")),
    default="local",
    show_default=True,
    help="ray: on the GPUs of a Ray cluster that runs already.",
)
@click.option("--dry-run", is_flag=True, help="Say rows, files, size and weights; write nothing.")
@click.pass_context
def extract(
    ctx: click.Context,
    /,
    recipe: str,
    corpus: str,
    data_dir: Path | None,
    episodes_dir: Path | None,
    split: str | None,
    out: Path | None,
    levels: tuple[str, ...],
    rows_per_shard: int,
    dry_run: bool,
    **options: Any,
) -> None:
    """Extract features of a corpus into a folder.

    RECIPE says which encoder, and how: `emotalk features list` shows all. The folder is plain Parquet, a row an
    utterance. Whatever fails for an utterance is a null with its reason, never zeros.
    """
    if out is None and not dry_run:
        raise click.UsageError("Missing option '--out'.", ctx)
    from emotalk_data.features.recipes.catalogue import recipe as find_recipe

    chosen = find_recipe(recipe)
    wanted = {name: options[name] for name in ("compute", "storage") if options[name] is not None}
    spec = chosen.spec.model_copy(update=wanted)
    level: Any = tuple(dict.fromkeys(levels)) or ("utterance", "frame")
    rows = load_rows(corpus, data_dir, episodes_dir, split, out=out)
    if dry_run or out is None:
        from emotalk_data.cli.features_plan import tell_plan

        can_run = tell_plan(chosen, spec, rows, options, level=level, rows_per_shard=rows_per_shard)
        ctx.exit(0 if can_run else 2)
    from emotalk_data.features.extraction import extract_features
    from emotalk_data.features.running.compute_error import compute_error_line, has_compute_error
    from emotalk_data.features.running.extractors import asked_for
    from emotalk_data.features.running.ranks import this_rank
    from emotalk_data.features.running.rows import read_source

    asked = asked_for(spec, **{name: options[name] for name in ("model_path", "revision", "device")})
    if this_rank().number == 0 and has_compute_error(asked, out):
        progress(f"measuring what {spec.compute} costs …")
        echo(compute_error_line(read_source(rows), asked))

    progress(f"loading {printable(spec.model)} …")
    try:
        made = extract_features(rows, chosen, out, level=level, rows_per_shard=rows_per_shard, **options)
    except KeyboardInterrupt:
        echo("stopped; what is finished stays, and the same command goes on from there.", err=True)
        raise
    _tell(made, chosen, corpus, data_dir, split)
    ctx.exit(1 if made.counts.failed else 0)


def _tell(
    made: FeatureSet, recipe: Recipe, corpus: str, data_dir: Path | None, asked_split: str | None
) -> None:
    echo(str(made))
    if made.num_dims != recipe.published_dims:
        echo(
            f"\nThese weights give {made.num_dims:,} numbers, and {recipe.spec.model} was published with "
            f"{recipe.published_dims:,}: they are of another encoder.",
            fg="yellow",
        )
    tell_failures(made)
    place = printable(repr(str(made.path)))
    if made.store.is_complete:
        split = printable(asked_split or made.store.splits[0])
        where = "" if data_dir is None else f"data_dir={printable(repr(str(data_dir)))}, "
        echo(f"\nNext:\n  load_dataset({corpus!r}, {where}split={split!r}, feature_sets=[{place}])")
    else:
        echo(f"\nNot all shards are there: other processes make them, or the same command again. {place}")
