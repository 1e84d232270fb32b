"""The truth about an EmotionTalk utterance as the JSON files of its four modalities, oddities included."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from emotalk_data.testing.annotations import EMOTALK_ALIASES
from emotalk_data.testing.truth import EmotalkUtterance

__all__ = ["ODDITY_MODALITY", "json_files", "record"]

# Kind of oddity -> the folder whose file shows it. Each kind is given to one utterance.
ODDITY_MODALITY = {
    "unbalanced_overlap": "text",
    "malformed_tag": "text",
    "alias_label": "text",
    "bom": "text",
    "litter": "text",
    "unknown_key": "text",
    "captions_python_literal": "audio",
    "captions_json_string": "audio",
    "captions_absent": "audio",
    "captions_top_level": "audio",
    "paragraphs_list": "audio",
    "times_as_strings": "audio",
    "flat_form": "audio",
    "key_spelling": "video",
    "jsonl": "video",
    "missing_label": "video",
    "missing_video": "video",
    "numbers_as_strings": "multimodal",
    "missing_mp4": "multimodal",
    "zip_repeats_mp4": "multimodal",
}

# What macOS writes beside a file on a foreign disk: the start of an AppleDouble header.
_APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(56)


def record(utterance: EmotalkUtterance, modality: str) -> dict[str, Any]:
    """Return the record of one modality in the release's plain form, keys in the release's order."""
    data = [
        {"emotion": vote.emotion, "Confidence_degree": vote.confidence}
        | ({} if vote.sentiment is None else {"Continuous_label": vote.sentiment})
        for vote in utterance.votes
        if vote.modality == modality
    ]
    out: dict[str, Any] = {"data": data, "emotion_result": utterance.labels[modality]}
    if modality == "multimodal":
        out["Continuous label_result"] = utterance.sentiment
    out["speaker_id"] = utterance.speaker_id
    if modality in ("text", "audio"):
        out["content"] = utterance.text_raw
    if modality == "audio":
        out["paragraphs"] = _paragraphs(utterance)
        if utterance.captions is not None:
            out["sourceAttr"] = dict(utterance.captions)
        out["file_path"] = utterance.media_path(".wav")
    else:
        out["file_name"] = utterance.media_path(".wav" if modality == "text" else ".mp4")
    return out


def _paragraphs(utterance: EmotalkUtterance) -> dict[str, float]:
    start, end = utterance.start_seconds or 0.0, utterance.end_seconds or 0.0
    return {"startTime": start, "endTime": end, "duration": round(end - start, 6)}


def json_files(utterance: EmotalkUtterance, kind: str | None) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of the annotation files of an utterance.

    Args:
        utterance: the truth; a modality that is not in its `presence` has no file.
        kind: the utterance's oddity, one of `ODDITY_MODALITY`, or None.
    """
    for modality in ("audio", "multimodal", "text", "video"):
        if modality not in utterance.presence:
            continue
        odd = kind if kind is not None and ODDITY_MODALITY[kind] == modality else None
        form = record(utterance, modality)
        if odd is not None:
            form = _changed(form, odd)
        name = f"{modality.capitalize()}/json/{utterance.media_path('.json')}"
        text = json.dumps(form, ensure_ascii=False, indent=None if odd == "jsonl" else 4)
        if odd == "jsonl":
            yield f"{name}l", f"{text}\n".encode()
        else:
            yield name, text.encode("utf-8-sig" if odd == "bom" else "utf-8")
        if odd == "litter":
            folder, _, file = name.rpartition("/")
            yield f"{folder}/._{file}", _APPLE_DOUBLE
            yield f"{modality.capitalize()}/.DS_Store", b"\x00\x00\x00\x01Bud1" + bytes(24)


def _changed(form: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return `form` as the release's odd spelling `kind` has it; `form` itself is used up."""
    captions = form.get("sourceAttr", {})
    match kind:
        case "alias_label":
            form["emotion_result"] = EMOTALK_ALIASES[form["emotion_result"]]
            form["data"] = [vote | {"emotion": EMOTALK_ALIASES[vote["emotion"]]} for vote in form["data"]]
        case "unknown_key":
            # The list that starts with null is one that a columnar JSON reader gets wrong.
            form["reviewer_notes"] = [None, 1, 2]
        case "captions_python_literal":
            form["sourceAttr"] = repr(captions)
        case "captions_json_string":
            form["sourceAttr"] = json.dumps(captions, ensure_ascii=False)
        case "captions_top_level":
            del form["sourceAttr"]
            form |= captions
        case "paragraphs_list":
            whole = form["paragraphs"]
            start, end = whole["startTime"], whole["endTime"]
            middle = round((start + end) / 2, 6)
            form["paragraphs"] = [
                {"startTime": start, "endTime": middle},
                {"startTime": middle, "endTime": end},
            ]
        case "times_as_strings":
            form["paragraphs"] = {key: str(value) for key, value in form["paragraphs"].items()}
        case "flat_form":
            form |= form.pop("paragraphs") | form.pop("sourceAttr")
        case "key_spelling":
            form["data"] = [
                {"emotion": vote["emotion"], "confidence degree": vote["Confidence_degree"]}
                for vote in form["data"]
            ]
        case "numbers_as_strings":
            form["Continuous label_result"] = str(form["Continuous label_result"])
            form["data"] = [{key: str(value) for key, value in vote.items()} for vote in form["data"]]
        case _:
            pass  # The others are in the truth itself, in the file's name or in its encoding.
    return form
