"""What each column means: one sentence with its unit and source. Cards and documentation use it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["COLUMN_MEANINGS", "LABEL_COLUMNS"]

_EMOTALK: Final = {
    "utterance_id": "Id of the utterance, `<group>_<session>_<speaker>_<utterance>`, from the file's name.",
    "dialogue_id": "Id of the dialogue, `<group>_<session>`: the first two fields of the id.",
    "group_id": "The pair of actors, such as `G00008`; splits are made of whole groups.",
    "session_id": "Number of the conversation in its group, two digits.",
    "speaker_id": "Number of the actor, two digits: the third field of the id.",
    "utterance_number": "Position in the dialogue, counted over both speakers; gaps are normal.",
    "modalities": "The modalities that have a record of this utterance: text, audio, video, multimodal.",
    "text": "Transcript without its markup; no spoken character is lost.",
    "text_raw": "Transcript as released, with its markup (`content` of the text record, else of the audio "
    "record).",
    "events": "Marks of the transcript: `type` (overlap, interrupted, laughing, sobbing, crying, "
    "screaming), `start` (included) and `end` (excluded) as character positions in `text`; null for the "
    "lost end of an overlap that has only one.",
    "emotion": "Final label of the annotators who saw the video and heard its sound (multimodal record).",
    "emotion_text": "Final label of the annotators who read the transcript (text record).",
    "emotion_audio": "Final label of the annotators who heard the voice (audio record).",
    "emotion_video": "Final label of the annotators who saw the silent video (video record).",
    "sentiment": "Mean of the annotators' sentiment, -2.0 (negative) to 2.0 (positive), from the multimodal "
    "record.",
    "annotations": "Every annotator's judgement, five per modality: `modality` perceived, number of the "
    "`annotator` from 1, `emotion`, `confidence` (0.1, 0.3, 0.5, 0.7 or 0.9), and `sentiment` (-2 to 2, "
    "multimodal only).",
    "captions": "How the voice sounds, in words: of the `speaker`, the `style`, the `emotion`, and five "
    "`overall` (audio record).",
    "start_seconds": "Start on the session's time line, in seconds; not inside the wav (audio record).",
    "end_seconds": "End on the session's time line, in seconds, excluded (audio record).",
    "audio": "The utterance's wav: 16-bit PCM, 44.1 or 16 kHz, mono or stereo, as released.",
    "video": "The utterance's mp4, with its sound.",
}

_M3ED: Final = {
    "utterance_id": "Id of the utterance, `<series>_<dialogue>_<utterance>`, from the annotation.",
    "dialogue_id": "Id of the dialogue, `<series>_<dialogue>`.",
    "series": "The TV series; splits are made of whole series.",
    "speaker_id": "Who speaks in the dialogue: A or B; the letters start anew in each dialogue.",
    "speaker_name": "Name of the speaking character (`SpeakerInfo`).",
    "age": "Age group of the character: child, young, mid or old (`SpeakerInfo`).",
    "gender": "Gender of the character: female or male (`SpeakerInfo`).",
    "utterance_number": "Last number of the id; it orders the dialogue, and gaps are normal.",
    "text": "What is said; blanks were turned into `，` before the release.",
    "text_raw": "The same as `text`: M3ED's transcripts have no markup.",
    "events": "Always empty: M3ED's transcripts have no marks; the column is there because EmotionTalk has "
    "it.",
    "emotion": "Final main label (`final_main_emo`); not always the first of `emotions`, nor always in it.",
    "emotions": "Final labels in the released order: several when the emotion is a blend (`final_mul_emo`).",
    "annotations": "Each annotator's judgement, three per utterance: `modality` perceived, number of the "
    "`annotator` from 1, and `emotions`, the most important first, where `Other` is legal too.",
    "start_seconds": "Start in the clip of the dialogue, in seconds, exact to 0.04 s (25 frames per second).",
    "end_seconds": "End in the clip of the dialogue, in seconds, excluded.",
    "episode": "Number of the episode in its series (relation file).",
    "episode_start_seconds": "Start in the episode, in seconds: the dialogue's start plus `start_seconds`.",
    "episode_end_seconds": "End in the episode, in seconds, excluded.",
    "audio": "The utterance's sound: the released clip (16 kHz mono PCM, cut 50 ms late at both ends), else "
    "a window of the episode where its owner has it.",
    "video": "The utterance's window of the episode, where its owner has it; null otherwise.",
}

COLUMN_MEANINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {"emotalk": MappingProxyType(_EMOTALK), "m3ed": MappingProxyType(_M3ED)}
)
"""Corpus (`emotalk`, `m3ed`) -> column -> its meaning, one sentence in Markdown. What is absent is null."""

LABEL_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "emotalk": (
            "utterance_id",
            "dialogue_id",
            "group_id",
            "session_id",
            "speaker_id",
            "utterance_number",
            "modalities",
            "emotion",
            "emotion_text",
            "emotion_audio",
            "emotion_video",
            "sentiment",
            "annotations",
            "start_seconds",
            "end_seconds",
        ),
        "m3ed": (
            "utterance_id",
            "dialogue_id",
            "series",
            "speaker_id",
            "utterance_number",
            "emotion",
            "emotions",
            "annotations",
            "start_seconds",
            "end_seconds",
            "episode",
            "episode_start_seconds",
            "episode_end_seconds",
        ),
    }
)
"""Corpus -> its ids, labels and times: nothing that was said, shown, or written about a person."""
