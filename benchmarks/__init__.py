"""What we claim about speed, each claim against its peers in one interleaved run.

    python -m benchmarks              full size: 19,250 utterances, 77,000 JSON files; some minutes
    python -m benchmarks --quick      600 utterances, one round: that everything still runs

Only ratios carry over from one machine to another; the seconds are printed so that a ratio can be judged.
"""
