"""Made-up judgements of annotators, and the rules by which the corpora's authors turn them into labels."""

from __future__ import annotations

import random
from collections.abc import Sequence

from emotalk_data.testing.truth import Vote

__all__ = [
    "EMOTALK_ALIASES",
    "EMOTIONS",
    "M3ED_EMOTIONS",
    "MODALITIES",
    "blend",
    "draw_blends",
    "draw_intentions",
    "draw_votes",
    "weighted_label",
]

MODALITIES = ("text", "audio", "video", "multimodal")

# Order: the ids of EmotionTalk's authors.
EMOTIONS = ("neutral", "happy", "sad", "angry", "surprised", "disgusted", "fearful")

# The words of EmotionTalk's paper for the words of its files.
EMOTALK_ALIASES = {
    "neutral": "neutral",
    "happy": "happiness",
    "sad": "sadness",
    "angry": "anger",
    "surprised": "surprise",
    "disgusted": "disgust",
    "fearful": "fear",
}

# Order: the ids of M3ED's authors.
M3ED_EMOTIONS = ("Happy", "Neutral", "Sad", "Disgust", "Anger", "Fear", "Surprise")

_CONFIDENCES = (0.1, 0.3, 0.5, 0.7, 0.9)
_SENTIMENTS = {"neutral": 0, "happy": 1, "surprised": 1}
# Share of utterances whose modality carries the emotion of the whole; the others look neutral.
_CARRIES = {"text": 0.42, "audio": 0.68, "video": 0.66, "multimodal": 1.0}


def draw_intentions(rng: random.Random, emotion: str) -> dict[str, str]:
    """Return for each modality the emotion that its annotators should mostly see."""
    return {m: emotion if rng.random() < _CARRIES[m] else "neutral" for m in MODALITIES}


def draw_votes(rng: random.Random, modality: str, emotion: str, *, agree: bool = False) -> tuple[Vote, ...]:
    """Return five judgements that mostly say `emotion`; all five do if `agree`."""
    votes = []
    for annotator in range(5):
        seen = emotion if agree or rng.random() < 0.65 else rng.choice(EMOTIONS)
        sentiment = None
        if modality == "multimodal":
            sentiment = max(-2, min(2, _SENTIMENTS.get(seen, -1) + rng.choice((-1, 0, 0, 0, 1))))
        votes.append(Vote(modality, annotator, seen, rng.choice(_CONFIDENCES), sentiment))
    return tuple(votes)


def weighted_label(votes: Sequence[Vote]) -> str:
    """Return the label of the paper's rule (section 3.2) before experts may change it.

    An emotion's score is the mean confidence of those who chose it; the highest wins, and the lowest label
    id among equals.
    """
    scores = {}
    for emotion in EMOTIONS:
        confidences = [vote.confidence for vote in votes if vote.emotion == emotion]
        if confidences:
            # Rounded, so that equal means of different counts tie on every machine.
            scores[emotion] = round(sum(confidences) / len(confidences), 9)
    return max(scores, key=lambda emotion: scores[emotion])


def draw_blends(rng: random.Random, *, blended: bool) -> tuple[tuple[str, ...], ...]:
    """Return the emotions of M3ED's three annotators; at least two of them agree on one or two."""
    main, other, third = rng.sample(M3ED_EMOTIONS, 3)
    if blended:
        return (main, other), (main, other), rng.choice(((main,), (third,), (other, third)))
    return (main,), (main,), rng.choice(((main,), (main,), (other,), (main, third)))


def blend(annotations: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the blend of the paper's rule: labels of two or more annotators, by summed importance.

    The first label of an annotator weighs 7, the second 6, and so on. `Other` is never final.
    """
    weights: dict[str, int] = {}
    counts: dict[str, int] = {}
    for labels in annotations:
        for position, label in enumerate(labels):
            weights[label] = weights.get(label, 0) + 7 - position
            counts[label] = counts.get(label, 0) + 1
    kept = [label for label in M3ED_EMOTIONS if counts.get(label, 0) >= 2]
    return tuple(sorted(kept, key=lambda label: -weights[label]))
