"""What the cards say about each corpus: licence, labels, splits, limits and citation, with their sources."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple

import datasets

from emotalk_data.builder.features import emotalk_features, m3ed_features

__all__ = ["CORPUS_FACTS", "LIMIT_COLUMNS", "CorpusFacts", "Limit", "LimitOf"]

LimitOf = Literal["corpus", "splits", "labels", "speakers", "times", "transcripts", "sound", "pictures"]
"""What a limit is on; a set that has none of it need not tell it. Those on the whole corpus are told of all."""


LIMIT_COLUMNS: Final[Mapping[LimitOf, frozenset[str]]] = {
    "labels": frozenset(
        {"emotion", "emotion_text", "emotion_audio", "emotion_video", "emotions", "annotations"}
    ),
    "speakers": frozenset({"speaker_id"}),
    "times": frozenset({"start_seconds", "end_seconds", "episode_start_seconds", "episode_end_seconds"}),
    "transcripts": frozenset({"text", "text_raw", "events"}),
    "sound": frozenset({"audio"}),
    "pictures": frozenset({"video"}),
}
"""The columns that a limit is on; one on the corpus or its splits is on all."""


class Limit(NamedTuple):
    """What a user should know before trusting a number.

    Attributes:
        about: what it is on.
        text: a sentence or two.
    """

    about: LimitOf
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusFacts:
    """What is said in public about one corpus.

    Attributes:
        name: the first argument of `emotalk_data.load_dataset`.
        licence: licence as the Hub names it.
        licence_fields: what the Hub asks for beside a licence that it does not list.
        licence_url: page of the licence; None where there is none.
        licence_text: which licence texts there are and which one the card follows.
        split_sizes: utterances per split, as published.
        split_text: how the splits were made.
        known_limits: what a user should know before trusting a number.
        citation: BibTeX.
        gate: what a reader of a gated repository agrees to.
    """

    name: str
    pretty_name: str
    summary: str
    features: datasets.Features
    homepage: str
    licence: str
    licence_text: str
    split_sizes: Mapping[str, int]
    split_text: str
    known_limits: tuple[Limit, ...]
    citation: str
    gate: str
    creators: tuple[str, ...]
    task_categories: tuple[str, ...]
    tags: tuple[str, ...]
    source_datasets: tuple[str, ...]
    licence_url: str | None = None
    licence_fields: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def limits(self) -> tuple[str, ...]:
        """The text of all its limits, for what is of the whole corpus."""
        return tuple(limit.text for limit in self.known_limits)

    def limits_of(self, columns: Collection[str]) -> tuple[str, ...]:
        """Return the text of the limits of a part of the corpus: of some of its columns, in its own splits."""
        return tuple(
            limit.text
            for limit in self.known_limits
            if limit.about not in LIMIT_COLUMNS or not LIMIT_COLUMNS[limit.about].isdisjoint(columns)
        )


_EMOTALK: Final = CorpusFacts(
    name="emotalk",
    pretty_name="EmotionTalk",
    summary="EmotionTalk is a corpus of Chinese conversations between two actors: 19,250 utterances of 19 "
    "speakers, 23.6 hours by the paper, each with sound, video and transcript. Five annotators judged each "
    "utterance four times: from the text, from the voice, from the silent video, and from video with sound. "
    "The last also judged the sentiment. Captions describe how each utterance sounds.",
    features=emotalk_features(),
    homepage="https://huggingface.co/datasets/BAAI/Emotiontalk",
    licence="cc-by-nc-sa-4.0",
    licence_url="https://creativecommons.org/licenses/by-nc-sa/4.0/",
    licence_text="The authors' dataset card says CC BY-NC-SA 4.0 and is gated; the paper says CC BY-NC 4.0. "
    "This card follows the stricter one, CC BY-NC-SA 4.0: give credit, no commercial use, share alike.",
    split_sizes=MappingProxyType({"train": 15_413, "validation": 1_908, "test": 1_929}),
    split_text="The official splits, by group of speakers, the same for every modality: validation is "
    "G00001 and G00012, test is G00003 and G00015, train is the other eleven groups.",
    known_limits=(
        Limit(
            "splits",
            "The authors' splits: validation and test share speakers 02 and 13, who speak 793 of the 1,929 "
            "test rows. Train shares no speaker with either.",
        ),
        Limit(
            "labels",
            "The four labels of an utterance differ: the multimodal one from the audio label in 32 % of the "
            "rows, from the video label in 34 %, from the text label in 58 %. Say which one a result is for.",
        ),
        Limit(
            "labels",
            "Experts could override the annotators' vote, so recomputing it need not give the released label.",
        ),
        Limit("sound", "Sampling rates and numbers of channels are mixed: ask for one when decoding."),
        Limit("transcripts", "Of the transcripts, 306 have unbalanced marks, and 17 have malformed ones."),
        Limit("corpus", "The speakers are actors: emotions are performed."),
    ),
    citation="""@article{sun2025emotiontalk,
  title   = {{EmotionTalk}: An Interactive {Chinese} Multimodal Emotion Dataset With Rich Annotations},
  author  = {Sun, Haoqin and Wang, Xuechen and Zhao, Jinghua and Zhao, Shiwan and Zhou, Jiaming and
             Wang, Hui and He, Jiabei and Kong, Aobo and Yang, Xi and Wang, Yequan and Lin, Yonghua and
             Qin, Yong},
  journal = {arXiv preprint arXiv:2505.23018},
  year    = {2025}
}""",
    gate="EmotionTalk shows the faces and voices of actors. You agree to use it for non-commercial research "
    "only, to share what you derive from it under the same licence (CC BY-NC-SA 4.0), to cite the authors, "
    "and not to identify or impersonate the speakers.",
    creators=("Haoqin Sun",),
    task_categories=("audio-classification", "text-classification", "video-classification"),
    tags=(
        "audio",
        "video",
        "text",
        "emotion-recognition",
        "sentiment-analysis",
        "conversation",
        "speech-captioning",
    ),
    source_datasets=("BAAI/Emotiontalk",),
)

_M3ED: Final = CorpusFacts(
    name="m3ed",
    pretty_name="M3ED",
    summary="M3ED is a corpus of dialogues from 56 Chinese TV series: 990 dialogues of two speakers, 9,082 "
    "turns, 24,449 utterances by the published count. Three annotators labelled each utterance with one "
    "emotion or a blend of several.",
    features=m3ed_features(),
    homepage="https://github.com/AIM3-RUC/RUCM3ED",
    licence="other",
    licence_fields=MappingProxyType(
        {"license_name": "no-licence-file", "license_link": "https://github.com/AIM3-RUC/RUCM3ED"}
    ),
    licence_text="The authors' repository holds no licence file, so nothing may be taken as permitted "
    "beyond what the authors allow when asked. They release annotations, and features and clips derived "
    "from the series; the episodes are under copyright and are not released. Keep a repository made from "
    "this card private.",
    split_sizes=MappingProxyType({"train": 17_427, "validation": 2_821, "test": 4_201}),
    split_text="The official splits, by TV series, so that no series is in two of them: 38 series in train, "
    "7 in validation, 11 in test.",
    known_limits=(
        Limit(
            "pictures",
            "The episodes are not released: `video` is null without them, and `audio` is the released clip. Who "
            "owns them gives `emotalk_data.load_dataset` their folder as `episodes_dir`.",
        ),
        Limit(
            "times",
            "The relation file places 1,016 dialogues, of which 990 are annotated; 7 of its times are "
            "malformed, and 82 count 25 frames or more, which is legal.",
        ),
        Limit("labels", "The main emotion need not be the first of the blend, nor in it."),
        Limit(
            "speakers", "Speaker letters start anew in each dialogue: A of one dialogue is not A of the next."
        ),
        Limit("labels", "The classes are unbalanced: 10,028 utterances are Neutral, 395 are Fear."),
        Limit("corpus", "The speakers are actors: emotions are performed."),
    ),
    citation="""@inproceedings{zhao-etal-2022-m3ed,
  title     = {{M3ED}: Multi-modal Multi-scene Multi-label Emotional Dialogue Database},
  author    = {Zhao, Jinming and Zhang, Tenggan and Hu, Jingwen and Liu, Yuchen and Jin, Qin and Wang, Xinchao
               and Li, Haizhou},
  booktitle = {Proceedings of the 60th Annual Meeting of the Association for Computational Linguistics
               (Volume 1: Long Papers)},
  pages     = {5699--5710},
  year      = {2022},
  publisher = {Association for Computational Linguistics},
  doi       = {10.18653/v1/2022.acl-long.391}
}""",
    gate="M3ED has no licence file, and its series are under copyright. You agree to use it for "
    "non-commercial research only, not to pass it on, and to cite the authors.",
    creators=("Jinming Zhao",),
    task_categories=("audio-classification", "text-classification", "video-classification"),
    tags=("audio", "video", "text", "emotion-recognition", "multi-label", "conversation"),
    source_datasets=("extended|other-rucm3ed",),
)

CORPUS_FACTS: Final = (_EMOTALK, _M3ED)
"""Both corpora, in the order of their names."""
