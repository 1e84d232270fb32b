"""`emotalk splits`: what splits share, and splits that share nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from emotalk_data.cli.options import format_option
from emotalk_data.cli.output import echo, examples, printable, progress, quiet_libraries
from emotalk_data.load import CORPORA, find_release

if TYPE_CHECKING:
    import datasets

__all__ = ["splits"]

_corpora = click.Choice([corpus.name for corpus in CORPORA])
_data_dir_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="A release, or a copy; in $EMOTALK_HOME if omitted.",
)


def _sizes(ctx: click.Context, param: click.Parameter, value: str | None) -> dict[str, float] | None:
    """Read `train=0.8,test=0.2`."""
    if value is None:
        return None
    sizes: dict[str, float] = {}
    for part in value.split(","):
        name, _, share = part.partition("=")
        try:
            number = float(share)
        except ValueError:
            raise click.BadParameter(f"{part!r} is not like train=0.8.", ctx, param) from None
        if name.strip() in sizes:
            raise click.BadParameter(f"{name.strip()!r} is there twice.", ctx, param)
        sizes[name.strip()] = number
    return sizes


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "emotalk splits audit emotalk",
        "emotalk splits make emotalk --out splits.json",
        "emotalk splits audit emotalk --split-file splits.json",
    ),
)
@click.pass_context
def splits(ctx: click.Context) -> None:
    """Check what splits share, and make splits that share nothing."""
    if ctx.invoked_subcommand is None:
        echo(ctx.get_help())


@splits.command(
    epilog=examples(
        "emotalk splits audit emotalk",
        "emotalk splits audit --data-dir /data/RUCM3ED --format json",
        "emotalk splits audit emotalk --split-file splits.json --fold 2",
        footer="Exit status: 0 nothing is shared, 1 leaks were found, 2 could not run.",
    )
)
@click.argument("corpus", required=False, type=_corpora)
@_data_dir_option
@click.option(
    "--split-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Other splits than the official ones.",
)
@click.option(
    "--fold", metavar="FOLD", help="One fold of it: its number from 0, or its name; all if omitted."
)
@format_option
@click.pass_context
def audit(
    ctx: click.Context,
    corpus: Literal["emotalk", "m3ed"] | None,
    data_dir: Path | None,
    split_file: Path | None,
    fold: str | None,
    form: str,
) -> None:
    """Find what splits share: speakers, dialogues, transcripts.

    Shared speakers, groups, series, dialogues and utterances are leaks; transcripts are notes.
    CORPUS is emotalk or m3ed; if omitted that of --split-file, or the one that is in --data-dir.
    """
    if corpus is None and data_dir is None and split_file is None:
        raise click.UsageError("give CORPUS, --data-dir, or --split-file.", ctx)
    if fold is not None and split_file is None:
        raise click.UsageError("--fold is a fold of --split-file: give that too.", ctx)
    from emotalk_data.builder.frozen_splits import apply_split_file
    from emotalk_data.schemas.split_file import load_split_file
    from emotalk_data.views.splitting.split_audit import audit_splits

    frozen = None if split_file is None else load_split_file(split_file)
    official = _load(corpus or (frozen.corpus if frozen else None), data_dir)
    audits = {}
    if frozen is None:
        audits["official splits"] = audit_splits(official)
    else:
        names = {one.name for one in frozen.folds}
        is_number = fold is not None and fold.isdecimal() and fold not in names
        wanted = range(len(frozen.folds)) if fold is None else [int(fold) if is_number else fold]
        for one in wanted:
            name = f"fold {one} {frozen.choose_fold(one).name}".rstrip()
            audits[name] = audit_splits(apply_split_file(official, frozen, fold=one))
    if form == "json":
        values = [{"splits_of": name, **found.to_dict()} for name, found in audits.items()]
        echo(json.dumps(values, ensure_ascii=False, indent=1))
    else:
        for number, (name, found) in enumerate(audits.items()):
            if number:
                echo()
            if frozen is not None:
                echo(printable(name), bold=True)
            echo(str(found))
    if not all(found.is_clean for found in audits.values()):
        ctx.exit(1)


@splits.command(
    epilog=examples(
        "emotalk splits make emotalk --out splits.json",
        "emotalk splits make emotalk --sizes train=0.7,validation=0.15,test=0.15 --out splits.json",
        "emotalk splits make m3ed --disjoint series --folds 5 --seed 1 --out folds.json",
        "emotalk splits make emotalk --leave-one-out group --out groups.json",
        footer="Opened by load_dataset(CORPUS, split_file=FILE, fold=0). The same data, options and seed give "
        "the same splits on every machine; quote their digest with your results.",
    )
)
@click.argument("corpus", type=_corpora)
@_data_dir_option
@click.option(
    "--disjoint",
    type=click.Choice(("speaker", "group", "series", "dialogue")),
    default="speaker",
    show_default=True,
    help="What no two splits share.",
)
@click.option(
    "--stratify",
    metavar="COLUMN",
    default="emotion",
    show_default=True,
    help="Labels whose shares are kept alike; none for sizes alone.",
)
@click.option(
    "--sizes",
    callback=_sizes,
    metavar="SIZES",
    help="Shares of the utterances; train=0.8,validation=0.1,test=0.1 if omitted.",
)
@click.option("--folds", type=int, metavar="K", help="Instead, so many folds for cross-validation.")
@click.option("--no-validation", is_flag=True, help="With --folds: train and test only.")
@click.option(
    "--leave-one-out",
    type=click.Choice(("group", "series", "speaker")),
    help="Instead, a fold for each: it is the test split, and the others are train. speaker: a component of "
    "the speaker graph.",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Decides among what fits alike."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="Where to.")
@click.option("--overwrite", is_flag=True, help="Replace a file with other splits.")
@click.pass_context
def make(
    ctx: click.Context,
    /,
    corpus: Literal["emotalk", "m3ed"],
    data_dir: Path | None,
    stratify: str,
    no_validation: bool,
    leave_one_out: Literal["group", "series", "speaker"] | None,
    out: Path,
    overwrite: bool,
    **options: Any,
) -> None:
    """Make splits that share no speaker, in a file.

    Two people talk in a dialogue, and many talk with several others: all who are connected stay together.
    """
    from emotalk_data.views.splitting.make_splits import leave_one_group_out, make_splits

    if leave_one_out is not None:
        for name in ("disjoint", "stratify", "sizes", "folds", "no_validation", "seed"):
            if ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                word = name.replace("_", "-")
                raise click.UsageError(f"--{word} is not for --leave-one-out: nothing is dealt out.", ctx)
        made = leave_one_group_out(_load(corpus, data_dir), by=leave_one_out)
    else:
        made = make_splits(
            _load(corpus, data_dir),
            stratify=None if stratify == "none" else stratify,
            validation=not no_validation,
            **options,
        )
    made.save(out, overwrite=overwrite)
    echo(str(made))
    echo(f"\n{printable(str(out))}: written.", err=True)


def _load(corpus: Literal["emotalk", "m3ed"] | None, data_dir: Path | None) -> datasets.DatasetDict:
    from emotalk_data.load import load_dataset

    quiet_libraries()
    if corpus is None:
        from emotalk_data.validation.validate import tell_corpus

        corpus = tell_corpus(find_release("emotalk", data_dir))
    root = find_release(corpus, data_dir)
    progress(f"loading {printable(root)} …")
    return load_dataset(corpus, data_dir=root)
