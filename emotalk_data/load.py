"""`load_dataset`: one line from a release to a `datasets.Dataset`."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypedDict, Unpack, overload

from emotalk_data.builder.asked_splits import read_splits
from emotalk_data.builder.releases import CORPORA, corpus_named
from emotalk_data.download.places import find_release
from emotalk_data.download.release import release_folder, wanted_modalities
from emotalk_data.errors import OptionError, quote
from emotalk_data.hub_client.token import Token, hide_token

if TYPE_CHECKING:
    import datasets

    from emotalk_data.builder.base import OnInvalid, ReleaseBuilder
    from emotalk_data.builder.feature_sets.joined import AnyFeatureSet
    from emotalk_data.schemas.split_file import SplitFile

    AnyDataset: TypeAlias = (
        datasets.Dataset | datasets.DatasetDict | datasets.IterableDataset | datasets.IterableDatasetDict
    )

__all__ = ["CORPORA", "LoadOptions", "find_release", "load_dataset", "load_dataset_builder", "register"]

_log: Final = logging.getLogger(__name__)


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
    split_file: str | os.PathLike[str] | SplitFile | None
    fold: int | str | None
    feature_sets: AnyFeatureSet | Iterable[AnyFeatureSet] | None
    modalities: Iterable[str] | None


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
    split_file: str | os.PathLike[str] | SplitFile | None = None,
    fold: int | str | None = None,
    feature_sets: AnyFeatureSet | Iterable[AnyFeatureSet] | None = None,
    modalities: Iterable[str] | None = None,
) -> AnyDataset:
    """Load EmotionTalk or M3ED from the release its authors ship.

    EmotionTalk is downloaded when it is nowhere on this machine: `BAAI/Emotiontalk`, with your token, into the
    cache of `huggingface_hub`. M3ED never is: `emotalk download m3ed` fetches what its authors release.

    Works like `datasets.load_dataset` and returns the same types. The first call reads the annotations and
    keeps a table in the cache; media stay where they are and are decoded when a row is asked for them.

    Args:
        path: "emotalk" (or "emotiontalk") or "m3ed".
        name: configuration; there is one, "default".
        data_dir: the release: a folder, with the files or with their tars, whole or in part; or one tar.
            Or a copy that `emotalk cache` made. If omitted, `$EMOTALK_HOME/<corpus>`, then what was downloaded.
        split: "train", "validation", "test", or a slice such as "train[:10%]". All, in a dict, if omitted.
        cache_dir: where the table is kept; `$HF_DATASETS_CACHE` if omitted.
        download_mode: "force_redownload" builds the table anew.
        keep_in_memory: copy the table into memory instead of mapping the file.
        revision: branch, tag or commit on the Hub. If omitted, the commit that was fetched first, for good:
            `emotalk download emotalk --revision main` moves on. Has no meaning for a release on disk.
        token: Hub token; True to insist on a stored one, False for none; HF_TOKEN or the stored login if omitted.
            Has no meaning for a release on disk.
        streaming: read the release while iterating and keep no table. What must be downloaded is so before.
        num_proc: processes that build the table.
        episodes_dir: M3ED: folder of the TV episodes you own; gives `video`, and `audio` where no clip is.
        on_invalid: what becomes of a row with a value that cannot be taken: "report" keeps it with a null,
            "drop" leaves it out, "raise" raises once everything has been read.
        split_file: other splits than the official ones: a file of `make_splits` or `emotalk splits make`, or
            what `make_splits` returns. Its digest is checked; `split` then names a split of it.
        fold: which fold of a split file that has several: its number from 0, or its name.
        feature_sets: folders of features that `emotalk features extract` wrote, or opened ones; one or several.
            Each is joined by utterance_id: `<name>` and `<name>_frames`, as the set has them, and `<name>_error`.
        modalities: EmotionTalk without `data_dir`: only the archives of these are fetched, and only these are
            read, whatever else is there: some of "text", "audio", "video", "multimodal".

    Returns:
        a Dataset, or a DatasetDict without `split`; with `streaming` an IterableDataset(Dict).

    Raises:
        ReleaseNotFoundError: no release was found; says what was tried and how to get it.
        HubLoginError: a download needs a token, and there is none, or an expired one.
        HubAccessError: the account of the token has not been let in to the gated release.
        HubNotFoundError: the Hub has no such revision, or nothing of a modality.
        HubUnreachableError: the Hub does not answer; as HubOfflineError, HF_HUB_OFFLINE is set.
        ReleaseInvalidError: `on_invalid="raise"` and something is wrong.
        ArchiveError: a tar is damaged, cut or unsafe.
        DecodeError: M3ED's annotation, or the split file, is not strict JSON.
        OptionError: an unknown corpus, configuration, split or fold; a split file for other rows than these; a
            feature set that is not there or not finished, of the other corpus, or without a row that is loaded.
        SchemaError: the split file is none, or was changed.
        CacheWriteError: the cache cannot be written; or there is no room for what is to be downloaded.
        CacheCorruptError: a file of the cache, of a copy or of a feature set is damaged or gone; or the copy is
            not finished.
    """
    # At once: a traceback shows the variables of its frames.
    hidden, token = hide_token(token), None
    _check_options(download_mode, num_proc)
    frozen = read_splits(path, split_file, fold, is_streaming=streaming)
    if feature_sets is not None:
        from emotalk_data.builder.feature_sets.joined import join_sets, open_sets

        stores = open_sets(feature_sets, corpus_named(path).name, is_streaming=streaming)
    builder = _builder(
        path,
        name,
        data_dir,
        cache_dir=cache_dir,
        revision=revision,
        token=hidden,
        episodes_dir=episodes_dir,
        on_invalid=on_invalid,
        modalities=modalities,
    )
    dataset: AnyDataset
    if streaming:
        dataset = builder.as_streaming_dataset(split=split)
        return dataset
    builder.download_and_prepare(download_mode=download_mode, num_proc=num_proc)
    dataset = builder.as_dataset(split=split if frozen is None else None, in_memory=keep_in_memory)
    if frozen is not None:
        from emotalk_data.builder.frozen_splits import apply_split_file, choose_split

        dataset = choose_split(apply_split_file(dataset, frozen, fold=fold), split)
    report = builder.report()
    if not report.is_clean:
        _log.warning("%s. `emotalk validate %s` lists them.", report.summary(), builder.listing.root)
    return dataset if feature_sets is None else join_sets(stores, dataset, cache_dir=cache_dir)


def load_dataset_builder(
    path: str,
    name: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    revision: str | None = None,
    token: bool | str | None = None,
    episodes_dir: str | os.PathLike[str] | None = None,
    on_invalid: OnInvalid = "report",
    modalities: Iterable[str] | None = None,
) -> ReleaseBuilder:
    """Return the builder behind `load_dataset`: `.info`, `.cache_dir`, `.report()`; nothing is built yet.

    Takes the arguments of `load_dataset` of the same names and raises the same errors. A release that is nowhere
    on this machine is downloaded, as there.
    """
    hidden, token = hide_token(token), None
    return _builder(
        path,
        name,
        data_dir,
        cache_dir=cache_dir,
        revision=revision,
        token=hidden,
        episodes_dir=episodes_dir,
        on_invalid=on_invalid,
        modalities=modalities,
    )


def _builder(
    path: str,
    name: str | None,
    data_dir: str | os.PathLike[str] | None,
    *,
    cache_dir: str | os.PathLike[str] | None,
    revision: str | None,
    token: bool | Token | None,
    episodes_dir: str | os.PathLike[str] | None,
    on_invalid: OnInvalid,
    modalities: Iterable[str] | None,
) -> ReleaseBuilder:
    corpus = corpus_named(path)
    if name not in (None, "default"):
        raise OptionError(f"{corpus.name} has no configuration {quote(name)}; expected 'default' or none.")
    if episodes_dir is not None and corpus.name != "m3ed":
        raise OptionError("episodes_dir belongs to M3ED; EmotionTalk has its own video.")
    wanted = wanted_modalities(corpus, data_dir, modalities)
    root = release_folder(corpus, data_dir, revision=revision, token=token, modalities=wanted)
    # No token: a builder is pickled for each worker process, and needs none for files on disk.
    options: dict[str, Any] = {
        "data_dir": root,
        "cache_dir": None if cache_dir is None else os.fspath(cache_dir),
        "on_invalid": on_invalid,
    }
    from emotalk_data.builder.copy_layout import is_copy

    if is_copy(root):
        from emotalk_data.builder.materialised import copy_builder

        for option, value in (("episodes_dir", episodes_dir), ("modalities", wanted)):
            if value is not None:
                raise OptionError(f"{option} belongs to a release, and {quote(root, 160)} is a copy of one.")
        return copy_builder(corpus.name)(**options)
    if corpus.name == "m3ed":
        from emotalk_data.builder.m3ed import M3edBuilder

        episodes = None if episodes_dir is None else os.fspath(episodes_dir)
        return M3edBuilder(episodes_dir=episodes, **options)
    from emotalk_data.builder.emotalk import EmotalkBuilder

    return EmotalkBuilder(modalities=wanted, **options)


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


def _check_options(download_mode: object, num_proc: object) -> None:
    if download_mode is not None:
        from datasets import DownloadMode

        modes = [mode.value for mode in DownloadMode]
        if getattr(download_mode, "value", download_mode) not in modes:
            raise OptionError(f"download_mode is {quote(download_mode)}; expected one of {modes}.")
    if num_proc is not None and (isinstance(num_proc, bool) or not isinstance(num_proc, int) or num_proc < 1):
        raise OptionError(f"num_proc is {quote(num_proc)}; expected 1 or more, or None.")
