"""Runs pieces of code one after the other and says of each what came of it: a program, for `probes` alone.

One process for all: torch is imported once, which most of the others import too. It gets
`[timeout in seconds, [[name, code, name of what it needs], …]]` as JSON, and writes a line for each: before it is
tried `[name]`, afterwards `[name, answer]`, or `[name, null, "last line of its error"]`.
"""

import faulthandler
import json
import os
import sys
from typing import Final

__all__ = ["START", "main"]

START: Final = "\x1e"  # no import says this by itself


def _tell(*values: object) -> None:
    """Write a line that is seen even if the next import kills the process."""
    os.write(1, f"\n{START}{json.dumps(values)}\n".encode())


def main() -> None:
    """Try all; a piece whose need failed is not tried."""
    timeout_seconds, pieces = json.loads(sys.argv[1])
    failed = set()
    for name, code, needed in pieces:
        if needed in failed:
            failed.add(name)
            continue
        _tell(name)
        faulthandler.dump_traceback_later(timeout_seconds, exit=True)  # also where an import never yields
        try:
            values: dict[str, object] = {}
            exec(code, values)  # noqa: S102  # our own
            _tell(name, values["answer"])
        except BaseException as error:
            failed.add(name)
            _tell(name, None, f"{type(error).__name__}: {error}")
        faulthandler.cancel_dump_traceback_later()
    os._exit(0)  # what packages do at the end takes longer than all that matters here


if __name__ == "__main__":
    main()
