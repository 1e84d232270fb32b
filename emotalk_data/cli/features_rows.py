"""What the verbs of `emotalk features` have in common: whose rows, which weights, which device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from emotalk_data.cli.options import episodes_dir_option
from emotalk_data.cli.output import echo, printable
from emotalk_data.load import CORPORA

if TYPE_CHECKING:
    from emotalk_data.features.feature_set import FeatureSet

__all__ = ["rows_options", "tell_failures", "weights_options"]

_Command = TypeVar("_Command", bound=Callable[..., Any])
_SHOWN_FAILURES: Final = 5


def rows_options(*, is_needed: bool) -> Callable[[_Command], _Command]:
    """Return the options that say whose rows: `corpus`, `data_dir`, `episodes_dir`.

    Args:
        is_needed: whether --corpus has to be given; if not, it is None where it was not.
    """

    def decorate(command: _Command) -> _Command:
        command = episodes_dir_option(command)
        command = click.option(
            "--data-dir",
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="The release, or a copy of it; in $EMOTALK_HOME if omitted.",
        )(command)
        return click.option(
            "--corpus",
            type=click.Choice([corpus.name for corpus in CORPORA]),
            required=is_needed,
            help="Whose utterances." if is_needed else "Whose utterances; the set's own if omitted.",
        )(command)

    return decorate


def weights_options(command: _Command) -> _Command:
    """Add the options that say which weights, and where they work: `model_path`, `revision`, `device`."""
    command = click.option(
        "--device",
        default="auto",
        show_default=True,
        metavar="auto|cpu|cuda",
        help="Also cuda:1 and the like.",
    )(command)
    command = click.option(
        "--revision", metavar="COMMIT", help="Branch, tag or commit on the Hub; its main branch if omitted."
    )(command)
    return click.option(
        "--model-path",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Weights in a folder; from the Hub's cache, or the Hub, if omitted.",
    )(command)


def tell_failures(found: FeatureSet) -> None:
    """Print the first rows that failed, with their reasons. A row that had nothing to encode did not fail."""
    failed = found.failures()
    if not failed:
        return
    echo(f"\n{len(failed):,} failed, null in the set:", fg="red")
    for row in failed[:_SHOWN_FAILURES]:
        echo(f"  {printable(row.utterance_id)} {row.code}: {printable(row.reason)}")
    if len(failed) > _SHOWN_FAILURES:
        echo(f"  … all of them: emotalk features info {printable(str(found.path))} --failures", dim=True)
