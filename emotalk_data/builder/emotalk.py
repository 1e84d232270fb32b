"""The builder of EmotionTalk. This module's name is what `register()` gives to plain `datasets`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import datasets
import pyarrow as pa
from datasets.builder import Key

from emotalk_data.builder.base import ReleaseBuilder, shards_of
from emotalk_data.builder.emotalk_columns import emotalk_features, emotalk_table
from emotalk_data.errors import ReleaseNotFoundError
from emotalk_data.loaders.emotalk import read_emotalk, split_of
from emotalk_data.loaders.emotalk_files import DialogueFiles
from emotalk_data.loaders.emotalk_index import index_emotalk
from emotalk_data.loaders.gc_pause import garbage_collection_paused
from emotalk_data.loaders.report import Report

__all__ = ["EmotalkBuilder"]

_CITATION = """@article{emotiontalk2025,
  title={EmotionTalk: An Interactive Chinese Multimodal Emotion Dataset With Rich Annotations},
  author={Sun, Haoqin and others},
  journal={arXiv preprint arXiv:2505.23018},
  year={2025}
}"""


class EmotalkBuilder(ReleaseBuilder):
    """Builds EmotionTalk: 19,250 utterances in release v1, in the official splits by group."""

    CORPUS = "emotalk"

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="EmotionTalk: Chinese dyadic conversations of 19 actors, with audio, video, text, five "
            "annotators per modality, sentiment and captions.",
            citation=_CITATION,
            homepage="https://huggingface.co/datasets/BAAI/Emotiontalk",
            license="cc-by-nc-sa-4.0",
            features=emotalk_features(),
        )

    def _split_generators(self, dl_manager: object) -> list[datasets.SplitGenerator]:  # noqa: ARG002
        report = Report(self.CORPUS)
        with garbage_collection_paused():
            dialogues = index_emotalk(self.listing, report)
        if not dialogues:
            raise ReleaseNotFoundError(
                f"no EmotionTalk record under {self.listing.root}: expected Text/json/…/G00008_01_11_002.json, "
                f"the same under Audio, Video or Multimodal, or the tars of these names "
                f"({len(self.listing.annotations)} JSON files and {len(self.listing.archives)} tars were seen).",
                path=self.listing.root,
            )
        self._write_report(report)
        return [
            datasets.SplitGenerator(name=split, gen_kwargs={"shards": shards})
            for split, shards in _split(dialogues).items()
        ]

    def _generate_tables(self, shards: list[tuple[DialogueFiles, ...]]) -> Iterator[tuple[Key, pa.Table]]:
        report = Report(self.CORPUS)
        schema = self.info.features.arrow_schema
        for number, dialogues in enumerate(shards):
            with garbage_collection_paused():
                utterances = read_emotalk(dialogues, report, drop_invalid=self.on_invalid == "drop")
                table = emotalk_table(utterances, schema)
            yield Key(number, 0), table
        self._write_report(report)


def _split(dialogues: list[DialogueFiles]) -> dict[str, list[Any]]:
    """Return the shards of each official split; all three are there, if empty, so that code can rely on them."""
    groups: dict[str, list[tuple[DialogueFiles, int]]] = {"train": [], "validation": [], "test": []}
    for dialogue in dialogues:
        groups[split_of(dialogue)].append((dialogue, len(dialogue.utterances)))
    return {split: shards_of(group) for split, group in groups.items()}
