"""Read the first row of each config and split with plain `datasets`. Run as a script, in a process of its own.

    python -P reload_child.py JOB < TOKEN

JOB is a file: {"repo_id": …, "revision": …, "rows": [[config, split, file to write], …]}. The token, which
may be empty, comes on stdin: neither the command line nor the environment of a process keeps a secret. The
rows go out as Arrow files, so that no number is changed on its way to text.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(job_file: str) -> None:
    """Write the rows that a job asks for."""
    # Whoever loads the repository may not have this package: here nobody has.
    sys.modules["emotalk_data"] = None  # type: ignore[assignment]
    token = sys.stdin.read().strip()
    if token:
        os.environ["HF_TOKEN"] = token

    import datasets
    import pyarrow as pa

    job = json.loads(Path(job_file).read_text(encoding="utf-8"))
    for config, split, out in job["rows"]:
        rows = datasets.load_dataset(
            job["repo_id"], config, split=split, revision=job["revision"], streaming=True
        )
        # As Arrow: plain `datasets` would need a decoder for sound and pictures.
        table = next(iter(rows.with_format("arrow").take(1)))
        with pa.OSFile(out, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)


if __name__ == "__main__":
    main(sys.argv[1])
