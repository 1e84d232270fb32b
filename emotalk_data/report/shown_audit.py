"""What the splits share, from the audit, as the page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import datasets

from emotalk_data.report.corpus import Corpus
from emotalk_data.report.shown_text import plural, shown
from emotalk_data.views.splitting.split_audit import audit_splits
from emotalk_data.views.splitting.split_findings import Finding, SplitAudit

__all__ = ["AffectedRows", "ShownFinding", "SplitFindings", "split_findings"]

_SHOWN_ITEMS: Final = 8
_MAX_ITEM_CHARS: Final = 60
_MANY: Final = {"series": "series"}


@dataclass(frozen=True)
class AffectedRows:
    """Rows of one split that a finding is about; `share` of its rows, 0 to 1."""

    split: str
    count: int
    share: float


@dataclass(frozen=True)
class ShownFinding:
    """One finding.

    Attributes:
        is_leak: what one split teaches can be met again in another; else it is only worth knowing.
        headline: what is shared, in a few words.
        items: some of what is shared.
        num_more: how many more there are.
        is_speech: the items are transcripts.
        is_about_people: the items are speakers.
        affected: by split.
    """

    is_leak: bool
    headline: str
    items: tuple[str, ...]
    num_more: int
    is_speech: bool
    is_about_people: bool
    affected: tuple[AffectedRows, ...]


@dataclass(frozen=True)
class SplitFindings:
    """The audit; `findings` has the leaks first."""

    audit: SplitAudit
    findings: tuple[ShownFinding, ...]


def split_findings(corpus: Corpus) -> SplitFindings | None:
    """Audit the splits; None where fewer than two of them have rows, which can share nothing."""
    filled = {name: rows for name, rows in corpus.splits.items() if rows.num_rows}
    if len(filled) < 2:
        return None
    audit = audit_splits(datasets.DatasetDict(filled))
    return SplitFindings(audit, tuple(map(_shown, audit.findings)))


def _shown(finding: Finding) -> ShownFinding:
    return ShownFinding(
        is_leak=finding.severity == "leak",
        headline=_headline(finding),
        items=tuple(shown(item, _MAX_ITEM_CHARS) for item in finding.shared[:_SHOWN_ITEMS]),
        num_more=len(finding.shared[_SHOWN_ITEMS:]),
        is_speech=finding.kind in ("transcript", "short transcript"),
        is_about_people=finding.kind == "speaker",
        affected=tuple(
            AffectedRows(split, count, finding.shares[split]) for split, count in finding.num_rows.items()
        ),
    )


def _headline(finding: Finding) -> str:
    if finding.kind == "label":
        return f"{finding.splits[0]}: rows without a label"
    shared = plural(len(finding.shared), finding.kind, _MANY.get(finding.kind, ""))
    return f"{' and '.join(finding.splits)} share {shared}"
