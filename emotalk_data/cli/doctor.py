"""`emotalk doctor`: what is installed, what works, and the command that mends what does not."""

from __future__ import annotations

import json
from typing import Final

import click

from emotalk_data.cli.checks import Check, all_checks
from emotalk_data.cli.options import format_option
from emotalk_data.cli.output import cells, echo, examples, heading, plural, printable

__all__ = ["doctor"]

_COLOURS: Final = {"ok": "green", "absent": "yellow", "broken": "red"}
_NAME_CELLS: Final = 16


@click.command(
    epilog=examples(
        "emotalk doctor",
        "emotalk doctor --format json > doctor.json    to attach to a bug report; holds no token",
        footer="Exit status: 0 the core works, 1 something of the core is broken. What is optional may be "
        "absent.",
    )
)
@format_option
@click.pass_context
def doctor(ctx: click.Context, form: str) -> None:
    """Check this installation and say how to mend it.

    Looks at Python, at each package, at the decoder that each kind of file will use, at the cache, at where
    data is looked for, at the GPU. Optional packages are imported, in another process, which takes seconds:
    installed is not yet usable.
    """
    checks: list[Check] = []
    for check in all_checks():
        if form == "text":
            if not checks or checks[-1].section != check.section:
                heading(check.section)
            _print(check)
        checks.append(check)
    faults = [check for check in checks if check.is_core and check.state != "ok"]
    if form == "json":
        values = {"is_ok": not faults, "checks": [check._asdict() for check in checks]}
        echo(json.dumps(values, ensure_ascii=False, indent=1))
    else:
        _print_verdict(faults)
    ctx.exit(1 if faults else 0)


def _print(check: Check) -> None:
    state = click.style(check.state.ljust(6), fg=_COLOURS[check.state])
    blank = " " * max(_NAME_CELLS - cells(check.name), 1)
    echo(f"  {state}  {check.name}{blank}{printable(check.found)}")
    if check.remedy:
        verb = "to mend it" if check.state == "broken" or check.is_core else "to have it"
        echo(f"{' ' * (_NAME_CELLS + 10)}{verb}: {printable(check.remedy)}")


def _print_verdict(faults: list[Check]) -> None:
    echo()
    if not faults:
        echo("The core works: releases can be loaded, sound and pictures decoded.", fg="green")
        return
    verb = "does" if len(faults) == 1 else "do"
    echo(f"{plural(len(faults), 'part')} of the core {verb} not work. To mend:", fg="red")
    for remedy in dict.fromkeys(check.remedy for check in faults if check.remedy):
        echo(f"  {remedy}")
