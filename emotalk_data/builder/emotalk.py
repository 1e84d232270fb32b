"""The builder of EmotionTalk. This module's name is what `register()` gives to plain `datasets`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import datasets
import pyarrow as pa

from emotalk_data.builder.base import ReleaseBuilder
from emotalk_data.builder.features import emotalk_features
from emotalk_data.errors import ReleaseNotFoundError
from emotalk_data.loaders.listing import Listing
from emotalk_data.loaders.modality_names import only_modalities, read_modalities
from emotalk_data.loaders.report import Report

__all__ = ["EmotalkBuilder"]

_patched_for_streaming = True  # see builder/base.py

_CITATION = """@article{emotiontalk2025,
  title={EmotionTalk: An Interactive Chinese Multimodal Emotion Dataset With Rich Annotations},
  author={Sun, Haoqin and others},
  journal={arXiv preprint arXiv:2505.23018},
  year={2025}
}"""


class EmotalkBuilder(ReleaseBuilder):
    """Builds EmotionTalk: 19,250 utterances in release v1, in the official splits by group.

    Args:
        modalities: only the files of these are read, as if the release had no others; all if omitted.
    """

    CORPUS = "emotalk"

    def __init__(self, *args: Any, modalities: Iterable[str] | None = None, **kwargs: Any) -> None:
        self.modalities = read_modalities(modalities)
        super().__init__(*args, **kwargs)

    def _list(self, data_dir: str) -> Listing:
        listing = super()._list(data_dir)
        return listing if self.modalities is None else only_modalities(listing, self.modalities)

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="EmotionTalk: Chinese dyadic conversations of 19 actors, with audio, video, text, five "
            "annotators per modality, sentiment and captions.",
            citation=_CITATION,
            homepage="https://huggingface.co/datasets/BAAI/Emotiontalk",
            license="cc-by-nc-sa-4.0",
            features=emotalk_features(),
        )

    def _index(self, report: Report) -> Iterator[tuple[str, Any, int]]:
        from emotalk_data.loaders.emotalk import split_of
        from emotalk_data.loaders.emotalk_index import index_emotalk

        dialogues = list(index_emotalk(self.listing, report))
        if not dialogues:
            cut = "" if self.modalities is None else f" with modalities={list(self.modalities)}"
            raise ReleaseNotFoundError(
                f"no EmotionTalk record under {self.listing.root}{cut}: expected "
                f"Text/json/…/G00008_01_11_002.json, the same under Audio, Video or Multimodal, or the tars of "
                f"these names ({len(self.listing.annotations)} JSON files and {len(self.listing.archives)} tars "
                f"were seen).",
                path=self.listing.root,
            )
        for dialogue in dialogues:
            yield split_of(dialogue), dialogue, len(dialogue.utterances)

    def _table(self, dialogues: Sequence[Any], report: Report) -> pa.Table:
        from emotalk_data.builder.emotalk_columns import emotalk_table
        from emotalk_data.loaders.emotalk import read_emotalk

        utterances = read_emotalk(dialogues, report, drop_invalid=self.on_invalid == "drop")
        return emotalk_table(utterances, self.info.features.arrow_schema)
