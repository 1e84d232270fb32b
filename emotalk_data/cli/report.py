"""`emotalk report`: one page of HTML about a release, to be looked at in a browser."""

from __future__ import annotations

from pathlib import Path

import click

from emotalk_data.cli.options import episodes_dir_option
from emotalk_data.cli.output import echo, examples, printable, progress, quiet_libraries

__all__ = ["report"]


@click.command(
    epilog=examples(
        "emotalk report /data/EmotionTalk --out report.html",
        "emotalk report /data/RUCM3ED --episodes-dir /data/tv --out m3ed.html",
        "emotalk report /data/EmotionTalk --out small.html --no-media --samples 4",
        footer="The page is one file below 5 MB that works offline. It holds transcripts, and sound and frames "
        "of the samples: the corpus's licence goes with it.",
    )
)
@click.argument("data", type=click.Path(path_type=Path), metavar="DATA")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), metavar="FILE", help="Where the page is written."
)
@episodes_dir_option
@click.option(
    "--samples",
    type=click.IntRange(0, 200),
    default=12,
    show_default=True,
    help="Utterances that are shown whole; fewer where they do not fit.",
)
@click.option("--title", metavar="TEXT", help="Title of the page; the corpus's name if omitted.")
@click.option("--no-media", is_flag=True, help="Open no sound and no pictures.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
def report(
    data: Path,
    out: Path,
    episodes_dir: Path | None,
    samples: int,
    title: str | None,
    no_media: bool,
    force: bool,
) -> None:
    """Make a page of charts, dialogues and samples.

    DATA is a release, whole or in part, or a copy that `emotalk cache` made.
    """
    from emotalk_data.report import write_report

    quiet_libraries()
    progress(f"reading {printable(str(data))} …")
    path = write_report(
        data,
        out,
        episodes_dir=episodes_dir,
        force=force,
        title=title,
        samples=samples,
        media=not no_media,
    )
    echo(f"{printable(str(path))}: {path.stat().st_size / 1e6:.1f} MB. Open it in a browser.")
