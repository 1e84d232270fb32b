"""The encoder of a set that is there, and the rows that it was made from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from emotalk_data.builder.feature_sets.store import FeatureStore
from emotalk_data.errors import OptionError, quote
from emotalk_data.features.running.differences import spec_differences
from emotalk_data.features.running.extractors import Ready, asked_for, make_ready
from emotalk_data.features.running.rows import SplitRows, read_source

if TYPE_CHECKING:
    import datasets

    from emotalk_data.features.encoders.faces import Detector
    from emotalk_data.features.hook import FeatureExtractor

__all__ = ["SameEncoder", "places_by_id", "ready_again"]


class SameEncoder(NamedTuple):
    """Where the encoder of a set is to be had once more.

    Attributes:
        model_path: as in `extract_features`.
        revision: likewise; that of the set for None.
        device: likewise.
        detector: likewise; the one that the set was made with.
        extractor: the encoder itself, where the set was made with one of the caller's own.
    """

    model_path: str | os.PathLike[str] | None = None
    revision: str | None = None
    device: str = "auto"
    detector: Detector | None = None
    extractor: FeatureExtractor[Any] | None = None


def ready_again(store: FeatureStore, encoder: SameEncoder) -> Ready:
    """Load the encoder that a set was made with, or take the caller's.

    Raises:
        OptionError: it is another one; says what differs.
        ModelError: weights cannot be found, or are others.
        MissingDependencyError: a package of an extra is missing.
    """
    asked = asked_for(
        store.spec if encoder.extractor is None else encoder.extractor,
        model_path=encoder.model_path,
        revision=encoder.revision,
        device=encoder.device,
        storage=store.spec.storage,
        detector=encoder.detector,
    )
    ready = make_ready(asked)
    here, there = ready.spec.model_dump(mode="json"), store.spec.model_dump(mode="json")
    if here["weights_digest"] is not None and here["weights_digest"] == there["weights_digest"]:
        here["revision"] = there["revision"]  # the same weights, from a folder or from the Hub
    if found := spec_differences(there, here):
        raise OptionError(
            f"the encoder is not that of the set {quote(str(store.path), 160)}: {'; '.join(found)}."
        )
    return ready


def places_by_id(
    ds: datasets.Dataset | datasets.DatasetDict, ids: Iterable[str]
) -> dict[str, tuple[SplitRows, int]]:
    """Return where the rows of some utterances are; those that the dataset does not have are left out.

    Raises:
        OptionError: it is no dataset with ids, each of them once.
    """
    wanted = set(ids)
    return {
        utterance_id: (split, row)
        for split in read_source(ds).splits.values()
        if isinstance(split, SplitRows)
        for row, utterance_id in enumerate(split.ids)
        if utterance_id in wanted
    }
