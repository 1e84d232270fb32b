"""`emotalk validate`: every problem of a release, by code, with what it means and how to mend it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from emotalk_data.cli.options import episodes_dir_option
from emotalk_data.cli.output import echo, examples, plural, printable, progress
from emotalk_data.cli.problems import print_problems
from emotalk_data.load import CORPORA

if TYPE_CHECKING:
    from emotalk_data.loaders.report import Report
    from emotalk_data.validation.emotalk.checks import Progress
    from emotalk_data.validation.known.screen import Screens

__all__ = ["validate"]

_FORMATS: Final = ("text", "json", "github", "junit", "sarif")
_STDOUT: Final = Path("/dev/fd/1")
# How many problems of each code are shown when --limit does not say: a log is for people too.
_LIMITS: Final = {"text": 3, "github": 10}


@click.command(
    epilog=examples(
        "emotalk validate /data/EmotionTalk",
        "emotalk validate /data/EmotionTalk --media --strict",
        "emotalk validate /data/RUCM3ED --episodes-dir /data/tv --limit 10",
        "emotalk validate annotations --write-baseline known.json",
        "emotalk validate annotations --baseline known.json --format github",
        "emotalk validate --explain ET-LABEL-003",
        "cat records.jsonl | emotalk validate - --format json",
        footer="Exit status: 0 clean, 1 problems, 2 could not run. Problems are errors, and with --strict "
        "warnings too; notes never are.",
    )
)
@click.argument("paths", metavar="PATH...", nargs=-1)
@click.option(
    "--corpus",
    type=click.Choice([corpus.name for corpus in CORPORA]),
    help="Which corpus it is; seen from its files if omitted.",
)
@episodes_dir_option
@click.option("--media", is_flag=True, help="Read the header of every wav and mp4 too.")
@click.option("--decode", is_flag=True, help="Decode every sample and picture; slow.")
@click.option("--strict", is_flag=True, help="Warnings are problems too.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What to pass over; emotalk.toml of this folder if omitted.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Known problems: only others count.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write today's errors and warnings as known.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="For people, for programs, or for CI.",
)
@click.option(
    "--limit",
    type=click.IntRange(0),
    metavar="N",
    help=f"Problems shown of each code; {_LIMITS['text']} as text, {_LIMITS['github']} for GitHub, else all "
    "that are kept (1,000).",
)
@click.option("--explain", metavar="CODE", help="Say what a code means, and what to do.")
@click.pass_context
def validate(ctx: click.Context, /, paths: tuple[str, ...], explain: str | None, **options: Any) -> None:
    """Check a release and list every problem in it.

    PATH is a folder, as released or in part; a tar; one JSON file; JSON lines; a built dataset or feature set
    (Parquet or Arrow); or - for JSON lines on standard input. Nothing is changed or extracted.
    """
    if explain is not None:
        from emotalk_data.validation.outputs.explain import explain as explanation

        echo(explanation(explain))
        return
    if not paths:
        raise click.UsageError("Missing argument 'PATH...'.", ctx)
    ctx.exit(_validate(paths, **options))


def _validate(
    paths: tuple[str, ...],
    *,
    corpus: Literal["emotalk", "m3ed"] | None,
    episodes_dir: Path | None,
    media: bool,
    decode: bool,
    strict: bool,
    config: Path | None,
    baseline: Path | None,
    write_baseline: Path | None,
    form: str,
    limit: int | None,
) -> int:
    """Validate and print; return the exit status."""
    from emotalk_data.validation.known.baseline import BaselineRecorder, read_baseline, target_of
    from emotalk_data.validation.known.config import read_config
    from emotalk_data.validation.known.screen import Screens
    from emotalk_data.validation.outputs.shown import num_failing
    from emotalk_data.validation.validate import validate_all

    if write_baseline is not None:
        target_of(write_baseline)  # what must not be overwritten is told before the reading, not after it
    screens = Screens(
        read_config(config),
        baseline=read_baseline(baseline) if baseline is not None else None,
        recorder=BaselineRecorder() if write_baseline is not None else None,
    )
    strict = strict or screens.config.strict
    with _progress_bar(paths) as advance:
        report = validate_all(
            paths,
            corpus=corpus,
            episodes_dir=str(episodes_dir) if episodes_dir is not None else None,
            media=media,
            decode=decode,
            # Beside the records may lie what is no record: what is known of them, and what is being printed.
            skip=[path for path in (baseline, write_baseline, _STDOUT) if path is not None],
            screen=screens,
            progress=advance,
        )
    _print_report(report, form, strict=strict, limit=_LIMITS.get(form) if limit is None else limit)
    _tell_screens(screens, report, is_whole=len(paths) == 1 and Path(paths[0]).is_dir())
    if screens.recorder is not None and write_baseline is not None:
        screens.recorder.write(write_baseline)
        number = plural(screens.recorder.num_problems, "known problem")
        echo(f"{printable(str(write_baseline))}: {number} written.", err=True)
        return 0
    return 1 if num_failing(report, strict=strict) else 0


def _print_report(report: Report, form: str, *, strict: bool, limit: int | None) -> None:
    from emotalk_data.validation.outputs.lines import with_lines
    from emotalk_data.validation.outputs.shown import first_of_each_code

    if form == "text":
        print_problems(report, limit=limit or 0)
        echo(report.summary())
        echo(_verdict(report, strict=strict))
        return
    problems = with_lines(report, first_of_each_code(report.problems(), limit))
    if form == "json":
        from emotalk_data.validation.outputs.as_json import as_json

        text = as_json(report, problems, strict=strict)
    elif form == "github":
        from emotalk_data.validation.outputs.as_github import as_github

        text = as_github(report, problems, strict=strict)
    elif form == "junit":
        from emotalk_data.validation.outputs.as_junit import as_junit

        text = as_junit(report, problems, strict=strict)
    else:
        from emotalk_data.validation.outputs.as_sarif import as_sarif

        text = as_sarif(report, problems, strict=strict)
    # JSON and XML are UTF-8, whatever the terminal is; annotations are for the log that they stand in.
    click.echo(text if form == "github" else text.encode(), file=sys.stdout, nl=False)


def _verdict(report: Report, *, strict: bool) -> str:
    from emotalk_data.validation.outputs.shown import num_failing

    number = num_failing(report, strict=strict)
    if number:
        return click.style(f"{plural(number, 'problem')} to mend.", fg="red")
    warnings = report.num_problems("warning")
    also = f"; {plural(warnings, 'warning')}, which --strict makes problems" if warnings else ""
    return click.style(f"Clean{also}.", fg="green")


def _tell_screens(screens: Screens, report: Report, *, is_whole: bool) -> None:
    """Say on stderr what was passed over; of a whole release also which rules and known problems are stale."""
    for why, numbers in sorted(report.passed_over.items()):
        by = "the baseline" if why == "baseline" else printable(screens.config.path or "the configuration")
        echo(f"{plural(numbers.total(), 'problem')} passed over by {by}.", err=True)
    if not is_whole:
        return
    for rule in screens.config.unused_rules():
        name = printable(screens.config.path or "the configuration")
        echo(f"A rule of {name} matched nothing: {printable(str(rule))}", err=True)
    if screens.baseline is not None and screens.baseline.num_gone:
        gone = plural(screens.baseline.num_gone, "known problem")
        echo(
            f"{gone} of the baseline did not come up: write it again, so that none comes back unseen.",
            err=True,
        )


@contextmanager
def _progress_bar(paths: tuple[str, ...]) -> Iterator[Progress | None]:
    """Show on stderr how far the reading is, when somebody watches and wants it."""
    name = printable(paths[0]) if len(paths) == 1 else plural(len(paths), "path")
    if os.environ.get("HF_DATASETS_DISABLE_PROGRESS_BARS", "").upper() in ("1", "TRUE", "YES", "ON"):
        yield None
        return
    if sys.stderr is None or not sys.stderr.isatty():  # None in a process that has none
        yield None
        return
    from tqdm import tqdm

    progress(f"reading {name} …")
    with tqdm(unit=" records", leave=False, dynamic_ncols=True, file=sys.stderr) as bar:

        def advance(num_done: int, num_found: int) -> None:
            bar.total = num_found
            bar.update(num_done - bar.n)

        yield advance
