"""Which packages an encoder needs, beside those that are always there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from emotalk_data.errors import MissingDependencyError

if TYPE_CHECKING:
    from emotalk_data.schemas.feature_spec import FeatureSpec

__all__ = ["absent_packages", "check_packages", "packages_of"]

_TRANSFORMERS: Final = ("torch", "transformers")
_PACKAGES: Final = {
    "speech": _TRANSFORMERS,
    "whisper": _TRANSFORMERS,
    "text": _TRANSFORMERS,
    "vision": _TRANSFORMERS,
    "sentence": (*_TRANSFORMERS, "sentence-transformers"),
    "timm": ("torch", "timm"),
    "densenet": ("torch",),
    "opensmile": ("opensmile",),
    "callable": (),
}


def packages_of(spec: FeatureSpec) -> tuple[str, ...]:
    """Return the packages that an encoder is made of, as pip calls them."""
    return _PACKAGES[spec.backend]


def absent_packages(spec: FeatureSpec) -> str:
    """Say which of them are not installed, and what installs them; nothing where all are. None is imported."""
    absent = [package for package in packages_of(spec) if not _is_installed(package.replace("-", "_"))]
    if not absent:
        return ""
    extra = spec.backend if spec.backend in ("opensmile", "timm") else "features"
    are = "is" if len(absent) == 1 else "are"
    return f'{" and ".join(absent)}, which {are} not installed: pip install "emotalk-data[{extra}]"'


def check_packages(spec: FeatureSpec) -> None:
    """Do nothing where all are installed.

    Raises:
        MissingDependencyError: one is not; says what installs it.
    """
    if absent := absent_packages(spec):
        raise MissingDependencyError(f"{spec.name} needs {absent}")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ValueError:  # it is there, and was made by hand: it has no `__spec__`
        return True
