"""The list of all problem codes.

A code is stable: once published it keeps its meaning. `ET` is EmotionTalk and `M3` M3ED; `AV` is a sound or
picture file of either corpus, `DS` a built dataset, `FS` a feature set.
"""

from __future__ import annotations

from typing import Final

from emotalk_data.schemas.codes.code import SEVERITIES, Code, Severity
from emotalk_data.schemas.codes.emotalk import EMOTALK_CODES
from emotalk_data.schemas.codes.emotalk_release import EMOTALK_RELEASE_CODES
from emotalk_data.schemas.codes.m3ed import M3ED_CODES
from emotalk_data.schemas.codes.m3ed_release import M3ED_RELEASE_CODES
from emotalk_data.schemas.codes.media import MEDIA_CODES
from emotalk_data.schemas.codes.tables import TABLES_CODES

__all__ = ["CODES", "SEVERITIES", "Code", "Severity"]

CODES: Final[dict[str, Code]] = {
    **EMOTALK_CODES,
    **EMOTALK_RELEASE_CODES,
    **M3ED_CODES,
    **M3ED_RELEASE_CODES,
    **MEDIA_CODES,
    **TABLES_CODES,
}
