"""What we claim of loading, validation and start-up, worked out from the medians of one run."""

from __future__ import annotations

from benchmarks.claims import Claim
from benchmarks.measure import Result

_400_MB_IN_MIB = 400e6 / 2**20


def load_claims(results: dict[str, Result]) -> list[Claim]:
    """Judge every claim of the suite `load`."""
    table = [
        _ratio(
            results,
            "cold load against a bare json.load loop over the same files",
            "cold_load",
            "json_loop",
            4.0,
        ),
        _seconds(results, "warm load (floor: listing and stat alone)", "warm_load", 0.5, floor="stat_loop"),
        _memory(results, "peak memory of the cold load", "cold_load", 1_500),
        _throughput(results, "utterances per second against audiofolder", "cold_load", "audiofolder", 10.0),
        _difference(
            results, "import emotalk_data, over a bare interpreter", "import_package", "nothing", 0.030
        ),
        _seconds(results, "emotalk --help, the whole process", "help", 0.150),
    ]
    table.append(_first_clip(results))
    return table + _validation(results)


def _validation(results: dict[str, Result]) -> list[Claim]:
    ratio = "validate against a bare json.load loop over the same files"
    rate = "records per second of validate against {} on the same records"
    return [
        _ratio(results, ratio, "validate", "json_loop", 3.5),
        _memory(results, "peak memory of validate (400 MB)", "validate", _400_MB_IN_MIB),
        _memory_of_a_million(results),
        _throughput(results, rate.format("check-jsonschema"), "validate", "check_jsonschema", 20.0),
        _throughput(results, rate.format("jsonschema"), "validate", "jsonschema", None),
        _throughput(results, rate.format("jsonschema-rs"), "validate", "jsonschema_rs", None),
    ]


def _memory_of_a_million(results: dict[str, Result]) -> Claim:
    what = "peak memory of validate, extrapolated to a million utterances"
    claim = f"< {_400_MB_IN_MIB:,.0f} MiB"
    whole, part = results["validate"], results["validate_part"]
    missing = _missing(what, claim, [whole, part])
    if missing:
        return missing
    num_more = 1_000_000 - whole.value / 4  # four records an utterance
    growth = (whole.peak_mib - part.peak_mib) / (whole.value / 4 - part.value / 4)
    peak_mib = whole.peak_mib + max(growth, 0.0) * num_more
    return Claim(what, f"{peak_mib:,.0f} MiB", claim, peak_mib < _400_MB_IN_MIB)


def _first_clip(results: dict[str, Result]) -> Claim:
    what, claim = "fresh process to its first decoded utterance", "< 1 s"
    ours, floor, stock = (results[name] for name in ("first_clip", "import_datasets", "first_clip_stock"))
    missing = _missing(what, claim, [ours, floor])
    if missing:
        return missing
    measured = f"{ours.median_wall:.2f} s (`import datasets` alone: {floor.median_wall:.2f} s"
    if stock.seconds:
        measured += f"; stock datasets: {stock.median_wall:.2f} s"
    return Claim(what, measured + ")", claim, ours.median_wall < 1.0)


def _missing(what: str, claim: str, results: list[Result]) -> Claim | None:
    if all(result.seconds for result in results):
        return None
    return Claim(what, next(result.error for result in results if result.error), claim, None)


def _ratio(results: dict[str, Result], what: str, name: str, base: str, limit: float) -> Claim:
    ours, floor = results[name], results[base]
    claim = f"≤ {limit:g}×"
    missing = _missing(what, claim, [ours, floor])
    if missing:
        return missing
    ratio = ours.median / floor.median
    return Claim(what, f"{ratio:.2f}× ({ours.median:.2f} s / {floor.median:.2f} s)", claim, ratio <= limit)


def _throughput(
    results: dict[str, Result], what: str, name: str, peer_name: str, limit: float | None
) -> Claim:
    """Judge our rate over a peer's; without a limit it is only told."""
    ours, peer = results[name], results[peer_name]
    claim = f"≥ {limit:g}×" if limit is not None else "none"
    missing = _missing(what, claim, [ours, peer])
    if missing:
        return missing
    rates = (ours.value / ours.median, peer.value / peer.median)
    measured = f"{rates[0] / rates[1]:.1f}× ({rates[0]:,.0f} / {rates[1]:,.0f} a second)"
    return Claim(what, measured, claim, None if limit is None else rates[0] >= limit * rates[1])


def _seconds(
    results: dict[str, Result], what: str, name: str, limit: float, *, floor: str | None = None
) -> Claim:
    result = results[name]
    claim = f"≤ {limit:g} s"
    missing = _missing(what, claim, [result])
    if missing:
        return missing
    measured = f"{result.median:.3f} s"
    if floor is not None and results[floor].seconds:
        measured += f" (floor: {results[floor].median:.3f} s)"
    return Claim(what, measured, claim, result.median <= limit)


def _memory(results: dict[str, Result], what: str, name: str, limit: float) -> Claim:
    result = results[name]
    claim = f"< {limit:,.0f} MiB"
    missing = _missing(what, claim, [result])
    return missing or Claim(what, f"{result.peak_mib:,.0f} MiB", claim, result.peak_mib < limit)


def _difference(results: dict[str, Result], what: str, name: str, base: str, limit: float) -> Claim:
    ours, floor = results[name], results[base]
    claim = f"< {limit * 1000:g} ms"
    missing = _missing(what, claim, [ours, floor])
    if missing:
        return missing
    difference = ours.median - floor.median
    return Claim(what, f"{difference * 1000:.1f} ms", claim, difference < limit)
