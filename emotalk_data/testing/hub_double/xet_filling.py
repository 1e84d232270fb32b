"""Fill a store of Xet with files, in a process of its own: hf_xet starts threads and holds the store.

    python -m emotalk_data.testing.hub_double.xet_filling STORE < PATHS

One path a line comes in, one hash a line goes out.
"""

from __future__ import annotations

import sys
import time

__all__ = ["fill"]

_DAY_SECONDS = 86_400


def fill(address: str, paths: list[str]) -> list[str]:
    """Put files into a store. Returns what Xet calls each."""
    import hf_xet  # type: ignore[import-untyped]

    until = int(time.time()) + _DAY_SECONDS
    upload = hf_xet.XetSession().new_upload_commit(address, "no secret", until)
    with upload:
        tasks = [upload.start_upload_file(path, sha256=hf_xet.COMPUTE_SHA256) for path in paths]
    return [task.result().xet_info.hash for task in tasks]


if __name__ == "__main__":
    sys.stdout.writelines(f"{found}\n" for found in fill(sys.argv[1], sys.stdin.read().splitlines()))
