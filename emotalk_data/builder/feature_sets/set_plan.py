"""`plan.json`: which shards a set is to have, also of splits of which none is there yet."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from emotalk_data.archives.ranges import open_regular
from emotalk_data.errors import CacheCorruptError, EmotalkError, ReleaseNotFoundError, quote
from emotalk_data.schemas.feature_shard import PLAN_NAME, SetPlan
from emotalk_data.schemas.strict_json import REMEDY, read_json

__all__ = ["damaged_plan", "merge_plan", "read_plan"]

_MAX_BYTES: Final = 1 << 20


def read_plan(folder: Path) -> SetPlan | None:
    """Read the plan of a set; None where there is none: sets of before have none, and copies may not.

    Args:
        folder: of the set.

    Raises:
        CacheCorruptError: it is damaged; says what to do.
    """
    path = folder / PLAN_NAME
    try:
        with open_regular(str(path)) as (descriptor, _status):
            raw = os.pread(descriptor, _MAX_BYTES + 1, 0)
        if len(raw) > _MAX_BYTES:
            raise damaged_plan(folder, f"it has more than {_MAX_BYTES:,} bytes")
        values = read_json(raw, file=PLAN_NAME)
    except ReleaseNotFoundError as error:
        if path.is_symlink():
            raise damaged_plan(folder, "it is a link to a file that is not there") from error
        return None
    except CacheCorruptError:
        raise
    except EmotalkError as error:
        raise damaged_plan(folder, error.message.removesuffix(REMEDY).rstrip(".")) from error
    try:
        return SetPlan.model_validate(values, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        later = "; a later version wrote it" if first["loc"] == ("version",) else ""
        raise damaged_plan(folder, f"{quote(where)[1:-1]}: {first['msg']}{later}") from error


def merge_plan(old: SetPlan | None, new: SetPlan) -> SetPlan:
    """Return the plan of a set to which a run adds splits, or makes some of them anew.

    Args:
        old: the plan that is there; None where there is none.
        new: that of the run: of a split that both have, this is what counts.
    """
    return new if old is None else new.model_copy(update={"splits": {**old.splits, **new.splits}})


def damaged_plan(folder: Path, problem: str) -> CacheCorruptError:
    """Return the error for a plan that cannot be used."""
    path = str(folder / PLAN_NAME)
    return CacheCorruptError(
        f"the plan {quote(path, 200)} cannot be used: {problem}. Run the same `emotalk features extract` "
        f"again: it writes the plan anew, and makes only shards that are missing.",
        path=path,
    )
