"""`emotalk features info`, `verify`, `retry` and `export`: what can be done with a set that was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emotalk_data.cli.corpus_rows import load_rows
from emotalk_data.cli.features_rows import rows_options, tell_failures, weights_options
from emotalk_data.cli.options import format_option
from emotalk_data.cli.output import echo, examples, plural, printable
from emotalk_data.errors import OptionError, quote

if TYPE_CHECKING:
    import datasets

    from emotalk_data.builder.feature_sets.store import FeatureStore
    from emotalk_data.features.exporting.exported import ExportFormat
    from emotalk_data.features.feature_set import FeatureSet

__all__ = ["export", "info", "retry", "verify"]

_set_argument = click.argument("set_dir", metavar="SET", type=click.Path(path_type=Path))


@click.command(
    epilog=examples(
        "emotalk features info hubert",
        "emotalk features info hubert --failures",
        "emotalk features info hubert --format json",
        footer="Exit status: 0 all is there, 1 it is not finished or rows failed, 2 could not run.",
    )
)
@_set_argument
@click.option("--failures", is_flag=True, help="Every null row with its reason, missing ones too.")
@format_option
@click.pass_context
def info(ctx: click.Context, set_dir: Path, failures: bool, form: str) -> None:
    """Show what a feature set is, and what became of its rows.

    A set that is not finished is shown as far as it is there.
    """
    found = _open(set_dir, allow_unfinished=True)
    if form == "json":
        echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=1))
    else:
        echo(str(found))
        if failures:
            for row in found.failures(with_missing=True):
                echo(f"{printable(row.utterance_id)} {row.code}: {printable(row.reason)}")
        else:
            tell_failures(found)
    ctx.exit(1 if found.counts.failed or not found.store.is_complete else 0)


@click.command(
    epilog=examples(
        "emotalk features verify hubert --data-dir /data/EmotionTalk",
        "emotalk features verify hubert -k 32 --model-path /models/hubert",
        footer="Exit status: 0 they are the same, 1 some are not, 2 could not run.",
    )
)
@_set_argument
@rows_options(is_needed=False)
@click.option(
    "-k", "num_rows", type=click.IntRange(1), default=8, show_default=True, metavar="N", help="How many rows."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the choice of rows.")
@weights_options
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    set_dir: Path,
    corpus: str | None,
    data_dir: Path | None,
    episodes_dir: Path | None,
    num_rows: int,
    seed: int,
    **options: Any,
) -> None:
    """Encode some rows again, and compare with what is stored.

    The weights have to be those that the set was made with: its revision, or the same folder.
    """
    found = _open(set_dir, allow_unfinished=True)
    rows = _rows_of(found.store, corpus, data_dir, episodes_dir)
    checked = found.verify(rows, num_rows, seed=seed, **options)
    echo(str(checked))
    ctx.exit(0 if checked.is_clean else 1)


@click.command(
    epilog=examples(
        "emotalk features retry hubert --data-dir /data/EmotionTalk",
        "emotalk features retry hubert --data-dir /data/EmotionTalk --all",
        footer="Exit status: 0 done, 1 rows still fail, 2 could not run.",
    )
)
@_set_argument
@rows_options(is_needed=False)
@click.option("--all", "is_all", is_flag=True, help="Also the rows that had nothing to encode.")
@weights_options
@click.pass_context
def retry(
    ctx: click.Context,
    /,
    set_dir: Path,
    corpus: str | None,
    data_dir: Path | None,
    episodes_dir: Path | None,
    is_all: bool,
    **options: Any,
) -> None:
    """Encode the rows that failed again.

    After files were mended, or on a device with more memory. Rows that are there stay as they are.
    """
    found = _open(set_dir, allow_unfinished=True)
    rows = _rows_of(found.store, corpus, data_dir, episodes_dir)
    before = found.counts
    after = found.retry(rows, only_failed=not is_all, **options)
    num_made = after.counts.made - before.made
    echo(f"{plural(num_made, 'row')} made that had been null; {after.counts.failed:,} still failed.")
    tell_failures(after)
    ctx.exit(1 if after.counts.failed else 0)


@click.command(
    epilog=examples(
        "emotalk features export hubert npy --out hubert-npy",
        "emotalk features export hubert mertools --out features --corpus emotalk",
        "emotalk features export bert dialoguernn --with is10 --with faces --out m3ed.pkl",
        footer="What is left out is counted, and listed in failures.csv. Exit status: 0 done, 2 could not run.",
    )
)
@_set_argument
@click.argument("form", metavar="FORMAT", type=click.Choice(("npy", "mertools", "dialoguernn", "mmsa")))
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="PATH", help="Where to: new.")
@click.option(
    "--with",
    "others",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="SET",
    help="Another set beside it, of another modality. May be given again.",
)
@rows_options(is_needed=False)
@click.option("--label", default="emotion", show_default=True, metavar="COLUMN", help="Which labels.")
@click.option(
    "--missing",
    type=click.Choice(("error", "skip")),
    default="error",
    show_default=True,
    help="Of dialoguernn and mmsa: what becomes of utterances that lack something.",
)
@click.option("--max-frames", type=click.IntRange(1), metavar="N", help="Of mmsa: longer ones are cut there.")
def export(
    set_dir: Path,
    form: ExportFormat,
    out: Path,
    others: tuple[Path, ...],
    corpus: str | None,
    data_dir: Path | None,
    episodes_dir: Path | None,
    **options: Any,
) -> None:
    """Write a set as another project reads it.

    FORMAT is npy, mertools, dialoguernn or mmsa. The last two hold labels and sentences: the corpus is read for
    them. The others are given labels when --corpus or --data-dir is there.
    """
    from emotalk_data.features.exporting.export import export as write

    needs_rows = form in ("dialoguernn", "mmsa") or corpus is not None or data_dir is not None
    stores = [_open(path).store for path in (set_dir, *others)]
    rows = _rows_of(stores[0], corpus, data_dir, episodes_dir, out=out) if needs_rows else None
    echo(printable(str(write(stores, form, out, dataset=rows, **options))))


def _open(path: Path, *, allow_unfinished: bool = False) -> FeatureSet:
    from emotalk_data.features.feature_set import FeatureSet

    return FeatureSet.open(path, allow_unfinished=allow_unfinished)


def _rows_of(
    store: FeatureStore,
    corpus: str | None,
    data_dir: Path | None,
    episodes_dir: Path | None,
    *,
    out: Path | None = None,
) -> datasets.Dataset | datasets.DatasetDict:
    """Return the rows of the corpus that a set is of.

    Raises:
        OptionError: it is of another corpus than was said, or of none.
    """
    where = quote(str(store.path), 160)
    if corpus is None and store.corpus is None:
        raise OptionError(f"{where} is of no corpus: use FeatureSet in Python, with your rows.")
    if corpus is not None and store.corpus not in (None, corpus):
        raise OptionError(f"{where} is of {store.corpus}, and --corpus says {corpus}.")
    return load_rows(corpus or str(store.corpus), data_dir, episodes_dir, out=out)
