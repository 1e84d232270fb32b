"""The columns of both corpora. They mean the same where they have the same name.

Apart from the code that fills them: a warm load needs the columns and no record.
"""

from __future__ import annotations

import datasets

from emotalk_data.media.features import Audio, Video
from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, M3ED_ANNOTATOR_EMOTIONS, M3ED_EMOTIONS

__all__ = ["emotalk_features", "m3ed_features"]


def emotalk_features() -> datasets.Features:
    """Return the columns of EmotionTalk. docs/corpora/emotalk.md says what each means."""
    emotion = datasets.ClassLabel(names=list(EMOTALK_EMOTIONS.names))
    string = datasets.Value("string")
    return datasets.Features(
        {
            "utterance_id": string,
            "dialogue_id": string,
            "group_id": string,
            "session_id": string,
            "speaker_id": string,
            "utterance_number": datasets.Value("int32"),
            "modalities": datasets.List(string),
            "text": string,
            "text_raw": string,
            "events": datasets.List(
                {"type": string, "start": datasets.Value("int32"), "end": datasets.Value("int32")}
            ),
            "emotion": emotion,
            "emotion_text": emotion,
            "emotion_audio": emotion,
            "emotion_video": emotion,
            "sentiment": datasets.Value("float64"),
            "annotations": datasets.List(
                {
                    "modality": string,
                    "annotator": datasets.Value("int32"),
                    "emotion": emotion,
                    "confidence": datasets.Value("float64"),
                    "sentiment": datasets.Value("int32"),
                }
            ),
            "captions": {
                "speaker": string,
                "style": string,
                "emotion": string,
                "overall": datasets.List(string),
            },
            "start_seconds": datasets.Value("float64"),
            "end_seconds": datasets.Value("float64"),
            "audio": Audio(),
            "video": Video(),
        }
    )


def m3ed_features() -> datasets.Features:
    """Return the columns of M3ED. docs/corpora/m3ed.md says what each means."""
    emotion = datasets.ClassLabel(names=list(M3ED_EMOTIONS.names))
    annotator_emotion = datasets.ClassLabel(names=list(M3ED_ANNOTATOR_EMOTIONS.names))
    string, seconds = datasets.Value("string"), datasets.Value("float64")
    return datasets.Features(
        {
            "utterance_id": string,
            "dialogue_id": string,
            "series": string,
            "speaker_id": string,
            "speaker_name": string,
            "age": string,
            "gender": string,
            "utterance_number": datasets.Value("int32"),
            "text": string,
            "text_raw": string,
            "events": datasets.List(
                {"type": string, "start": datasets.Value("int32"), "end": datasets.Value("int32")}
            ),
            "emotion": emotion,
            "emotions": datasets.List(emotion),
            "annotations": datasets.List(
                {
                    "modality": string,
                    "annotator": datasets.Value("int32"),
                    "emotions": datasets.List(annotator_emotion),
                }
            ),
            "start_seconds": seconds,
            "end_seconds": seconds,
            "episode": datasets.Value("int32"),
            "episode_start_seconds": seconds,
            "episode_end_seconds": seconds,
            "audio": Audio(),
            "video": Video(),
        }
    )
