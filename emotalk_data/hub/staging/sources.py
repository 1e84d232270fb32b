"""What was given to be published, and what its configs are called."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from emotalk_data.builder.folder_paths import absolute_folder
from emotalk_data.errors import OptionError, quote
from emotalk_data.hub.staged import CARD_NAME, CROISSANT_NAME
from emotalk_data.schemas.feature_shard import Level

__all__ = ["Source", "Sources", "check_apart", "check_names", "chosen_levels", "named_sources"]

Sources: TypeAlias = (
    str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]] | Sequence[str | os.PathLike[str]]
)
"""One path; several; or the name of each config and its path."""

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,94}")
_LEVELS: Final[tuple[Level, ...]] = ("utterance", "frame")


class Source(NamedTuple):
    """One path that was given.

    Attributes:
        path: absolute, without links.
        name: of its config; None where it is to be found in the source.
    """

    path: Path
    name: str | None

    def config_name(self, own: str) -> str:
        """Return the name of its config.

        Args:
            own: what the source calls itself.

        Raises:
            OptionError: it cannot be the name of a config.
        """
        name = self.name if self.name is not None else own
        if _NAME.fullmatch(name) and name.casefold() not in (CARD_NAME.casefold(), CROISSANT_NAME.casefold()):
            return name
        raise OptionError(
            f"the config of {quote(str(self.path), 160)} would be called {quote(name)}; expected letters, "
            f"digits, `_`, `-` and `.`, none of the last two first, 95 at most. Give it a name: "
            f'{{"name": {quote(self.path.name, 40)}}}, or NAME=PATH.',
            path=str(self.path),
        )


def named_sources(sources: Sources) -> list[Source]:
    """Return the paths that were given, with their names.

    Raises:
        OptionError: nothing was given, nothing is there, or it is no path.
    """
    if isinstance(sources, Mapping):
        pairs: list[tuple[str | None, object]] = [(name, path) for name, path in sources.items()]
        if odd := [name for name, _ in pairs if not isinstance(name, str)]:
            raise OptionError(f"a config is called {quote(odd[0])}; expected text.")
    elif isinstance(sources, Sequence) and not isinstance(sources, str | bytes):
        pairs = [(None, path) for path in sources]
    else:
        pairs = [(None, sources)]
    if not pairs:
        raise OptionError("nothing to publish was given; expected the path of a feature set, or several.")
    return [Source(_there(path), name) for name, path in pairs]


def check_names(configs: Iterable[tuple[str, Path]]) -> None:
    """Make sure that no two configs have one name: folders may not tell `A` from `a`.

    Args:
        configs: the name of each, and the source that it is of.

    Raises:
        OptionError: two do.
    """
    seen: dict[str, tuple[str, Path]] = {}
    for name, path in configs:
        if name.casefold() in seen:
            other, first = seen[name.casefold()]
            alike = quote(name) if other == name else f"{quote(other)} and {quote(name)}"
            raise OptionError(
                f"two configs would be called {alike}: of {quote(str(first), 120)} and {quote(str(path), 120)}. "
                f'Name them: {{"one": PATH, "other": PATH}}, or NAME=PATH.'
            )
        seen[name.casefold()] = name, path


def check_apart(paths: Iterable[Path], folder: Path) -> None:
    """Make sure that neither a source nor the staging folder is inside of the other.

    Raises:
        OptionError: one is.
    """
    staging = folder.resolve()
    for path in paths:
        if staging == path or staging in path.parents or path in staging.parents:
            raise OptionError(
                f"the staging folder {quote(str(folder), 160)} and the source {quote(str(path), 160)} lie inside "
                f"of each other. Give another staging folder.",
                path=str(path),
            )


def chosen_levels(levels: Sequence[Level] | None) -> tuple[Level, ...] | None:
    """Return the levels that were asked for, vectors of utterances first; None for all that there are.

    Raises:
        OptionError: there is no such level, or none was asked for.
    """
    if levels is None:
        return None
    asked = [levels] if isinstance(levels, str) else list(levels)
    odd = [one for one in asked if one not in _LEVELS]
    if odd or not asked:
        given = quote(odd[0]) if odd else "empty"
        raise OptionError(f"levels is {given}; expected 'utterance', 'frame', both, or None for all.")
    return tuple(level for level in _LEVELS if level in asked)


def _there(given: object) -> Path:
    path = absolute_folder(given, "what is to be published")
    try:
        return path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise OptionError(
            f"there is nothing to publish at {quote(str(path), 200)}: {getattr(error, 'strerror', error)}.",
            path=str(path),
        ) from error
