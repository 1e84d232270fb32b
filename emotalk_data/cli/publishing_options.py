"""What `emotalk publish` and `emotalk make-public` have in common: options, output and exit status."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import click

from emotalk_data.cli.options import format_option
from emotalk_data.cli.output import echo, one_line
from emotalk_data.errors import PublishRefusedError, quote

if TYPE_CHECKING:
    from emotalk_data.hub.publishing.outcome import Published

__all__ = ["FLAGS_FOOTER", "FLAGS_HELP", "gate", "guard_options", "pairs_of", "tell", "typed_ends"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

FLAGS_HELP: Final = {
    "transcripts": "what is said in EmotionTalk, private or gated",
    "captions": "how it sounds, in words; private or gated",
    "frame-features": "features of frames or tokens, private or gated",
    "m3ed-private": "M3ED's labels and ids, private for good",
    "no-model-revision": "an encoder of which nobody else has the weights",
}
"""What `--allow` takes, in short. A test compares the names with the guard's, which take seconds to import."""

_FLAG_LINES: Final = "\n".join(f"  {name:<18} {what}" for name, what in FLAGS_HELP.items())
FLAGS_FOOTER: Final = (
    f"\b\nFlags for --allow:\n{_FLAG_LINES}\n\n"
    "Exit status: 0 done, 1 the guard refuses (a dry run too), 2 could not run, 130 stopped. The token is that "
    "of HF_TOKEN, or of `hf auth login`; it is never given on the command line."
)


def guard_options(command: _Command) -> _Command:
    """Add what the guard is told: flags, licences of encoders, the gate, a dry run, the form of the output."""
    for option in (
        format_option,
        click.option("--dry-run", is_flag=True, help="Print every decision; change nothing."),
        click.option(
            "--gated",
            type=click.Choice(("manual", "auto", "none")),
            default="manual",
            show_default=True,
            help="Who is let in once it is public: whom you let in, who accepts the terms, everybody.",
        ),
        click.option(
            "--encoder-licence",
            "encoder_licences",
            multiple=True,
            metavar="MODEL=LICENCE",
            help="The licence of an encoder that is not known here, such as 'mit'. May be given again.",
        ),
        click.option(
            "--allow",
            multiple=True,
            metavar="FLAG",
            help="Let through what is refused otherwise; recorded in the card. A refusal names its flag, if "
            "there is one. May be given again.",
        ),
    ):
        command = option(command)
    return command


def gate(gated: str) -> Literal["manual", "auto", False]:
    """Return a gate as Python says it."""
    return False if gated == "none" else "auto" if gated == "auto" else "manual"


def pairs_of(words: Sequence[str], option: str) -> dict[str, str]:
    """Return `NAME=VALUE` words as a dict.

    Raises:
        UsageError: a word is none, or a name comes twice.
    """
    found: dict[str, str] = {}
    for word in words:
        name, is_pair, value = word.partition("=")
        if not (is_pair and name and value):
            raise click.UsageError(f"{option} is {quote(word)}; expected NAME=VALUE.")
        if name in found:
            raise click.UsageError(f"{option} names {quote(name)} twice.")
        found[name] = value
    return found


def tell(ctx: click.Context, published: Published, form: str) -> None:
    """Print what came of it, and end with its exit status."""
    if form == "json":
        echo(json.dumps(published.to_dict(), ensure_ascii=False, indent=1))
    else:
        echo(str(published))
    ctx.exit(0 if published.judgement.is_allowed else 1)


@contextmanager
def typed_ends(ctx: click.Context) -> Iterator[None]:
    """End with 1 where the guard refuses; and say of a Ctrl-C that nothing is lost."""
    try:
        yield
    except PublishRefusedError as error:
        echo(f"emotalk: refused: {one_line(str(error))}", err=True)
    except KeyboardInterrupt:
        echo("stopped; nothing is half-published, and the same command goes on from there.", err=True)
        raise
    else:
        return
    ctx.exit(1)
