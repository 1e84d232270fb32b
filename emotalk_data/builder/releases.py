"""The two corpora: their names, where their releases are looked for, and how to get them.

Imports nothing heavy: `emotalk_data.load` and the verbs of the command read it before anything is loaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal, NamedTuple

from emotalk_data.errors import OptionError, ReleaseNotFoundError, quote

__all__ = ["CORPORA", "Corpus", "corpus_named", "given_release", "what_was_tried"]


class Corpus(NamedTuple):
    """What must be known of a corpus before anything is loaded.

    Attributes:
        name: as `load_dataset` takes it.
        aliases: other names, in lower case.
        folders: names its folder may have below $EMOTALK_HOME.
        title: as its authors write it.
        source: how to get the release.
    """

    name: Literal["emotalk", "m3ed"]
    aliases: tuple[str, ...]
    folders: tuple[str, ...]
    title: str
    source: str


CORPORA: Final = (
    Corpus(
        "emotalk",
        ("emotiontalk", "baai/emotiontalk"),
        ("emotalk", "EmotionTalk", "Emotiontalk"),
        "EmotionTalk",
        "accept the terms at huggingface.co/datasets/BAAI/Emotiontalk, then `emotalk download emotalk`",
    ),
    Corpus(
        "m3ed",
        ("rucm3ed", "aim3-ruc/rucm3ed"),
        ("m3ed", "M3ED", "RUCM3ED"),
        "M3ED",
        "`emotalk download m3ed`, which clones github.com/AIM3-RUC/RUCM3ED (annotations and split lists; audio "
        "on request to its authors)",
    ),
)


def given_release(corpus_name: str, data_dir: str | os.PathLike[str] | None = None) -> str | None:
    """Return the path of the release at `data_dir`, or else of the one below $EMOTALK_HOME; None without either.

    Raises:
        ReleaseNotFoundError: `data_dir` was given, and there is nothing.
    """
    corpus = corpus_named(corpus_name)
    if data_dir is not None:
        path = Path(data_dir).expanduser()
        if path.exists():
            return str(path)
        raise ReleaseNotFoundError(
            f"data_dir {quote(str(path))} does not exist; expected the folder of {corpus.title}'s release. "
            f"To get it: {corpus.source}.",
            path=str(path),
        )
    home = os.environ.get("EMOTALK_HOME")
    if home:
        for folder in corpus.folders:
            path = Path(home).expanduser() / folder
            if path.exists():
                return str(path)
    return None


def what_was_tried(corpus_name: str) -> str:
    """Return what there is to say of the places that `given_release` looked at and that have nothing."""
    home = os.environ.get("EMOTALK_HOME")
    if not home:
        return "data_dir was not given, $EMOTALK_HOME is not set"
    return f"data_dir was not given, $EMOTALK_HOME ({quote(home)}) has no folder {corpus_named(corpus_name).name}"


def corpus_named(name: str) -> Corpus:
    """Return the corpus of a name or alias, in any case.

    Raises:
        OptionError: there is none of that name.
    """
    folded = str(name).lower()  # a Path, say, is no corpus either, and gets the same answer
    for corpus in CORPORA:
        if folded == corpus.name or folded in corpus.aliases:
            return corpus
    raise OptionError(
        f"no corpus {quote(name)}; expected 'emotalk' or 'm3ed'. For other datasets use datasets.load_dataset."
    )
