"""The builder of M3ED. This module's name is what `register()` gives to plain `datasets`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import datasets
import pyarrow as pa

from emotalk_data.builder.base import ReleaseBuilder
from emotalk_data.builder.features import m3ed_features
from emotalk_data.loaders.report import Report

__all__ = ["M3edBuilder"]

_patched_for_streaming = True  # see builder/base.py

_CITATION = """@inproceedings{zhao-etal-2022-m3ed,
  title={{M3ED}: Multi-modal Multi-scene Multi-label Emotional Dialogue Database},
  author={Zhao, Jinming and others},
  booktitle={Proceedings of the 60th Annual Meeting of the Association for Computational Linguistics},
  year={2022}
}"""


class M3edBuilder(ReleaseBuilder):
    """Builds M3ED: 24,449 utterances of 990 dialogues by the published count, split by TV series.

    Args:
        episodes_dir: folder of the TV episodes the user owns; gives each utterance its video.
    """

    CORPUS = "m3ed"

    def __init__(self, *args: Any, episodes_dir: str | None = None, **kwargs: Any) -> None:
        self.episodes = None
        if episodes_dir is not None:
            from emotalk_data.loaders.m3ed_files import list_episodes

            self.episodes = list_episodes(episodes_dir)
        super().__init__(*args, **kwargs)

    def _digest_parts(self) -> Sequence[str]:
        return () if self.episodes is None else (self.episodes.root, self.episodes.digest())

    def _info(self) -> datasets.DatasetInfo:
        return datasets.DatasetInfo(
            description="M3ED: dialogues of Chinese TV series with blended emotions, three annotators each.",
            citation=_CITATION,
            homepage="https://github.com/AIM3-RUC/RUCM3ED",
            license="no licence file; annotations, audio clips and features for research",
            features=m3ed_features(),
        )

    def _index(self, report: Report) -> Iterator[tuple[str, Any, int]]:
        from emotalk_data.loaders.m3ed_index import index_m3ed

        for dialogue in index_m3ed(self.listing, self.episodes, report):
            yield dialogue.split, dialogue, len(dialogue.utterances)

    def _table(self, dialogues: Sequence[Any], report: Report) -> pa.Table:
        from emotalk_data.builder.m3ed_columns import m3ed_table
        from emotalk_data.loaders.m3ed import read_m3ed

        utterances = read_m3ed(dialogues, report, drop_invalid=self.on_invalid == "drop")
        return m3ed_table(utterances, self.info.features.arrow_schema)
