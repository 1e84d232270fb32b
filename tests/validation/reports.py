"""Reports for the tests of the outputs."""

from __future__ import annotations

from emotalk_data.loaders.report import Report
from emotalk_data.schemas.problems import Problem

__all__ = ["report_of"]


def report_of(*problems: Problem, root: str = "release") -> Report:
    """Return a report of EmotionTalk with some problems in it."""
    report = Report("emotalk")
    report.root = root
    report.extend(problems)
    return report
