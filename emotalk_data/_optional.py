"""The one way to need a package that the core does not install, such as torch; and to tell versions."""

from __future__ import annotations

import importlib
import importlib.metadata
from types import ModuleType

from emotalk_data.errors import MissingDependencyError

__all__ = ["installed_version", "is_usable", "require"]


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import and return `module`, or say which extra to install.

    Args:
        module: name of the module, such as `"torch"`.
        extra: the extra of this package that brings it, such as `"torch"`.
        purpose: what it is needed for, as the end of "… is needed to".

    Raises:
        MissingDependencyError: the module is absent, or fails while it is imported.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise _broken(module, purpose, error) from error
        raise MissingDependencyError(
            f"{module} is needed to {purpose} and is not installed. "
            f'Install it with: pip install "emotalk-data[{extra}]"'
        ) from error
    except Exception as error:
        raise _broken(module, purpose, error) from error


def is_usable(module: str) -> bool:
    """Say whether `module` can really be imported, not merely found.

    An installed package may still fail to load: torchcodec without a fitting FFmpeg is the usual case.
    """
    try:
        importlib.import_module(module)
    except Exception:
        return False
    return True


def installed_version(package: str) -> str | None:
    """Return the version of an installed package; None where it is absent, or run from its source."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _broken(module: str, purpose: str, error: Exception) -> MissingDependencyError:
    return MissingDependencyError(
        f"{module} is needed to {purpose}; it is installed but fails to import: {error}. "
        f"Reinstall it, or run `emotalk doctor`."
    )
