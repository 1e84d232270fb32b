"""Put the members of a made-up release on disk: as a tree of files, or as one tar per top folder."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from emotalk_data.errors import OptionError, quote

__all__ = ["Members", "refuse_existing", "write_tars", "write_tree", "zip_bytes"]

# Member name with forward slashes -> what makes its bytes. Media is made when it is written, one at a time.
Members = Mapping[str, Callable[[], bytes]]

# One fixed moment, so that the same arguments give the same archive.
_MTIME = 1_735_689_600
_ZIP_TIME = (2025, 1, 1, 0, 0, 0)


def refuse_existing(root: Path, names: Iterable[str]) -> None:
    """Raise if `root` already holds one of `names`: old files would make the recorded truth a lie.

    Raises:
        OptionError: one is there.
    """
    for name in names:
        if (root / name).exists():
            raise OptionError(f"{quote(str(root / name))} exists already. Pass an empty folder as root.")


def write_tree(root: Path, members: Members) -> None:
    """Write each member below `root`, in the order of names."""
    for name in sorted(members):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(members[name]())


def write_tars(root: Path, members: Members, *, gzipped: Collection[str] = ()) -> None:
    """Write one `<top folder>.tar` per top folder of `members`.

    Folders are members too, as in archives that GNU tar makes; all are sorted by name, so in this layout
    every JSON file comes before the first wav or mp4.

    Args:
        root: folder for the archives.
        members: what goes in.
        gzipped: top folders whose archive is gzip data, still under the name `.tar`.
    """
    root.mkdir(parents=True, exist_ok=True)
    for top in sorted({name.partition("/")[0] for name in members}):
        inside = {name: make for name, make in members.items() if name.startswith(f"{top}/")}
        path = root / f"{top}.tar"
        if top in gzipped:
            # No file name and no time in the gzip header: both would differ from run to run.
            with (
                path.open("wb") as raw,
                gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as packed,
                tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as archive,
            ):
                _add_sorted(archive, inside)
        else:
            with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
                _add_sorted(archive, inside)


def _add_sorted(archive: tarfile.TarFile, members: Members) -> None:
    folders = {
        "/".join(name.split("/")[:depth]) for name in members for depth in range(1, name.count("/") + 1)
    }
    for name in sorted([*members, *folders]):
        info = tarfile.TarInfo(name)
        info.mtime = _MTIME
        if name in members:
            data = members[name]()
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        else:
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)


def zip_bytes(members: Members) -> bytes:
    """Return an uncompressed zip of `members`, sorted by name."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), members[name]())
    return out.getvalue()
