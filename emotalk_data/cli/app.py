"""The command `emotalk`: finds the verb, runs it, and turns what goes wrong into one line and an exit code.

0    done; nothing is wrong
1    done; problems were found
2    could not run: bad usage, no such release, a package that is broken
130  interrupted
141  the reader of the output went away (`emotalk info | head -1`)
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Final, TextIO

import click

from emotalk_data.cli.output import echo, examples, one_line, show_anything, wants_no_colour
from emotalk_data.errors import EmotalkError, quote

__all__ = ["VERBS", "emotalk", "main"]

# The short helps are here, so that `emotalk --help` imports no verb. A test compares them with the verbs.
VERBS: Final = {
    "demo": "Try everything on made-up data, in seconds.",
    "info": "Show what a corpus holds, with or without its data.",
    "download": "Fetch the release of a corpus, so that load_dataset finds it.",
    "validate": "Check a release and list every problem in it.",
    "stats": "Print the papers' tables beside what the data says.",
    "splits": "Check what splits share, and make splits that share nothing.",
    "report": "Make a page of charts, dialogues and samples.",
    "cache": "Make a copy that is fast to read: sound at 16 kHz, frames.",
    "build": "Write a corpus as Parquet with its media, for yourself.",
    "features": "Extract features with pretrained encoders, resumable.",
    "publish": "Publish feature sets, splits or built data on the Hub.",
    "make-public": "Make a published repository public, judged once more.",
    "sample": "Make a small made-up release in the true layout.",
    "doctor": "Check this installation and say how to mend it.",
    "export": "Write the published schemas and Hub loaders.",
}

_DONE, _COULD_NOT_RUN, _INTERRUPTED, _NO_READER = 0, 2, 130, 141
_TRACEBACK = "EMOTALK_TRACEBACK"
_COMPLETION = "_EMOTALK_COMPLETE"


class _Verbs(click.Group):
    """A group whose commands are imported when they are called: verb `x-y` is `emotalk_data.cli.x_y.x_y`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        name = cmd_name.replace("-", "_")
        command = getattr(importlib.import_module(f"emotalk_data.cli.{name}"), name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in VERBS and not name.startswith("-") and not ctx.resilient_parsing:
            close = difflib.get_close_matches(name, VERBS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(VERBS)}."
            raise click.UsageError(f"there is no verb {quote(name)}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


def _show_version(ctx: click.Context, _param: click.Parameter, is_asked: bool) -> None:
    if not is_asked or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("emotalk-data")
    except PackageNotFoundError:
        number = "(run from its source, not installed)"
    echo(f"emotalk {number}")
    ctx.exit()


@click.group(
    cls=_Verbs,
    subcommand_metavar="VERB [ARGUMENTS]...",
    epilog=examples(
        "emotalk demo                          the first thing to type; needs no data",
        "emotalk info emotalk                  its columns, its licence, where to get it",
        "emotalk validate /data/EmotionTalk    what is wrong with a release",
        "emotalk VERB --help                   all about one verb",
        footer="Exit status: 0 done, 1 problems were found, 2 could not run.",
    ),
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def emotalk() -> None:
    """Load, check and look into EmotionTalk and M3ED, two Chinese multimodal emotion corpora.

    In Python: emotalk_data.load_dataset("emotalk", data_dir="/data/EmotionTalk", split="train").
    """


def main(args: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. Nothing is raised, unless `EMOTALK_TRACEBACK` is set.

    Args:
        args: the words after `emotalk`; those of this process if omitted.
    """
    show_anything(sys.stdout)
    show_anything(sys.stderr)
    if _COMPLETION in os.environ:
        emotalk.main(prog_name="emotalk", complete_var=_COMPLETION)
    words = list(sys.argv[1:] if args is None else args)
    try:
        code = _run(words or ["--help"])
        # Here, not at the interpreter's end: there, a reader that went away could not be caught.
        _flush()
    except BrokenPipeError:
        _give_to_nobody(sys.stdout)
        return _NO_READER
    except KeyboardInterrupt:
        return _fail("interrupted", _INTERRUPTED)
    except Exception as error:
        if os.environ.get(_TRACEBACK):
            raise
        return _fail(f"error: {_explain(error)}", _COULD_NOT_RUN)
    return code


def _run(words: list[str]) -> int:
    try:
        color = False if wants_no_colour() else None
        with emotalk.make_context("emotalk", words, color=color) as context:
            emotalk.invoke(context)
    except click.exceptions.Exit as request:
        return request.exit_code
    except SystemExit as request:
        return (
            request.code
            if isinstance(request.code, int)
            else _DONE
            if request.code is None
            else _COULD_NOT_RUN
        )
    except click.Abort:
        return _fail("interrupted", _INTERRUPTED)
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "emotalk"
        return _fail(f"error: {one_line(error.format_message())}\nTry '{where} --help'.", _COULD_NOT_RUN)
    return _DONE


def _explain(error: Exception) -> str:
    """Return one line that says what went wrong and, where we can know, what to do."""
    if isinstance(error, EmotalkError):
        return one_line(str(error))
    if isinstance(error, OSError) and error.strerror:
        where = f": {quote(str(error.filename), 200)}" if error.filename else ""
        return f"{error.strerror}{where}"
    if isinstance(error, ImportError):
        return one_line(f"a package is missing or broken: {error}. Run `emotalk doctor`.")
    return one_line(
        f"unexpected {type(error).__name__}: {quote(str(error), 300)}. This is a defect of emotalk_data; "
        f"with {_TRACEBACK}=1 the traceback is shown."
    )


def _fail(message: str, code: int) -> int:
    """Say on stderr why it did not work, after all that was printed before."""
    try:
        _flush()
    except OSError:
        _give_to_nobody(sys.stdout)
    try:
        echo(f"emotalk: {message}", err=True)
    except OSError:
        _give_to_nobody(sys.stderr)
    return code


def _flush() -> None:
    # None in a process that was started without a stdout.
    if sys.stdout is not None:
        sys.stdout.flush()


def _give_to_nobody(stream: TextIO) -> None:
    """Drop what is left for a stream: the interpreter flushes again at its end, and would complain."""
    nobody = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nobody, stream.fileno())
    os.close(nobody)
