"""`load_dataset`: one line from a release to a `datasets.Dataset`."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypedDict, Unpack, overload

from emotalk_data.errors import OptionError, ReleaseNotFoundError, quote

if TYPE_CHECKING:
    import datasets

    from emotalk_data.builder.base import OnInvalid, ReleaseBuilder

    AnyDataset: TypeAlias = (
        datasets.Dataset | datasets.DatasetDict | datasets.IterableDataset | datasets.IterableDatasetDict
    )

__all__ = ["CORPORA", "LoadOptions", "find_release", "load_dataset", "load_dataset_builder", "register"]

_log: Final = logging.getLogger(__name__)


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
        "accept the terms at huggingface.co/datasets/BAAI/Emotiontalk, then "
        "`hf download BAAI/Emotiontalk --repo-type dataset --local-dir DIR`",
    ),
    Corpus(
        "m3ed",
        ("rucm3ed", "aim3-ruc/rucm3ed"),
        ("m3ed", "M3ED", "RUCM3ED"),
        "M3ED",
        "clone github.com/AIM3-RUC/RUCM3ED (annotations and split lists; audio on request to its authors)",
    ),
)


class LoadOptions(TypedDict, total=False):
    """The options of `load_dataset` that do not change what type it returns."""

    cache_dir: str | os.PathLike[str] | None
    download_mode: str | None
    keep_in_memory: bool
    revision: str | None
    token: bool | str | None
    num_proc: int | None
    episodes_dir: str | os.PathLike[str] | None
    on_invalid: OnInvalid


@overload
def load_dataset(
    path: str,
    name: str | None = ...,
    data_dir: str | os.PathLike[str] | None = ...,
    *,
    split: None = ...,
    streaming: Literal[False] = ...,
    **options: Unpack[LoadOptions],
) -> datasets.DatasetDict: ...


@overload
def load_dataset(
    path: str,
    name: str | None = ...,
    data_dir: str | os.PathLike[str] | None = ...,
    *,
    split: str,
    streaming: Literal[False] = ...,
    **options: Unpack[LoadOptions],
) -> datasets.Dataset: ...


@overload
def load_dataset(
    path: str,
    name: str | None = ...,
    data_dir: str | os.PathLike[str] | None = ...,
    *,
    split: Any = ...,
    streaming: bool = ...,
    **options: Unpack[LoadOptions],
) -> AnyDataset: ...


def load_dataset(
    path: str,
    name: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    split: Any = None,
    cache_dir: str | os.PathLike[str] | None = None,
    download_mode: str | None = None,
    keep_in_memory: bool = False,
    revision: str | None = None,
    token: bool | str | None = None,
    streaming: bool = False,
    num_proc: int | None = None,
    episodes_dir: str | os.PathLike[str] | None = None,
    on_invalid: OnInvalid = "report",
) -> AnyDataset:
    """Load EmotionTalk or M3ED from the release its authors ship.

    Works like `datasets.load_dataset` and returns the same types. The first call reads the annotations and
    keeps a table in the cache; media stay where they are and are decoded when a row is asked for them.

    Args:
        path: "emotalk" (or "emotiontalk") or "m3ed".
        name: configuration; there is one, "default".
        data_dir: the release: a folder, with the files or with their tars, whole or in part; or one tar.
            If omitted, `$EMOTALK_HOME/<corpus>`. Or a copy that `emotalk cache` made.
        split: "train", "validation", "test", or a slice such as "train[:10%]". All, in a dict, if omitted.
        cache_dir: where the table is kept; `$HF_DATASETS_CACHE` if omitted.
        download_mode: "force_redownload" builds the table anew.
        keep_in_memory: copy the table into memory instead of mapping the file.
        revision: release on the Hub; has no meaning for one on disk.
        token: Hub token; has no meaning for a release on disk.
        streaming: read the release while iterating and keep no table.
        num_proc: processes that build the table.
        episodes_dir: M3ED: folder of the TV episodes you own; gives `video`, and `audio` where no clip is.
        on_invalid: what becomes of a row with a value that cannot be taken: "report" keeps it with a null,
            "drop" leaves it out, "raise" raises once everything has been read.

    Returns:
        a Dataset, or a DatasetDict without `split`; with `streaming` an IterableDataset(Dict).

    Raises:
        ReleaseNotFoundError: no release was found; says what was tried and how to get it.
        ReleaseInvalidError: `on_invalid="raise"` and something is wrong.
        ArchiveError: a tar is damaged, cut or unsafe.
        DecodeError: M3ED's annotation is not strict JSON.
        OptionError: an unknown corpus, configuration or split.
        CacheWriteError: the cache cannot be written.
        CacheCorruptError: a file of the cache, or of a copy, is damaged or gone; or the copy is not finished.
    """
    _check_options(download_mode, num_proc)
    builder = load_dataset_builder(
        path,
        name,
        data_dir,
        cache_dir=cache_dir,
        revision=revision,
        token=token,
        episodes_dir=episodes_dir,
        on_invalid=on_invalid,
    )
    dataset: AnyDataset
    if streaming:
        dataset = builder.as_streaming_dataset(split=split)
        return dataset
    builder.download_and_prepare(download_mode=download_mode, num_proc=num_proc)
    dataset = builder.as_dataset(split=split, in_memory=keep_in_memory)
    report = builder.report()
    if not report.is_clean:
        _log.warning("%s. `emotalk validate %s` lists them.", report.summary(), builder.listing.root)
    return dataset


def load_dataset_builder(
    path: str,
    name: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    revision: str | None = None,  # noqa: ARG001  # of the Hub; a release on disk has none
    token: bool | str | None = None,
    episodes_dir: str | os.PathLike[str] | None = None,
    on_invalid: OnInvalid = "report",
) -> ReleaseBuilder:
    """Return the builder behind `load_dataset`: `.info`, `.cache_dir`, `.report()`; nothing is built yet.

    Takes the arguments of `load_dataset` of the same names and raises the same errors.
    """
    corpus = _corpus(path)
    if name not in (None, "default"):
        raise OptionError(f"{corpus.name} has no configuration {quote(name)}; expected 'default' or none.")
    if episodes_dir is not None and corpus.name != "m3ed":
        raise OptionError("episodes_dir belongs to M3ED; EmotionTalk has its own video.")
    root = find_release(corpus.name, data_dir)
    options: dict[str, Any] = {
        "data_dir": root,
        "cache_dir": None if cache_dir is None else os.fspath(cache_dir),
        "token": token,
        "on_invalid": on_invalid,
    }
    from emotalk_data.builder.copy_layout import is_copy

    if is_copy(root):
        from emotalk_data.builder.materialised import copy_builder

        if episodes_dir is not None:
            raise OptionError(f"episodes_dir belongs to a release, and {quote(root, 160)} is a copy of one.")
        return copy_builder(corpus.name)(**options)
    if corpus.name == "m3ed":
        from emotalk_data.builder.m3ed import M3edBuilder

        episodes = None if episodes_dir is None else os.fspath(episodes_dir)
        return M3edBuilder(episodes_dir=episodes, **options)
    from emotalk_data.builder.emotalk import EmotalkBuilder

    return EmotalkBuilder(**options)


def find_release(corpus_name: str, data_dir: str | os.PathLike[str] | None = None) -> str:
    """Return the path of a release.

    Raises:
        ReleaseNotFoundError: nothing there; says what was tried and how to get the release.
    """
    corpus = _corpus(corpus_name)
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
    tried = (
        f"$EMOTALK_HOME ({quote(home)}) has no folder {corpus.name}" if home else "$EMOTALK_HOME is not set"
    )
    raise ReleaseNotFoundError(
        f"no {corpus.title} release: data_dir was not given, {tried}. "
        f"To get it: {corpus.source}; then load_dataset({corpus.name!r}, data_dir=DIR). "
        f"To try without it: `emotalk sample {corpus.name} DIR`."
    )


def register() -> None:
    """Let plain `datasets.load_dataset("emotalk", data_dir=…)` and `("m3ed", data_dir=…)` find this package.

    Writes into a private table of `datasets`, so it is never done on import; call it when you want it. Plain
    `datasets` first looks through every file below `data_dir`, which takes seconds on a full release: our own
    `load_dataset` does not.
    """
    from datasets.packaged_modules import _PACKAGED_DATASETS_MODULES

    for corpus in CORPORA:
        # The hash is replaced by the release's own digest in the builder.
        _PACKAGED_DATASETS_MODULES[corpus.name] = (f"emotalk_data.builder.{corpus.name}", "emotalk_data")


def _corpus(name: str) -> Corpus:
    folded = str(name).lower()  # a Path, say, is no corpus either, and gets the same answer
    for corpus in CORPORA:
        if folded == corpus.name or folded in corpus.aliases:
            return corpus
    raise OptionError(
        f"no corpus {quote(name)}; expected 'emotalk' or 'm3ed'. For other datasets use datasets.load_dataset."
    )


def _check_options(download_mode: object, num_proc: object) -> None:
    if download_mode is not None:
        from datasets import DownloadMode

        modes = [mode.value for mode in DownloadMode]
        if getattr(download_mode, "value", download_mode) not in modes:
            raise OptionError(f"download_mode is {quote(download_mode)}; expected one of {modes}.")
    if num_proc is not None and (isinstance(num_proc, bool) or not isinstance(num_proc, int) or num_proc < 1):
        raise OptionError(f"num_proc is {quote(num_proc)}; expected 1 or more, or None.")
