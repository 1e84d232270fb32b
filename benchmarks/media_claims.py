"""What we claim of sound, pictures, epochs and features, worked out round by round from one interleaved run.

A ratio is taken within each round, where both sides met the same weather; the median over the rounds is
judged, and the smallest and largest are shown beside it.
"""

from __future__ import annotations

import statistics

from benchmarks.claims import Claim
from benchmarks.measure import NOT_INSTALLED, Result, Section
from benchmarks.media_rules import RULES, Counted, Faster, Rule, Within


def media_claims(section: Section) -> list[Claim]:
    """Judge every claim of the suite but `load`."""
    return [_judged(rule, section) for rule in RULES[section.suite]()]


def round_ratios(ours: Result, base: Result) -> list[float]:
    """Return, round by round, how many times as much ours does in a second as `base`."""
    pairs = zip(ours.seconds, base.seconds, strict=False)
    return [(ours.value / mine) / (base.value / theirs) for mine, theirs in pairs]


def _judged(rule: Rule, section: Section) -> Claim:
    if isinstance(rule, Counted):
        return _counted(rule, section)
    if isinstance(rule, Within):
        return _within(rule, section.results)
    return _faster(rule, section.results)


def _faster(rule: Faster, results: dict[str, Result]) -> Claim:
    claim = "none" if rule.at_least is None else f"≥ {rule.at_least:g}×"
    what = f"{rule.what}, against {_names(rule.peers)}"
    ours = results.get(rule.ours, Result())
    there = [name for name in rule.peers if name in results and results[name].seconds]
    absent = [name for name in rule.peers if name not in there]
    if not ours.seconds or not there:
        return Claim(what, _why(rule.ours if not ours.seconds else rule.peers[0], results), claim, None)
    ratios_of = {name: round_ratios(ours, results[name]) for name in there}
    best = min(there, key=lambda name: statistics.median(ratios_of[name]))
    ratios = ratios_of[best]
    ratio = statistics.median(ratios)
    measured = f"{_times(ratio, ratios)}: {_rate(ours)} / {_rate(results[best])} a second"
    if len(rule.peers) > 1:
        measured += f", {_label(best)}"
    holds = None if rule.at_least is None else ratio >= rule.at_least
    if absent:
        measured += f"; without {_names(tuple(absent))}"
        holds = False if holds is False else None  # one that was not measured may be faster still
    return Claim(what, measured, claim, holds)


def _within(rule: Within, results: dict[str, Result]) -> Claim:
    claim = "none" if rule.at_most is None else f"≤ {rule.at_most:g}×"
    what = f"{rule.what}, time against {_label(rule.limit)}"
    ours, limit = (results.get(name, Result()) for name in (rule.ours, rule.limit))
    if not ours.seconds or not limit.seconds:
        return Claim(what, _why(rule.ours if not ours.seconds else rule.limit, results), claim, None)
    ratios = [1 / ratio for ratio in round_ratios(ours, limit)]
    ratio = statistics.median(ratios)
    each = [_milliseconds(result) for result in (ours, limit)]
    measured = f"{_times(ratio, ratios)}: {each[0]} / {each[1]} ms"
    return Claim(what, measured, claim, None if rule.at_most is None else ratio <= rule.at_most)


def _counted(rule: Counted, section: Section) -> Claim:
    unit = f" {rule.unit}" if rule.unit else ""
    claim = _bound(rule, unit)
    if rule.task:
        values = section.results.get(rule.task, Result()).extras.get(rule.fact, [])
    else:
        values = [section.facts[rule.fact]] if rule.fact in section.facts else []
    if not values:
        missing = _why(rule.task, section.results) if rule.task else "not measured"
        return Claim(rule.what, missing, claim, None)
    value = statistics.median(values)
    text = f"{value:,.0f}" if value == int(value) else f"{value:,.3g}"
    return Claim(rule.what, text + unit, claim, _is_within(rule, value))


def _bound(rule: Counted, unit: str) -> str:
    """Return what is claimed of a number."""
    if rule.at_most is not None:
        return f"≤ {rule.at_most:,.3g}{unit}"
    return "none" if rule.at_least is None else f"≥ {rule.at_least:,.3g}{unit}"


def _is_within(rule: Counted, value: float) -> bool | None:
    """Say whether a number is as claimed; None where nothing is."""
    if rule.at_most is not None:
        return value <= rule.at_most
    return None if rule.at_least is None else value >= rule.at_least


def _why(name: str, results: dict[str, Result]) -> str:
    if name in results and results[name].error:
        error = results[name].error
        return error if error.startswith(NOT_INSTALLED) else f"could not run: {error}"
    return "not measured"


def _times(ratio: float, ratios: list[float]) -> str:
    digits = 2 if ratio < 10 else 1 if ratio < 100 else 0
    low, high = min(ratios), max(ratios)
    return f"{ratio:,.{digits}f}× ({low:,.{digits}f} to {high:,.{digits}f})"


def _rate(result: Result) -> str:
    return f"{result.rate:,.0f}" if result.rate >= 100 else f"{result.rate:.1f}"


def _milliseconds(result: Result) -> str:
    each = 1_000 / result.rate
    return f"{each:.3f}" if each < 1 else f"{each:.1f}"


def _label(name: str) -> str:
    return name.rpartition("/")[2]


def _names(names: tuple[str, ...]) -> str:
    """Name a task, or the peer that several are; of several peers say how many: the tables below list them."""
    labels = [_label(name) for name in names]
    if len(labels) == 1:
        return labels[0]
    stems = sorted({label.split(",")[0] for label in labels})
    return f"{stems[0]}, its best setting" if len(stems) == 1 else f"the fastest of {len(stems)} peers"
