"""What M3ED's authors published of the corpus: Tables 2 and 3 of the paper (ACL 2022), and their own counts."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from emotalk_data.views.paper_tables.published_blends import M3ED_BLENDS, RARE_BLEND
from emotalk_data.views.paper_tables.published_form import (
    TOTAL,
    WITH_TOTAL,
    Difference,
    PublishedCorpus,
    PublishedRow,
    PublishedTable,
)

__all__ = ["M3ED_PUBLISHED"]

_COUNTS: Final = PublishedTable(
    title="Table 2: the corpus in numbers",
    source="paper, Table 2; the averages are quotients of its counts",
    columns=WITH_TOTAL,
    rows=(
        PublishedRow("TV series", (38, 7, 11, 56), "series"),
        PublishedRow("dialogues", (685, 126, 179, 990), "dialogues"),
        PublishedRow("turns", (6505, 1016, 1561, 9082), "turns"),
        PublishedRow("utterances", (17427, 2821, 4201, 24449)),
        PublishedRow("turns a dialogue", ("9.50", "8.06", "8.72", "9.17"), "turns"),
        PublishedRow("utterances a dialogue", ("25.44", "22.39", "23.47", "24.70")),
    ),
)

_OTHER_COUNTING: Final = (
    "the authors' code drops the last turn of each dialogue and puts another value in the place of the next "
    "turn's first emotion; `clean` counts every pair of neighbours inside a turn"
)

_SHIFT: Final = PublishedTable(
    title="Table 2: emotion shift and inertia",
    source="paper, Table 2; we have its numbers of train and of the total only",
    columns=WITH_TOTAL,
    rows=(
        PublishedRow("inter-turn shift", (3854, None, None, 5396), "pairs of turns"),
        PublishedRow("inter-turn inertia", (1966, None, None, 2696), "pairs of turns"),
        PublishedRow("intra-turn shift, published", (2029, None, None, 2879), "pairs of utterances"),
        PublishedRow("intra-turn inertia, published", (7775, None, None, 10891), "pairs of utterances"),
        PublishedRow("intra-turn shift, clean", (2029, None, None, 2879), "pairs of utterances"),
        PublishedRow("intra-turn inertia, clean", (7775, None, None, 10891), "pairs of utterances"),
    ),
    differences=MappingProxyType(
        {
            (f"{row}, clean", column): Difference(None, _OTHER_COUNTING, f"{row}, published")
            for row in ("intra-turn shift", "intra-turn inertia")
            for column in WITH_TOTAL
        }
    ),
)

_INERTIA: Final = PublishedTable(
    title="Inertia of each emotion",
    source="authors' repository, their note of counts; inside turns by the `published` counting",
    columns=("between turns", "inside turns"),
    rows=tuple(
        PublishedRow(name, counts, "pairs")
        for name, counts in (
            ("Happy", (289, 798)),
            ("Neutral", (1552, 4871)),
            ("Sad", (234, 1830)),
            ("Disgust", (44, 564)),
            ("Anger", (539, 2523)),
            ("Fear", (5, 156)),
            ("Surprise", (33, 149)),
        )
    ),
)

_EMOTIONS: Final = PublishedTable(
    title="Table 3: utterances of each emotion",
    source="paper, Table 3; the main emotion. The numbers of single splits were not compared with a copy of the "
    "paper: what was checked is that their sums are the authors' counts",
    columns=WITH_TOTAL,
    rows=(
        PublishedRow("Happy", (1626, 303, 358, 2287)),
        PublishedRow("Surprise", (696, 120, 235, 1051)),
        PublishedRow("Sad", (2734, 489, 734, 3957)),
        PublishedRow("Disgust", (1145, 134, 218, 1497)),
        PublishedRow("Anger", (3816, 682, 736, 5234)),
        PublishedRow("Fear", (280, 50, 65, 395)),
        PublishedRow("Neutral", (7130, 1043, 1855, 10028)),
        PublishedRow("total", (17427, 2821, 4201, 24449)),
    ),
)

_AGREEMENT: Final = PublishedTable(
    title="Fleiss' kappa of the annotators",
    source="as published; each annotator's first label, with Other as an eighth category",
    columns=WITH_TOTAL,
    rows=(PublishedRow("kappa", ("0.59", "0.603", "0.579", "0.59"), "kappa"),),
)

_REMOVED: Final = (
    "the authors later removed the 16 combinations seen fewer than five times (their note of counts)"
)
_KEPT: Final = [number for number in M3ED_BLENDS.values() if number >= RARE_BLEND]
_BLEND_SOURCE: Final = "authors' repository, their note of counts of final_mul_emo"

_BLENDS: Final = PublishedTable(
    title="Blended emotions: how many",
    source=_BLEND_SOURCE,
    columns=("utterances", "combinations"),
    rows=(
        PublishedRow("all", (sum(M3ED_BLENDS.values()), len(M3ED_BLENDS)), ""),
        PublishedRow("seen five times or more", (sum(_KEPT), len(_KEPT)), ""),
    ),
    differences=MappingProxyType(
        {
            ("all", "utterances"): Difference(sum(_KEPT), _REMOVED),
            ("all", "combinations"): Difference(len(_KEPT), _REMOVED),
        }
    ),
)

_COMBINATIONS: Final = PublishedTable(
    title="Blended emotions: each combination",
    source=f"{_BLEND_SOURCE}; in the order of the label",
    columns=(TOTAL,),
    rows=tuple(PublishedRow(name, (number,)) for name, number in M3ED_BLENDS.items()),
    differences=MappingProxyType(
        {
            (name, TOTAL): Difference(0, _REMOVED)
            for name, number in M3ED_BLENDS.items()
            if number < RARE_BLEND
        }
    ),
    of_others=0,
)

M3ED_PUBLISHED: Final = PublishedCorpus(
    title="M3ED",
    split_sizes=MappingProxyType({"train": 17_427, "validation": 2_821, "test": 4_201}),
    tables=MappingProxyType(
        {
            "counts": _COUNTS,
            "shift": _SHIFT,
            "inertia": _INERTIA,
            "emotions": _EMOTIONS,
            "agreement": _AGREEMENT,
            "blends": _BLENDS,
            "combinations": _COMBINATIONS,
        }
    ),
)
