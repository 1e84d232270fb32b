"""Sample cards: a few utterances as they are, with their labels, votes, sound and frames."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from emotalk_data.report.corpus import Corpus, drawn
from emotalk_data.report.palette import emotion_key, place_of
from emotalk_data.report.sample_media import Pictures, Sound, pictures_of, sound_of
from emotalk_data.report.shown_text import shown
from emotalk_data.schemas.labels import M3ED_ANNOTATOR_EMOTIONS
from emotalk_data.views.columns import NO_LABEL, column

__all__ = ["Sample", "SampleLabel", "Vote", "choose_samples", "make_sample", "with_less_sound"]

_MAX_ID_CHARS: Final = 80
_MAX_VOTES: Final = 12  # of one modality; the corpora have three and five


@dataclass(frozen=True)
class Vote:
    """What one annotator said.

    Attributes:
        labels: label and style name, the most important first.
        confidence: 0.1 to 0.9; None where there is none, or where it is no number.
        told: all of it as a sentence.
    """

    labels: tuple[tuple[str, str], ...]
    confidence: float | None
    told: str


@dataclass(frozen=True)
class SampleLabel:
    """One modality's final label, the blend where there is one, and the votes behind it."""

    modality: str
    labels: tuple[tuple[str, str], ...]
    votes: tuple[Vote, ...]


@dataclass(frozen=True)
class Sample:
    """One card.

    Attributes:
        text: the transcript; "" where there is none.
        labels: of each modality that has a label or votes.
        sentiment: −2 to 2; None where there is none, or where it is no number.
        caption: how it sounds, in the words of a caption; "" without.
        sound: None where the row has none, or where none was asked for.
        pictures: likewise.
    """

    utterance_id: str
    split: str
    speaker: str
    text: str
    labels: tuple[SampleLabel, ...]
    sentiment: float | None
    caption: str
    sound: Sound | None
    pictures: Pictures | None


def choose_samples(corpus: Corpus, num: int) -> list[int]:
    """Return rows, the same ones for the same ids: from each emotion in turn, by a hash of the utterance's id."""
    ids: list[str | None] = column(corpus.whole, "utterance_id").to_pylist()
    main = corpus.main_labels
    heaps: dict[int, list[tuple[bytes, str, int]]] = {}
    for row, name in enumerate(ids):
        label = place_of(emotion_key(main.name(row) if main is not None else None))
        heaps.setdefault(label, []).append((drawn("sample", name or ""), name or "", row))
    order = [sorted(heaps[label], reverse=True) for label in sorted(heaps)]
    chosen: list[int] = []
    while len(chosen) < num and any(order):
        for heap in order:
            if heap and len(chosen) < num:
                chosen.append(heap.pop()[2])
    return chosen


def make_sample(corpus: Corpus, row: int, *, media: bool, max_seconds: float) -> Sample:
    """Return the card of a row.

    Args:
        corpus: the data.
        row: of the whole corpus.
        media: decode its sound and six frames.
        max_seconds: how much of the sound, at most.
    """
    # Without the media columns, or a clip with a bad path would be made for nothing.
    rows = corpus.whole
    if not media:
        rows = rows.select_columns([name for name in rows.column_names if name not in ("audio", "video")])
    values: dict[str, Any] = rows[row]
    captions = values.get("captions") or {}
    spoken = next((one for one in captions.get("overall") or () if one), None) or captions.get("style")
    speaker = [values.get("speaker_id"), values.get("speaker_name"), values.get("series")]
    audio, video = values.get("audio"), values.get("video")
    return Sample(
        utterance_id=shown(values["utterance_id"], _MAX_ID_CHARS),
        split=corpus.split_names[int(corpus.split_of[row])],
        speaker=" · ".join(shown(part, _MAX_ID_CHARS) for part in speaker if part),
        text=shown(values.get("text")),
        labels=tuple(_labels(corpus, row, values)),
        sentiment=_finite(values.get("sentiment")),
        caption=shown(spoken),
        sound=None if audio is None else sound_of(audio, max_seconds),
        pictures=None if video is None else pictures_of(video),
    )


def with_less_sound(corpus: Corpus, row: int, card: Sample, max_seconds: float) -> Sample:
    """Return the card of a row with at most so much of its sound; its pictures are not decoded again."""
    if card.sound is None or card.sound.shown_seconds <= max_seconds:
        return card
    return replace(card, sound=sound_of(corpus.whole.select_columns(["audio"])[row]["audio"], max_seconds))


def _labels(corpus: Corpus, row: int, values: dict[str, Any]) -> list[SampleLabel]:
    found = []
    judged: Sequence[dict[str, Any]] = values.get("annotations") or ()
    for modality, labels in corpus.labels.items():
        main = labels.name(row)
        names = [main] if main is not None else []
        blend = values.get("emotions") or []
        names += [name for one in blend if (name := _name(labels.names, one)) and name not in names]
        votes = [one for one in judged if one.get("modality") == modality][:_MAX_VOTES]
        if names or votes:
            cast = tuple(_vote(one, labels.names) for one in votes)
            found.append(SampleLabel(modality, tuple((name, emotion_key(name)) for name in names), cast))
    return found


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _name(names: Sequence[str], label: int | None) -> str:
    """Return the name of a label; "" for null, and the id itself where it has no name."""
    if label is None or label == NO_LABEL:
        return ""
    return names[label] if 0 <= label < len(names) else f"label {label}"


def _vote(vote: dict[str, Any], names: Sequence[str]) -> Vote:
    if "emotions" in vote:
        words = M3ED_ANNOTATOR_EMOTIONS.names
        given = [name for one in vote["emotions"] or () if (name := _name(words, one))]
    else:
        given = [name] if (name := _name(names, vote.get("emotion"))) else []
    confidence = _finite(vote.get("confidence"))
    told = f"annotator {vote.get('annotator')}: {', '.join(given) or 'no label'}"
    if confidence is not None:
        told += f", confidence {confidence:g}"
    if vote.get("sentiment") is not None:
        told += f", sentiment {vote['sentiment']:+d}".replace("-", "−")
    return Vote(tuple((name, emotion_key(name)) for name in given), confidence, told)
