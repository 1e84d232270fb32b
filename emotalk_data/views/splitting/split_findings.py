"""What an audit of splits found, and how it prints itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from emotalk_data.errors import printable
from emotalk_data.schemas.text_table import ShownAsText, text_table

__all__ = ["Finding", "Kind", "LabelShift", "Severity", "SplitAudit", "SplitSummary"]

Kind = Literal[
    "speaker", "group", "series", "dialogue", "utterance", "transcript", "short transcript", "label"
]
Severity = Literal["leak", "note"]

_MAX_CHARS: Final = 40  # as wide as 80 when they are Chinese


@dataclass(frozen=True)
class SplitSummary:
    """One split.

    Attributes:
        name: of the split.
        num_rows: its rows.
        num_dialogues, num_groups, num_speakers: how many different ones; M3ED's groups are series.
        labels: column to label to number of rows; rows without a label are under None.
    """

    name: str
    num_rows: int
    num_dialogues: int
    num_groups: int
    num_speakers: int
    labels: dict[str, dict[str | None, int]]


@dataclass(frozen=True)
class LabelShift:
    """How far the labels of two splits differ; rows without a label are left out.

    Attributes:
        column: the column of labels.
        splits: names of the two.
        total_variation: half the sum of the differences of the shares, 0 to 1; None where one has no label.
        jensen_shannon: divergence in bits, 0 to 1; None likewise.
    """

    column: str
    splits: tuple[str, str]
    total_variation: float | None
    jensen_shannon: float | None


@dataclass(frozen=True)
class Finding:
    """What two splits share, or what one of them lacks.

    Attributes:
        severity: `leak` for speakers, groups, series, dialogues and utterances that two splits share; `note`
            for the rest.
        kind: what is shared.
        splits: names of the two splits, or of the one.
        shared: what they share, sorted: ids, or transcripts without punctuation.
        num_rows: affected rows by split.
        shares: affected rows of all rows, by split, 0 to 1.
    """

    severity: Severity
    kind: Kind
    splits: tuple[str, ...]
    shared: tuple[str, ...]
    num_rows: dict[str, int]
    shares: dict[str, float]

    def __str__(self) -> str:
        rows = "; ".join(
            f"{number:,} {'row' if number == 1 else 'rows'} of {printable(name)} ({self.shares[name]:.1%})"
            for name, number in self.num_rows.items()
        )
        if self.kind == "label":
            return f"{self.severity}  {self.shared[0]} is null in {rows}"
        noun = self.kind if len(self.shared) == 1 or self.kind == "series" else f"{self.kind}s"
        names = " and ".join(map(printable, self.splits))
        return f"{self.severity}  {names} share {len(self.shared):,} {noun}\n      {rows}\n      {self._listed()}"

    def _listed(self) -> str:
        """Return as many names as fit a line."""
        shown: list[str] = []
        for name in map(printable, self.shared):
            if shown and len(", ".join([*shown, name])) > _MAX_CHARS:
                return f"{', '.join(shown)} and {len(self.shared) - len(shown):,} more"
            shown.append(name if len(name) <= _MAX_CHARS else f"{name[:_MAX_CHARS]}…")
        return ", ".join(shown)


@dataclass(frozen=True)
class SplitAudit(ShownAsText):
    """What was found. Printed, it is a table and a line for each finding.

    Attributes:
        corpus: `emotalk` or `m3ed`.
        splits: in the order of the dict.
        findings: leaks first.
        shifts: of each column of labels and each two splits.
    """

    corpus: Literal["emotalk", "m3ed"]
    splits: tuple[SplitSummary, ...]
    findings: tuple[Finding, ...]
    shifts: tuple[LabelShift, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is no leak. Notes do not count."""
        return not self.leaks

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """The findings of severity `leak`."""
        return tuple(finding for finding in self.findings if finding.severity == "leak")

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON ready; rows without a label are under "null"."""
        values = {"is_clean": self.is_clean, **asdict(self)}
        for split in values["splits"]:
            split["labels"] = {
                column: {"null" if label is None else label: number for label, number in counts.items()}
                for column, counts in split["labels"].items()
            }
        return values

    def __str__(self) -> str:
        groups = "groups" if self.corpus == "emotalk" else "series"
        rows = [
            [printable(one.name)]
            + [f"{n:,}" for n in (one.num_rows, one.num_dialogues, one.num_groups, one.num_speakers)]
            for one in self.splits
        ]
        verdict = f"{len(self.leaks)} leaks" if len(self.leaks) != 1 else "1 leak"
        kinds = f"speakers, {groups}, dialogues, utterances"
        lines = [
            f"split audit of {self.corpus}: " + ("no split shares " + kinds if self.is_clean else verdict),
            "",
            text_table(["split", "utterances", "dialogues", groups, "speakers"], rows),
            "",
            *(str(finding) for finding in self.findings),
            *([""] if self.findings else []),
            "label shift: total variation distance / Jensen-Shannon divergence in bits",
            self._shift_table(),
        ]
        return "\n".join(lines)

    def _shift_table(self) -> str:
        columns = list(dict.fromkeys(shift.column for shift in self.shifts))
        cells = {(shift.splits, shift.column): _shown_shift(shift) for shift in self.shifts}
        pairs = list(dict.fromkeys(shift.splits for shift in self.shifts))
        rows = [
            [" - ".join(map(printable, pair)), *(cells[pair, name] for name in columns)] for pair in pairs
        ]
        return text_table(["", *columns], rows)


def _shown_shift(shift: LabelShift) -> str:
    if shift.total_variation is None or shift.jensen_shannon is None:
        return "no labels"
    return f"{shift.total_variation:.3f} / {shift.jensen_shannon:.3f}"
