"""`emotalk sample`: a small made-up release on disk, to try things on."""

from __future__ import annotations

import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emotalk_data.cli.output import echo, examples, pairs, plural, printable, progress
from emotalk_data.errors import OptionError, quote
from emotalk_data.load import CORPORA

if TYPE_CHECKING:
    from emotalk_data.testing import EmotalkSample, M3edSample

__all__ = ["sample"]

_DEFAULT_UTTERANCES = 48
# A dialogue of make_m3ed has 4 to 10 utterances, 7.6 on average over the 60 it can make (counted).
_M3ED_UTTERANCES_PER_DIALOGUE = 7.6
_M3ED_MAX_DIALOGUES = 60


@click.command(
    epilog=examples(
        "emotalk sample emotalk /tmp/EmotionTalk",
        "emotalk sample emotalk /tmp/EmotionTalk --tars --utterances 200",
        "emotalk sample m3ed /tmp/RUCM3ED --seed 7",
        footer="Every sentence, voice and picture is made up. The same options give the same annotations and "
        "sound. Oddities of the real release are included: all of them load.",
    )
)
@click.argument("corpus", type=click.Choice([corpus.name for corpus in CORPORA]))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--utterances",
    type=click.IntRange(1, 2_500),
    default=_DEFAULT_UTTERANCES,
    show_default=True,
    help="How many; of m3ed about as many, because its dialogues are whole, and at most about 450.",
)
@click.option("--tars", is_flag=True, help="Four tars, as downloaded, in place of four trees (emotalk only).")
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed, another sample.")
def sample(corpus: str, folder: Path, utterances: int, tars: bool, seed: int) -> None:
    """Make a small made-up release in the true layout.

    DIR is made if it is not there, and has to be empty.
    """
    if tars and corpus != "emotalk":
        raise click.UsageError("--tars is for emotalk: m3ed is released as files.")
    refuse_non_empty(folder)
    progress(f"making {corpus} …")
    if corpus == "emotalk":
        _tell(make_emotalk_sample(folder, utterances, seed=seed, tars=tars), "EmotionTalk")
    else:
        num_dialogues = min(max(round(utterances / _M3ED_UTTERANCES_PER_DIALOGUE), 1), _M3ED_MAX_DIALOGUES)
        _tell(make_m3ed_sample(folder, num_dialogues, seed=seed), "M3ED")
    echo("\nNext:")
    place = shlex.quote(str(folder))
    episodes = f" --episodes-dir {shlex.quote(str(folder / 'episodes'))}" if corpus == "m3ed" else ""
    echo(f"  emotalk validate {place}")
    echo(f"  emotalk info {corpus} --data-dir {place}{episodes}")


def refuse_non_empty(folder: Path) -> None:
    """Make sure that a folder can be filled: it is empty, or not there.

    Raises:
        OptionError: it holds something, or is a file.
    """
    try:
        is_used = any(folder.iterdir())
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise OptionError(f"{quote(str(folder))} is a file. Give an empty folder, or a new one.") from error
    if is_used:
        raise OptionError(f"{quote(str(folder))} is not empty. Give an empty folder, or a new one.")


def make_emotalk_sample(folder: Path, utterances: int, *, seed: int = 0, tars: bool = False) -> EmotalkSample:
    """Make a release of EmotionTalk; the import is here because it loads numpy and PyAV."""
    from emotalk_data.testing import make_emotalk

    return make_emotalk(folder, num_utterances=utterances, seed=seed, tars=tars)


def make_m3ed_sample(folder: Path, dialogues: int, *, seed: int = 0) -> M3edSample:
    """Make a release of M3ED with its episodes; the import is here because it loads numpy and PyAV."""
    from emotalk_data.testing import make_m3ed

    return make_m3ed(folder, num_dialogues=dialogues, seed=seed)


def _tell(made: EmotalkSample | M3edSample, title: str) -> None:
    files = [path for path in made.root.rglob("*") if path.is_file() and not path.name.startswith(".")]
    size_bytes = sum(path.stat().st_size for path in files)
    kinds = Counter(path.suffix.lstrip(".") for path in files)
    splits = Counter(utterance.split for utterance in made.utterances)
    dialogues = {utterance.dialogue_id for utterance in made.utterances}
    named = [f"{splits[split]} {split}" for split in ("train", "validation", "test")]
    echo(f"Made a sample of {title} in {printable(str(made.root))}")
    pairs(
        [
            ("utterances", f"{len(made.utterances)} ({', '.join(named)})"),
            ("dialogues", str(len(dialogues))),
            ("files", ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))),
            ("size", f"{size_bytes / 1e6:.1f} MB"),
            ("oddities", f"{plural(len(made.oddities), 'kind')}, as in the real release; all of them load"),
        ]
    )
