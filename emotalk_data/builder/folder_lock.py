"""One writer a folder: a lock that no file stands for, and that a kill takes away."""

from __future__ import annotations

import fcntl
from pathlib import Path

from emotalk_data.errors import OptionError, quote

__all__ = ["lock_folder"]


def lock_folder(descriptor: int, path: Path, *, is_shared: bool = False) -> None:
    """Lock the folder itself, until its descriptor is closed, also by a kill: no file stays behind.

    Args:
        descriptor: of the open folder.
        path: its name, for the message.
        is_shared: others that ask so may hold it too: the ranks of one run, which write different files.

    Raises:
        OptionError: another process holds it.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OptionError(
            f"another process writes to {quote(str(path), 200)}. Wait for it, or give another folder."
        ) from error
    except OSError:
        # A file system without locks. Two writers would do the work twice, and both write the same bytes.
        return
