"""What EmotionTalk's paper says of the corpus (arXiv:2505.23018): Table 7, Fig. 1, sections 3.2 and 3.3."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from emotalk_data.schemas.labels import EMOTALK_EMOTIONS, Modality
from emotalk_data.views.columns import LABEL_COLUMNS
from emotalk_data.views.paper_tables.published_form import (
    TOTAL,
    WITH_TOTAL,
    Difference,
    PublishedCorpus,
    PublishedRow,
    PublishedTable,
)

__all__ = ["EMOTALK_PUBLISHED", "MODALITY_COLUMNS", "PERCEIVED"]

PERCEIVED: Final[Mapping[str, Modality]] = MappingProxyType(
    {"text": "text", "audio": "audio", "video": "video", "video with audio": "multimodal"}
)
"""The paper's words for what annotators perceived, and the modality of their votes."""

MODALITY_COLUMNS: Final = MappingProxyType({word: LABEL_COLUMNS[of] for word, of in PERCEIVED.items()})
"""The paper's words for what annotators perceived, and the column of the final label."""

_EMOTIONS: Final = PublishedTable(
    title="Table 7: utterances of each emotion",
    source="paper, Table 7, and the authors' dataset card; the multimodal label",
    columns=WITH_TOTAL,
    rows=(
        PublishedRow("angry", (2950, 409, 339, 3698)),
        PublishedRow("disgusted", (1142, 95, 134, 1371)),
        PublishedRow("fearful", (672, 125, 125, 922)),
        PublishedRow("happy", (2986, 360, 246, 3592)),
        PublishedRow("neutral", (5377, 675, 801, 6853)),
        PublishedRow("sad", (919, 111, 123, 1153)),
        PublishedRow("surprised", (1367, 133, 161, 1661)),
        PublishedRow("total", (15413, 1908, 1929, 19250)),
    ),
)

_NUMBERS: Final = PublishedTable(
    title="Section 3.3: the corpus in numbers",
    source="paper, section 3.3",
    columns=(TOTAL,),
    rows=(
        PublishedRow("speakers", (19,), "speakers"),
        PublishedRow("utterances", (19250,)),
        PublishedRow("dialogues", (744,), "dialogues"),
        PublishedRow("hours", ("23.6",), "hours"),
        PublishedRow("seconds an utterance", ("4.4",), "seconds"),
        PublishedRow("characters, marks taken out", (469387,), "characters"),
        PublishedRow("characters, marks left in", (None,), "characters"),
    ),
    differences=MappingProxyType(
        {
            ("dialogues", TOTAL): Difference(
                742,
                "the released label tables hold utterances of 742 dialogues (counted on the authors' label "
                "tables)",
            ),
            ("characters, marks taken out", TOTAL): Difference(
                463_975,
                "the paper does not say how it counted; the authors' transcripts have 636,887 characters with "
                "marks such as [over/] and 463,975 without (counted on the transcripts)",
            ),
        }
    ),
)

_SENTIMENT: Final = PublishedTable(
    title="Section 3.3: share of each sentiment",
    source="paper, section 3.3; of the mean of five ratings: up to -1, below 0, 0, above 0, from 1 on",
    columns=(TOTAL,),
    rows=(
        PublishedRow("negative", ("29.3",), "%"),
        PublishedRow("weakly negative", ("49.1",), "%"),
        PublishedRow("neutral", ("11.5",), "%"),
        PublishedRow("weakly positive", ("8.2",), "%"),
        PublishedRow("positive", ("2.0",), "%"),
    ),
)

_AGREEMENT: Final = PublishedTable(
    title="Section 3.2: Fleiss' kappa of the annotators",
    source="paper, section 3.2",
    columns=(TOTAL,),
    rows=(
        PublishedRow("audio", ("0.79",), "kappa"),
        PublishedRow("text", ("0.66",), "kappa"),
        PublishedRow("video", ("0.73",), "kappa"),
        PublishedRow("video with audio", ("0.78",), "kappa"),
    ),
)

_SHARES: Final = PublishedTable(
    title="Fig. 1: share of each emotion by modality",
    source="paper, Fig. 1; we do not have the figure's numbers, so only the data's are shown",
    columns=tuple(MODALITY_COLUMNS),
    rows=tuple(
        PublishedRow(name, (None,) * len(MODALITY_COLUMNS), "%", decimals=1)
        for name in EMOTALK_EMOTIONS.names
    ),
)

_OTHER_LABEL: Final = PublishedTable(
    title="Rows whose label differs from the multimodal label",
    source="not in the paper; counted on the authors' label tables: text 58 %, audio 32 %, video 34 %",
    columns=(TOTAL,),
    rows=tuple(
        PublishedRow(name, (None,), "%", decimals=1)
        for name in MODALITY_COLUMNS
        if name != "video with audio"
    ),
)

EMOTALK_PUBLISHED: Final = PublishedCorpus(
    title="EmotionTalk",
    split_sizes=MappingProxyType({"train": 15_413, "validation": 1_908, "test": 1_929}),
    tables=MappingProxyType(
        {
            "emotions": _EMOTIONS,
            "numbers": _NUMBERS,
            "sentiment": _SENTIMENT,
            "agreement": _AGREEMENT,
            "shares": _SHARES,
            "other_label": _OTHER_LABEL,
        }
    ),
)
