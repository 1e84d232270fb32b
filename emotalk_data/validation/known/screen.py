"""Everything that keeps a problem out of a report: the configuration first, then the baseline."""

from __future__ import annotations

from emotalk_data.schemas.problems import Problem
from emotalk_data.validation.known.baseline import Baseline, BaselineRecorder
from emotalk_data.validation.known.config import Config

__all__ = ["Screens"]


class Screens:
    """What a `Report` asks of each problem: `Report(corpus, screen=Screens(config, baseline=baseline))`.

    One object may serve several reports, so that several paths share a baseline.

    Args:
        config: passes over what its rules name. That is neither compared with a baseline nor recorded in one.
        baseline: passes over what is known.
        recorder: takes in what the configuration leaves, known or not.
    """

    def __init__(
        self,
        config: Config | None = None,
        *,
        baseline: Baseline | None = None,
        recorder: BaselineRecorder | None = None,
    ) -> None:
        self.config = config if config is not None else Config()
        self.baseline = baseline
        self.recorder = recorder

    def __call__(self, problem: Problem) -> str | None:
        """Return why the problem is passed over, `config` or `baseline`; None when it is not."""
        why = self.config.screen(problem)
        if why is not None:
            return why
        if self.recorder is not None:
            self.recorder.record(problem)
        return self.baseline.screen(problem) if self.baseline is not None else None
