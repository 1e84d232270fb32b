"""How far annotators agree, beside what the papers say."""

from __future__ import annotations

import math
from dataclasses import dataclass

from emotalk_data.report.corpus import Corpus
from emotalk_data.report.label_shares import PERCEIVED
from emotalk_data.schemas.labels import MODALITIES, Modality
from emotalk_data.views.annotators.agreement import Agreement, agreement
from emotalk_data.views.columns import CorpusName
from emotalk_data.views.intervals import Interval
from emotalk_data.views.paper_tables.published_emotalk import EMOTALK_PUBLISHED
from emotalk_data.views.paper_tables.published_emotalk import PERCEIVED as PAPERS_WORDS
from emotalk_data.views.paper_tables.published_form import TOTAL
from emotalk_data.views.paper_tables.published_m3ed import M3ED_PUBLISHED

__all__ = ["AgreementRow", "Coefficient", "annotator_agreement"]


@dataclass(frozen=True)
class Coefficient:
    """One coefficient; `x`, `low_x` and `high_x` are places on a scale from 0 to 1, in percent.

    Attributes:
        name: such as "Fleiss' kappa".
        value: NaN where it is undefined.
        low: lower end of the 95 % interval; NaN without one.
        high: upper end.
        published: what the paper says; None where it says nothing.
    """

    name: str
    value: float
    low: float
    high: float
    published: float | None

    @property
    def is_defined(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value)

    @property
    def has_interval(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.low)

    @property
    def x(self) -> float:
        """Place of the value."""
        return _place(self.value)

    @property
    def low_x(self) -> float:
        """Place of the lower end."""
        return _place(self.low)

    @property
    def high_x(self) -> float:
        """Place of the upper end."""
        return _place(self.high)

    @property
    def published_x(self) -> float:
        """Place of the published value."""
        return _place(self.published or 0.0)


@dataclass(frozen=True)
class AgreementRow:
    """One modality.

    Attributes:
        found: everything that was computed.
        coefficients: kappa, alpha, and the alpha of the sentiment where there is one.
    """

    modality: str
    perceived: str
    found: Agreement
    coefficients: tuple[Coefficient, ...]


def annotator_agreement(corpus: Corpus, *, resamples: int) -> tuple[AgreementRow, ...]:
    """Return the agreement in each modality that has two votes for some row; none where nothing was judged."""
    if not corpus.has("annotations"):
        return ()
    modalities: tuple[Modality, ...] = MODALITIES if corpus.name == "emotalk" else ("multimodal",)
    rows = []
    for modality in modalities:
        found = agreement(corpus.whole, modality=modality, resamples=resamples)
        if not found.num_rows_used:
            continue
        published = _published_kappa(corpus.name, modality)
        coefficients = [
            _coefficient("Fleiss’ kappa", found.fleiss_kappa, published),
            _coefficient("Krippendorff’s alpha", found.krippendorff_alpha, None),
        ]
        if found.sentiment_alpha is not None and not math.isnan(found.sentiment_alpha.estimate):
            coefficients.append(_coefficient("alpha of the sentiment", found.sentiment_alpha, None))
        rows.append(AgreementRow(modality, PERCEIVED[modality], found, tuple(coefficients)))
    return tuple(rows)


def _published_kappa(corpus: CorpusName, modality: Modality) -> float | None:
    """Return the kappa that was published for all splits together."""
    table = (EMOTALK_PUBLISHED if corpus == "emotalk" else M3ED_PUBLISHED).tables["agreement"]
    (row,) = (row for row in table.rows if PAPERS_WORDS.get(row.name, "multimodal") == modality)
    printed = row.printed[table.columns.index(TOTAL)]
    return None if printed is None else float(printed)


def _coefficient(name: str, interval: Interval, published: float | None) -> Coefficient:
    return Coefficient(name, interval.estimate, interval.low, interval.high, published)


def _place(value: float) -> float:
    """Return a place in percent; agreement below chance stands at 0, and its number says so."""
    return 0.0 if math.isnan(value) else round(100 * min(max(value, 0.0), 1.0), 3)
