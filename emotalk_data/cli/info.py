"""`emotalk info`: what is known of a corpus, and what of it is here."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emotalk_data.cli.options import data_dir_option, episodes_dir_option, format_option
from emotalk_data.cli.output import (
    echo,
    examples,
    heading,
    pairs,
    paragraph,
    printable,
    progress,
    quiet_libraries,
    table,
)
from emotalk_data.errors import OptionError, ReleaseNotFoundError
from emotalk_data.load import CORPORA, find_release

if TYPE_CHECKING:
    from emotalk_data.cli.content import Content
    from emotalk_data.hub.corpora import CorpusFacts

__all__ = ["info"]


@click.command(
    epilog=examples(
        "emotalk info                                    both corpora in short, and what is here",
        "emotalk info emotalk                            columns, licence, where to get it",
        "emotalk info --data-dir /data/EmotionTalk       rows, speakers, labels of your copy",
        "emotalk info m3ed --data-dir /data/RUCM3ED --episodes-dir /data/tv",
        "emotalk info emotalk --format json",
        footer="Data is looked for in --data-dir, then in $EMOTALK_HOME/emotalk and $EMOTALK_HOME/m3ed. The "
        "first look builds the table that load_dataset uses; later ones take a second.",
    )
)
@click.argument("corpus", required=False, type=click.Choice([corpus.name for corpus in CORPORA]))
@data_dir_option
@episodes_dir_option
@format_option
def info(corpus: str | None, data_dir: Path | None, episodes_dir: Path | None, form: str) -> None:
    """Show what a corpus holds, with or without its data.

    CORPUS is emotalk or m3ed; both if omitted, or the one that is in --data-dir.
    """
    from emotalk_data.hub.corpora import CORPUS_FACTS
    from emotalk_data.validation.validate import tell_corpus

    quiet_libraries()
    if data_dir is not None:
        root = find_release("emotalk", data_dir)
        corpus = corpus or tell_corpus(root)
    if episodes_dir is not None and corpus != "m3ed":
        raise OptionError("--episodes-dir belongs to m3ed: `emotalk info m3ed --episodes-dir DIR`.")
    shown = [known for known in CORPUS_FACTS if corpus in (None, known.name)]
    contents = {known.name: _content(known.name, data_dir, episodes_dir) for known in shown}
    if form == "json":
        values = {known.name: _as_json(known, contents[known.name]) for known in shown}
        echo(json.dumps(values, ensure_ascii=False, indent=1))
        return
    for known in shown:
        _print_corpus(known, contents[known.name], is_short=corpus is None)


def _content(corpus: str, data_dir: Path | None, episodes_dir: Path | None) -> Content | None:
    """Read the release that was named, or that is in $EMOTALK_HOME; None when there is none there."""
    from emotalk_data.cli.content import read_content

    try:
        root = Path(find_release(corpus, data_dir))
    except ReleaseNotFoundError:
        if data_dir is not None:
            raise
        return None
    progress(f"loading {printable(str(root))} …")
    return read_content(corpus, root, episodes_dir)


def _as_json(known: CorpusFacts, content: Content | None) -> dict[str, Any]:
    from emotalk_data.hub.columns import COLUMN_MEANINGS

    return {
        "title": known.pretty_name,
        "summary": known.summary,
        "published_split_sizes": dict(known.split_sizes),
        "splits": known.split_text,
        "columns": dict(COLUMN_MEANINGS[known.name]),
        "emotions": list(known.features["emotion"].names),
        "limits": list(known.limits),
        "licence": known.licence,
        "licence_text": known.licence_text,
        "homepage": known.homepage,
        "how_to_get_it": _source(known.name),
        "data": None if content is None else content.to_dict(),
    }


def _source(name: str) -> str:
    return next(corpus.source for corpus in CORPORA if corpus.name == name)


def _print_corpus(known: CorpusFacts, content: Content | None, *, is_short: bool) -> None:
    echo(f"{known.pretty_name} ({known.name})", bold=True)
    paragraph(known.summary)
    if content is not None:
        _print_content(content, known)
    else:
        heading("Splits, as published")
        table(
            ["split", "utterances"],
            [(name, f"{size:,}") for name, size in known.split_sizes.items()],
            right=(1,),
        )
    if not is_short:
        _print_known(known)
    heading("Licence, in the words of the dataset card")
    paragraph(known.licence_text)
    heading("Where to get it")
    paragraph(f"{_source(known.name)}. To try without it: emotalk sample {known.name} DIR.")
    heading("Where it is looked for")
    home = os.environ.get("EMOTALK_HOME")
    place = f"$EMOTALK_HOME/{known.name}" + (f", {home}/{known.name}" if home else ", not set")
    pairs(
        [
            ("1.", "data_dir, or --data-dir here"),
            ("2.", printable(place)),
            ("3.", f"what `emotalk download {known.name}` fetched, below HF_HOME"),
        ]
    )
    if is_short:
        echo(f"\n  Its columns: emotalk info {known.name}\n")


def _print_known(known: CorpusFacts) -> None:
    from emotalk_data.hub.columns import COLUMN_MEANINGS

    heading("How the splits were made")
    paragraph(known.split_text)
    heading("Columns; what is absent is null")
    meanings = COLUMN_MEANINGS[known.name]
    width = max(len(name) for name in meanings)
    for name, meaning in meanings.items():
        paragraph(meaning.replace("`", ""), first=f"{name.ljust(width)}  ")
    heading("Emotions, in the order of the authors' ids")
    paragraph(", ".join(known.features["emotion"].names))
    heading("Good to know")
    for limit in known.limits:
        paragraph(limit, first="- ")


def _print_content(content: Content, known: CorpusFacts) -> None:
    heading("Here")
    pairs(
        [
            ("release", printable(content.data_dir)),
            ("cache", printable(content.cache_dir)),
            ("report", content.report.summary()),
        ]
    )
    if content.report.num_problems():
        echo(f"  emotalk validate {printable(shlex.quote(content.data_dir))} lists the problems.")
    splits = content.splits
    echo()
    header = ["split", "rows", "published", "dialogues", "speakers"]
    rows = [
        [split, f"{c.rows:,}", f"{known.split_sizes[split]:,}", f"{c.dialogues:,}", f"{c.speakers:,}"]
        for split, c in splits.items()
    ]
    table(header, rows, right=range(1, 5))
    for title, of in (("rows that have", "present"), ("emotion", "emotions")):
        echo()
        counts = {split: getattr(c, of) for split, c in splits.items()}
        names = list(dict.fromkeys(name for by_name in counts.values() for name in by_name))
        lines = [[name, *(f"{counts[split].get(name, 0):,}" for split in splits)] for name in names]
        table([title, *splits], lines, right=range(1, len(splits) + 1))
