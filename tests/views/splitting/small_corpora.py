"""Corpora of a few rows, written down by dialogue: for what splits share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import datasets

from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, M3ED_EMOTIONS

__all__ = ["emotalk_rows", "m3ed_rows"]


def emotalk_rows(
    dialogues: Mapping[str, Sequence[str]],
    *,
    texts: Sequence[str | None] = (),
    emotions: Sequence[int | None] = (),
) -> datasets.Dataset:
    """Return rows of EmotionTalk.

    Args:
        dialogues: id to the speakers of its utterances, one after the other.
        texts: of the rows, from the first; what is not given is null.
        emotions: likewise.
    """
    rows = [
        {
            "utterance_id": f"{dialogue}_{speaker}_{number:03d}",
            "dialogue_id": dialogue,
            "group_id": dialogue[:6],
            "speaker_id": speaker,
            "utterance_number": number,
        }
        for dialogue, speakers in dialogues.items()
        for number, speaker in enumerate(speakers, start=1)
    ]
    return _dataset(
        rows, ("utterance_id", "dialogue_id", "group_id", "speaker_id"), texts, emotions, "emotalk"
    )


def m3ed_rows(
    dialogues: Mapping[str, Sequence[str | None]],
    *,
    texts: Sequence[str | None] = (),
    emotions: Sequence[int | None] = (),
) -> datasets.Dataset:
    """Return rows of M3ED: dialogue id to the names of the speakers of its utterances; None has no name."""
    rows = [
        {
            "utterance_id": f"{dialogue}_{number}",
            "dialogue_id": dialogue,
            "series": dialogue.rpartition("_")[0],
            "speaker_id": "A",
            "speaker_name": name,
            "utterance_number": number,
        }
        for dialogue, names in dialogues.items()
        for number, name in enumerate(names, start=1)
    ]
    columns = ("utterance_id", "dialogue_id", "series", "speaker_id", "speaker_name")
    return _dataset(rows, columns, texts, emotions, "m3ed")


def _dataset(
    rows: Sequence[Mapping[str, object]],
    columns: Sequence[str],
    texts: Sequence[str | None],
    emotions: Sequence[int | None],
    corpus: str,
) -> datasets.Dataset:
    names = (EMOTALK_EMOTIONS if corpus == "emotalk" else M3ED_EMOTIONS).names
    features = datasets.Features(
        {
            **{name: datasets.Value("string") for name in columns},
            "utterance_number": datasets.Value("int32"),
            "text": datasets.Value("string"),
            "emotion": datasets.ClassLabel(names=list(names)),
        }
    )
    values = {name: [row[name] for row in rows] for name in (*columns, "utterance_number")}
    values["text"] = [*texts, *[None] * (len(rows) - len(texts))]
    values["emotion"] = [*emotions, *[None] * (len(rows) - len(emotions))]
    return datasets.Dataset.from_dict(values, features=features)
