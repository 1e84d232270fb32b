"""The protocol `mediafragment://`: a time window of a file, for libraries that ask fsspec about every path.

`datasets` asks for the size of each media path before it writes Parquet or Arrow files, and copies local files
into the rows when it saves or uploads a dataset. A window of a TV episode must neither be looked up as a file
(there is no file of that name) nor be copied (its file is a whole episode, and under copyright). So such a path
is written `mediafragment:///data/tv/anjia_02.mp4#t=2.32,3.44`; fsspec finds this class by an entry point of the
package, and learns that the path is a reference that holds no bytes of its own. Clips read it by `open_source`.
"""

from __future__ import annotations

from typing import Any, NoReturn

from fsspec.spec import AbstractFileSystem

from emotalk_data.errors import PathError, quote

__all__ = ["MediaFragmentFileSystem"]


class MediaFragmentFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Answers for references; it opens nothing."""

    protocol = "mediafragment"

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        """Say that the path is a file without bytes of its own; whether its file is there is not looked up."""
        return {"name": path, "size": 0, "type": "file"}

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> NoReturn:  # noqa: ARG002
        """Refuse.

        Raises:
            PathError: always: whoever opens it would copy the whole file, and not the window.
        """
        raise PathError(
            f"{quote(path)} is a time window of a larger file and is not copied: row['video'] and row['audio'] "
            f"decode it. Leave it out before you upload: ds.remove_columns(['audio', 'video']).",
            path=path,
        )
