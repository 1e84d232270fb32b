"""A claim is judged by the median of the rounds' ratios, and not at all where its peer is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.claims import Claim, claims
from benchmarks.measure import Result, Role, Section
from benchmarks.media_claims import media_claims, round_ratios

STOCK = "datasets (AudioDecoder)"


def result(*seconds: float, value: int = 1, role: Role = "peer") -> Result:
    return Result(seconds=list(seconds), value=value, role=role)


def section(suite: str, results: dict[str, Result], facts: dict[str, float] | None = None) -> Section:
    return Section(suite, {"Python": "3.11.0"}, "made-up results", True, results, facts or {})


def line(of: Section, what: str, claim: str) -> Claim:
    (found,) = [one for one in claims(of) if one.what.startswith(what) and one.claim == claim]
    return found


def test_a_ratio_is_taken_within_each_round() -> None:
    # The machine was half as fast in the second round, for both.
    assert round_ratios(result(1.0, 2.0), result(3.0, 6.0)) == [3.0, 3.0]
    assert round_ratios(result(1.0, value=10), result(1.0, value=5)) == [2.0]


@pytest.mark.parametrize(("peer_seconds", "holds"), [((60.0, 61.0, 59.0), True), ((59.0,) * 3, False)])
def test_a_ratio_holds_from_its_limit_on(peer_seconds: tuple[float, ...], holds: bool) -> None:
    results = {
        "whole/ours, file": result(1.0, 1.0, 1.0),
        f"whole/{STOCK}, file": result(*peer_seconds),
    }
    found = line(section("audio", results), "whole wav from file, against datasets", "≥ 60×")
    assert found.holds is holds
    assert found.verdict == ("yes" if holds else "NO")


def test_the_spread_over_the_rounds_is_shown() -> None:
    results = {"whole/ours, file": result(0.001, 0.001), f"whole/{STOCK}, file": result(0.070, 0.090)}
    found = line(section("audio", results), "whole wav from file, against datasets", "≥ 60×")
    assert found.measured.startswith("80.0× (70.0 to 90.0): 1,000 / 12.5 a second")


def test_time_over_a_limit_is_judged_the_other_way_round() -> None:
    results = {"whole/ours, file": result(0.0015), "whole/bare pread and numpy": result(0.0010)}
    found = line(section("audio", results), "whole wav from file, time", "≤ 1.5×")
    assert found.holds is True
    results["whole/ours, file"] = result(0.0016)
    assert line(section("audio", results), "whole wav from file, time", "≤ 1.5×").holds is False


def test_the_fastest_of_several_peers_counts() -> None:
    results = {
        "8 frames, 1 thread/ours": result(0.010),
        "8 frames, 1 thread/torchcodec, exact": result(0.020),
        "8 frames, 1 thread/torchcodec, approximate": result(0.014),
    }
    found = line(section("video", results), "8 uniform frames", "≥ 1.45×")
    assert found.holds is False
    assert found.measured == "1.40× (1.40 to 1.40): 100 / 71.4 a second, torchcodec, approximate"


def test_a_missing_peer_leaves_a_claim_unjudged_and_says_so() -> None:
    results = {
        "whole/ours, file": result(0.001),
        f"whole/{STOCK}, file": Result(error="not installed: torchcodec"),
    }
    found = line(section("audio", results), "whole wav from file, against datasets", "≥ 60×")
    assert (found.holds, found.verdict, found.measured) == (None, "not judged", "not installed: torchcodec")


def test_one_missing_peer_of_several_can_refute_nothing_and_prove_nothing() -> None:
    ours, peer = "native/ours: DataLoader, 0 workers, Arrow", "native/litdata, 0 workers"
    results = {ours: result(1.0, value=100), peer: result(2.0, value=100)}
    found = line(section("epoch", results), "DataLoader, 0 workers, from Arrow", "≥ 1×")
    assert found.holds is None
    assert "without" in found.measured
    results[peer] = result(0.5, value=100)  # faster than ours: the others cannot mend that
    assert line(section("epoch", results), "DataLoader, 0 workers, from Arrow", "≥ 1×").holds is False


def test_a_task_of_ours_that_failed_is_told_with_its_reason() -> None:
    results = {"whole/ours, file": Result(error="no such thing"), f"whole/{STOCK}, file": result(0.1)}
    found = line(section("audio", results), "whole wav from file, against datasets", "≥ 60×")
    assert (found.holds, found.measured) == (None, "could not run: no such thing")


def test_what_is_counted_is_judged_by_the_median_of_the_rounds() -> None:
    loader = "native/ours: loader, 2 threads, Arrow"
    results = {loader: replace(result(1.0, value=1), extras={"first_batch": [0.05, 0.3, 0.09]})}
    found = line(section("epoch", results), "loader, 2 threads, from Arrow: the first batch", "≤ 0.1 s")
    assert (found.holds, found.measured) == (True, "0.09 s")
    facts = {"samples_that_differ_from_soundfile": 1.0}
    assert line(section("audio", {}, facts), "samples that differ", "≤ 0").holds is False


@pytest.mark.parametrize("suite", ["audio", "video", "epoch"])
def test_without_results_no_claim_is_judged(suite: str) -> None:
    assert {claim.holds for claim in media_claims(section(suite, {}))} == {None}


def test_a_quick_run_judges_nothing() -> None:
    results = {"whole/ours, file": result(0.001), f"whole/{STOCK}, file": result(0.1)}
    full = section("audio", results)
    assert line(full, "whole wav from file, against datasets", "≥ 60×").holds is True
    assert {claim.holds for claim in claims(replace(full, is_full_size=False))} == {None}


def test_the_suite_load_is_judged_by_medians() -> None:
    names = (
        *("cold_load", "json_loop", "warm_load", "stat_loop", "audiofolder", "import_package", "nothing"),
        *("help", "first_clip", "first_clip_stock", "import_datasets", "validate", "validate_part"),
        *("check_jsonschema", "jsonschema", "jsonschema_rs"),
    )
    results = {name: Result([1.0], [1.0], 100.0, 1_000) for name in names}
    results["cold_load"] = Result([4.1, 3.9, 40.0], [5.0] * 3, 100.0, 1_000)
    results["validate_part"] = Result([0.5], [0.5], 100.0, 500)
    of = section("load", results)
    assert line(of, "cold load against a bare json.load loop", "≤ 4×").holds is False
    assert line(of, "peak memory of the cold load", "< 1,500 MiB").holds is True
    results["audiofolder"] = Result(error="not installed: torchcodec")
    assert line(of, "utterances per second against audiofolder", "≥ 10×").holds is None
