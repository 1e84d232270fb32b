"""What goes wrong with a cache, as errors of this package."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from datasets.exceptions import DatasetGenerationError

from emotalk_data.errors import CacheCorruptError, CacheWriteError, EmotalkError

__all__ = ["typed_cache_errors"]


@contextmanager
def typed_cache_errors(cache_dir: str) -> Iterator[None]:
    """Turn what `datasets` raises while it builds into errors of this package."""
    try:
        yield
    except EmotalkError:
        raise
    except DatasetGenerationError as error:
        cause = error.args[-1] if isinstance(error.args[-1], Exception) else error.__cause__
        if isinstance(cause, EmotalkError):
            raise cause from None
        if isinstance(cause, OSError):
            raise _cannot_write(cache_dir, cause) from cause
        raise
    except OSError as error:
        raise _cannot_write(cache_dir, error) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CacheCorruptError(
            f"dataset_info.json in the cache at {cache_dir} is damaged: {error}. Remove that folder and load "
            f"again.",
            path=cache_dir,
        ) from error


def _cannot_write(cache_dir: str, error: OSError) -> CacheWriteError:
    reason = error.strerror or str(error)
    return CacheWriteError(
        f"cannot write the cache at {cache_dir}: {reason}. Free some space, or pass another cache_dir.",
        path=cache_dir,
    )
