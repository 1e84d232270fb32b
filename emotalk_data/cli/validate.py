"""`emotalk validate`: every problem of a release, by code, with what it means and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from emotalk_data.cli.options import episodes_dir_option, format_option
from emotalk_data.cli.output import (
    echo,
    examples,
    plural,
    printable,
    progress,
    severity_style,
)
from emotalk_data.load import CORPORA

if TYPE_CHECKING:
    from emotalk_data.loaders.report import Report
    from emotalk_data.schemas.problems import Problem

__all__ = ["print_problems", "validate"]

_DEFAULT_LIMIT = 3


@click.command(
    epilog=examples(
        "emotalk validate /data/EmotionTalk",
        "emotalk validate /data/EmotionTalk/Text.tar --corpus emotalk",
        "emotalk validate /data/RUCM3ED --episodes-dir /data/tv --limit 10",
        "emotalk validate /data/EmotionTalk --format json > problems.json",
        footer="Exit status: 0 clean, 1 problems, 2 could not run. Problems are errors, and with --strict "
        "warnings too; notes never are.",
    )
)
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--corpus",
    type=click.Choice([corpus.name for corpus in CORPORA]),
    help="Which corpus it is; seen from its files if omitted.",
)
@episodes_dir_option
@click.option("--strict", is_flag=True, help="Warnings are problems too.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    metavar="N",
    help=f"Examples for each code; {_DEFAULT_LIMIT} if omitted, in JSON all that are kept (1,000).",
)
@format_option
@click.pass_context
def validate(
    ctx: click.Context,
    path: Path,
    corpus: Literal["emotalk", "m3ed"] | None,
    episodes_dir: Path | None,
    strict: bool,
    limit: int | None,
    form: str,
) -> None:
    """Check a release and list every problem in it.

    PATH is a folder, as released or in part, or one tar. Nothing is changed or extracted.
    """
    from emotalk_data.validation.validate import validate as read_release

    progress(f"reading {printable(str(path))} …")
    report = read_release(str(path), corpus=corpus, episodes_dir=str(episodes_dir) if episodes_dir else None)
    if form == "json":
        echo(json.dumps(_as_json(report, limit), ensure_ascii=False, indent=1))
    else:
        print_problems(report, limit=_DEFAULT_LIMIT if limit is None else limit)
        echo(report.summary())
        echo(_verdict(report, strict=strict))
    ctx.exit(1 if _num_failing(report, strict=strict) else 0)


def _num_failing(report: Report, *, strict: bool) -> int:
    return report.num_problems("error") + (report.num_problems("warning") if strict else 0)


def _verdict(report: Report, *, strict: bool) -> str:
    number = _num_failing(report, strict=strict)
    if number:
        return click.style(f"{plural(number, 'problem')} to mend.", fg="red")
    warnings = report.num_problems("warning")
    also = f"; {plural(warnings, 'warning')}, which --strict makes problems" if warnings else ""
    return click.style(f"Clean{also}.", fg="green")


def print_problems(report: Report, *, limit: int, codes: Iterable[str] | None = None) -> None:
    """Print the problems of a report by code, errors first.

    Args:
        report: what was found.
        limit: how many examples to show for each code.
        codes: only these codes; all if omitted.
    """
    from emotalk_data.schemas.codes import CODES

    numbers = report.num_by_code()
    kept = _kept_by_code(report)
    # `problems()` has the errors first; a code of which nothing was kept comes last.
    for code in [*kept, *(code for code in numbers if code not in kept)]:
        if codes is not None and code not in codes:
            continue
        severity, meaning, remedy, _ = CODES[code]
        echo(code, bold=True, nl=False)
        echo(f"  {severity_style(severity)}  {plural(numbers[code], 'time')}  {meaning}")
        shown = kept.get(code, [])[:limit]
        for problem in shown:
            _print_example(problem)
        rest = numbers[code] - sum(problem.count for problem in shown)
        if rest and limit:
            echo(f"  … and {rest:,} more", dim=True)
        # Some remedies say that there is nothing to mend.
        echo(f"  {remedy}\n" if remedy.startswith("Nothing") else f"  To mend: {remedy}\n")


def _kept_by_code(report: Report) -> dict[str, list[Problem]]:
    kept: dict[str, list[Problem]] = {}
    for problem in report.problems():
        kept.setdefault(problem.code, []).append(problem)
    return kept


def _print_example(problem: Problem) -> None:
    where = f"{problem.file}: {problem.json_path}" if problem.json_path else problem.file
    times = f" ({problem.count:,} times, here the first)" if problem.count > 1 else ""
    echo(f"  {printable(where)}")
    expected = f"; expected {problem.expected}" if problem.expected else ""
    echo(printable(f"    is {problem.found}{expected}{times}"))


def _as_json(report: Report, limit: int | None) -> dict[str, Any]:
    """Return the report with what its codes mean, so that a reader needs no table of ours."""
    from emotalk_data.schemas.codes import CODES

    values = report.to_dict()
    numbers = values.pop("num_by_code")
    codes = {code: {**CODES[code]._asdict(), "count": number} for code, number in numbers.items()}
    kept = _kept_by_code(report)
    problems = [
        {**problem._asdict(), "severity": problem.severity}
        for of_code in kept.values()
        for problem in (of_code if limit is None else of_code[:limit])
    ]
    return {**values, "summary": report.summary(), "codes": codes, "problems": problems}
