"""Models that are made to tell speakers or faces apart: what they give is a fingerprint of a person.

They are known by their names alone: an encoder that is called something else is not noticed. A face *detector*
(MTCNN, OpenFace as EmotionTalk's authors use it) is none of them: it says where a face is, and not whose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["FACE_PATTERNS", "SPEAKER_PATTERNS", "recogniser_in"]

SPEAKER_PATTERNS: Final = (
    r"ecapa", r"[xdi][-_ ]?vectors?", r"spk[-_ ]?(rec|emb|id|ver)\w*", r"resemblyzer", r"titanet",
    r"speaker[-_ ]?(rec|emb|id|ver|net|enc)\w*", r"wespeaker", r"3d[-_ ]?speaker", r"cam(pplus|\+\+)",
    r"eres2net(v2)?", r"redimnet", r"ge2e", r"rawnet[23]?", r"vggvox", r"voxceleb[12]?", r"deep[-_ ]?speaker",
    r"pyannote", r"sv", r"asv", r"sid", r"voice[-_ ]?(print|encoder|id)\w*",
)  # fmt: skip
"""Words of a model's name, between signs that are no letters and digits."""

FACE_PATTERNS: Final = (
    r"(arc|cos|ada|mag|sphere|curricular|elastic|trans)face\w*", r"(ghost|mobile)?facenet\d*", r"insightface",
    r"buffalo", r"antelopev?2?", r"vgg[-_ ]?face2?", r"deepface", r"sface", r"deepid\d?",
    r"face[-_ ]?(rec|emb|id|ver)\w*", r"i[-_ ]?resnet\d*", r"glint360k", r"ms1mv?\d?", r"ms[-_ ]?celeb\w*",
    r"webface\d*\w*", r"casia[-_ ]?webface",
)  # fmt: skip

_EDGES: Final = r"(?<![a-z0-9])(?:{})(?![a-z0-9])"
_SPEAKERS: Final = re.compile(_EDGES.format("|".join(SPEAKER_PATTERNS)))
_FACES: Final = re.compile(_EDGES.format("|".join(FACE_PATTERNS)))


def recogniser_in(spec: FeatureSpec) -> str | None:
    """Say what kind of recogniser an encoder is, by the names in its spec; None where it is none."""
    for text in _names(spec):
        # CamelCase is words too: `ArcFaceModel`, `SpeakerNet`.
        words = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "-", text)
        for one in (text.lower(), words.lower()):
            for kind, pattern in (("speakers", _SPEAKERS), ("faces", _FACES)):
                found = pattern.search(one)
                if found:
                    return f"its encoder recognises {kind} ({found[0]!r} in {text[:60]!r})"
    return None


def _names(spec: FeatureSpec) -> Iterator[str]:
    yield spec.model
    yield spec.name
    yield str(getattr(spec, "architecture", ""))
    yield from (str(value) for value in getattr(spec, "params", {}).values())
