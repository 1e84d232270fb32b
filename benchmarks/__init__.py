"""What we claim about speed, each claim against its peers in one interleaved run.

    python -m benchmarks                    everything, full size; an hour and more
    python -m benchmarks --suite audio      one of load, audio, video, epoch
    python -m benchmarks --quick            small data, few rounds, no claim judged: that everything still runs
    python -m benchmarks --from a.json b.json --markdown docs/performance.md --plot docs/performance.svg
                                            nothing is measured: one page from what was measured before

Only ratios carry over from one machine to another; the seconds are printed so that a ratio can be judged. A peer
that is not installed is said to be missing; a claim about it is then not judged.

    __main__ ── suites            what each suite makes and runs
                  ├── data        wavs, tars, clips, an episode, a release
                  ├── measure     fresh processes and interleaved calls; `Section`, what one suite measured
                  └── tasks/      what is measured: load, audio, video, epoch, us and the peers
             ── claims            a section's claims, judged: load_claims; media_claims by media_rules
             ── page, page_text   docs/performance.md, and the words in it
             ── plot, plot_rows   its picture, and which bars that shows
"""
