"""What a made-up release holds, told by its maker: the values that a loader must find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EmotalkSample", "EmotalkUtterance", "M3edSample", "M3edUtterance", "Vote"]


@dataclass(frozen=True)
class Vote:
    """One annotator's judgement of one modality of an EmotionTalk utterance.

    Attributes:
        modality: `text`, `audio`, `video` or `multimodal`.
        annotator: position in the file's `data` list, 0 to 4.
        emotion: one of the seven words of the release, never an alias.
        confidence: 0.1, 0.3, 0.5, 0.7 or 0.9.
        sentiment: −2 to 2 for `multimodal`, else None.
    """

    modality: str
    annotator: int
    emotion: str
    confidence: float
    sentiment: int | None = None


@dataclass(frozen=True)
class EmotalkUtterance:
    """The truth about one EmotionTalk utterance. What is not in the release is None or left out.

    Attributes:
        ordinal: position in the order of making, from 0; it marks the clip's sound and pictures.
        session_id: the id's second field, such as `"01"`; `dialogue_id` is `<group>_<session>`.
        text_raw: transcript with markup.
        text: the same with the markup taken out and nothing else.
        tags: each piece of markup with its character position in `text`.
        labels: modality to final label; all four keys, None where the label is missing.
        overridden: modalities whose label the experts changed, so the votes do not give it.
        votes: in the order text, audio, video, multimodal, then annotator.
        captions: the eight caption keys of `sourceAttr`, or None.
        start_seconds: on the session's time line, not inside the wav.
        end_seconds: on the session's time line; end − start is the wav's length to one sample.
        presence: which of `text audio video multimodal wav mp4` the release has for it.
        num_samples: samples per channel of the wav.
        num_frames: frames of the mp4, at 25 a second.
        first_frame_number: the number painted in the mp4's first frame; the next frames count on.
    """

    ordinal: int
    utterance_id: str
    dialogue_id: str
    group_id: str
    session_id: str
    speaker_id: str
    utterance_number: int
    split: str
    text_raw: str | None
    text: str | None
    tags: tuple[tuple[str, int], ...]
    labels: Mapping[str, str | None]
    overridden: tuple[str, ...]
    sentiment: float | None
    votes: tuple[Vote, ...]
    captions: Mapping[str, str] | None
    start_seconds: float | None
    end_seconds: float | None
    presence: frozenset[str]
    sampling_rate: int
    num_channels: int
    num_samples: int
    num_frames: int
    first_frame_number: int

    def media_path(self, suffix: str) -> str:
        """Return the media path below `Audio/wav/` or `Multimodal/mp4/`, such as `G00003/…/<id>.wav`."""
        speaker = f"{self.dialogue_id}_{self.speaker_id}"
        return f"{self.group_id}/{self.dialogue_id}/{speaker}/{self.utterance_id}{suffix}"


@dataclass(frozen=True)
class EmotalkSample:
    """A made-up EmotionTalk release and the truth about it.

    Attributes:
        root: the folder that holds the trees or the tars.
        utterances: every utterance, in the order of making.
        oddities: kind of oddity to the ids of the utterances that have it.
    """

    root: Path
    utterances: tuple[EmotalkUtterance, ...]
    oddities: Mapping[str, list[str]]

    @property
    def data_dir(self) -> Path:
        """The folder to give to `load_dataset(data_dir=…)`."""
        return self.root

    @property
    def by_id(self) -> dict[str, EmotalkUtterance]:
        """Utterances by id."""
        return {utterance.utterance_id: utterance for utterance in self.utterances}

    def split_ids(self, split: str) -> list[str]:
        """Return the ids of one split, sorted by id."""
        return sorted(u.utterance_id for u in self.utterances if u.split == split)


@dataclass(frozen=True)
class M3edUtterance:
    """The truth about one M3ED utterance, with typos of the release already mapped to what they mean.

    Attributes:
        speaker_id: `A` or `B`.
        annotations: the emotions of each of the three annotators, in their order.
        emotions: the blend `final_mul_emo`, in order.
        emotion: `final_main_emo`, which need not be in the blend.
        start_seconds: from the start of the dialogue; like all times here the float next to frames / 25,
            so compare with a tolerance: sums of floats differ in the last bit.
        end_seconds: from the start of the dialogue, excluded.
        episode_start_seconds: from the start of the episode.
        episode_end_seconds: from the start of the episode, excluded.
        audio_path: the clip below the release's root, or None.
        num_samples: samples of the clip at 16 kHz.
        first_frame_number: the number painted in the episode's frame at `episode_start_seconds`.
        num_frames: frames of the episode that belong to the utterance.
    """

    utterance_id: str
    dialogue_id: str
    series: str
    split: str
    utterance_number: int
    speaker_id: str
    speaker_name: str
    age: str
    gender: str
    text: str
    annotations: tuple[tuple[str, ...], ...]
    emotions: tuple[str, ...]
    emotion: str
    start_seconds: float
    end_seconds: float
    episode: int
    episode_start_seconds: float
    episode_end_seconds: float
    audio_path: str | None
    num_samples: int
    first_frame_number: int
    num_frames: int

    @property
    def episode_path(self) -> str:
        """The episode's file below the folder of episodes."""
        return f"{self.series}/{self.series}_{self.episode:02d}.mp4"


@dataclass(frozen=True)
class M3edSample:
    """A made-up M3ED release and the truth about it.

    Attributes:
        root: the folder with `annotation.json`.
        episodes_dir: the folder of TV episodes, or None when none were made.
        utterances: every utterance, by series, dialogue and number.
        splits: split to its series, in the order of the list files.
        oddities: kind of oddity to ids: of dialogues for `surplus_dialogue`, `malformed_time`,
            `frame_beyond_rate`, `age_typo` and `gender_typo`, else of utterances.
    """

    root: Path
    episodes_dir: Path | None
    utterances: tuple[M3edUtterance, ...]
    splits: Mapping[str, tuple[str, ...]]
    oddities: Mapping[str, list[str]]

    @property
    def data_dir(self) -> Path:
        """The folder to give to `load_dataset(data_dir=…)`."""
        return self.root

    @property
    def by_id(self) -> dict[str, M3edUtterance]:
        """Utterances by id."""
        return {utterance.utterance_id: utterance for utterance in self.utterances}

    def split_ids(self, split: str) -> list[str]:
        """Return the ids of one split, sorted by id."""
        return sorted(u.utterance_id for u in self.utterances if u.split == split)
