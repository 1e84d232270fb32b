"""The command `emotalk`, one file a verb.

    app       the command itself: finds the verb, and turns what goes wrong into one line and an exit code
    output    what reaches the terminal: tables as wide as Chinese is, nothing that a terminal would obey
    cache, demo, doctor, export, features, info, report, sample, splits, stats, validate    the verbs; each is
              imported only when it is called; `features_*` and `demo_features` are parts of two of them
    options   options that several verbs take
    content   what a loaded corpus holds, for `info`
    checks    what can be wrong with an installation, for `doctor`; with `attempts` at decoding, `extras`, and
              `probes` of packages that may take a process with them, by the program `probe_process`

Importing this package imports click and nothing else that is slow.
"""

from __future__ import annotations

from emotalk_data.cli.app import main

__all__ = ["main"]
