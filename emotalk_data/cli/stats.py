"""`emotalk stats`: the tables of a corpus's papers beside what a release says."""

from __future__ import annotations

import json
from pathlib import Path

import click

from emotalk_data.cli.options import data_dir_option
from emotalk_data.cli.output import echo, examples, plural, printable, progress, quiet_libraries
from emotalk_data.load import CORPORA, find_release, load_dataset

__all__ = ["stats"]


@click.command(
    epilog=examples(
        "emotalk stats emotalk                           of the release in $EMOTALK_HOME/emotalk",
        "emotalk stats emotalk --data-dir /data/EmotionTalk",
        "emotalk stats m3ed --data-dir /data/RUCM3ED --format markdown",
        "emotalk stats m3ed --data-dir /data/RUCM3ED --format json | jq .counts",
        footer="Exit status: 0 also where numbers differ; 1 with --strict when one differs and no reason is "
        "known, which is so wherever utterances are missing.",
    )
)
@click.argument("corpus", type=click.Choice([corpus.name for corpus in CORPORA]))
@data_dir_option
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "markdown")),
    default="text",
    show_default=True,
    help="For people, for programs, or for a paper's appendix.",
)
@click.option("--strict", is_flag=True, help="Exit 1 when a number differs without a known reason.")
@click.pass_context
def stats(ctx: click.Context, corpus: str, data_dir: Path | None, form: str, strict: bool) -> None:
    """Print the papers' tables beside what the data says.

    Where a number is known to differ, the reason is printed with it.
    """
    from emotalk_data.views.paper_tables.compare import statistics

    quiet_libraries()
    root = find_release(corpus, data_dir)
    progress(f"loading {printable(str(root))} …")
    found = statistics(load_dataset(corpus, data_dir=root))
    if form == "json":
        echo(json.dumps(found.to_dict(), ensure_ascii=False, indent=1))
    else:
        echo(found.to_markdown() if form == "markdown" else str(found))
    if strict and found.unexplained:
        number = plural(len(found.unexplained), "number")
        verb = "differs" if len(found.unexplained) == 1 else "differ"
        echo(f"emotalk: {number} {verb} without a known reason", err=True)
        ctx.exit(1)
