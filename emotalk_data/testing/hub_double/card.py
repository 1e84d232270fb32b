"""What the Hub reads in a README: its YAML header, and the faults it finds there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

__all__ = ["LICENCES", "card_data", "faults_of"]

_HEADER = re.compile(r"\A---[ \t]*\r?\n(.*?)(?:\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)

LICENCES: Final = frozenset(
    """
    afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m
    bigscience-bloom-rail-1.0 bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0
    c-uda cc cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0
    cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0
    cc0-1.0 cdla-permissive-1.0 cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m
    deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2
    fair-noncommercial-research-license gemma gfdl gpl gpl-2.0 gpl-3.0 h-research intel-research isc lgpl
    lgpl-2.1 lgpl-3.0 lgpl-lr llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl
    ncsa odbl odc-by ofl-1.1 open-mdw openrail openrail++ osl-3.0 other pddl postgresql unknown unlicense
    wtfpl zlib
    """.split()  # noqa: SIM905  # a hundred quotation marks say nothing
)
"""Licence ids that the Hub takes in a header, as far as we know them."""


def header_of(text: str) -> Any:
    """Return the YAML header of a README as values; None without one.

    Raises:
        ValueError: it is no YAML.
    """
    import yaml  # type: ignore[import-untyped]  # a dependency of huggingface_hub

    match = _HEADER.match(text)
    if match is None:
        return None
    try:
        return yaml.safe_load(match[1])
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def card_data(path: Path) -> dict[str, Any]:
    """Return the header of a README that is stored; empty where it has none that can be read."""
    try:
        header = header_of(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return {str(key): value for key, value in header.items()} if isinstance(header, dict) else {}


def faults_of(text: str) -> list[str]:
    """Return what the Hub refuses in a README, a sentence each."""
    try:
        header = header_of(text)
    except ValueError as error:
        return [f"YAML metadata could not be parsed: {error}"]
    if header is None:
        return []
    if not isinstance(header, dict):
        return ["YAML metadata must be an object"]
    licences = header.get("license", [])
    unknown = [
        each for each in (licences if isinstance(licences, list) else [licences]) if each not in LICENCES
    ]
    faults = [f'"license" must be one of the licences of the Hub, got {each!r}' for each in unknown]
    configs = header.get("configs", [])
    if not isinstance(configs, list) or not all(
        isinstance(one, dict) and "config_name" in one for one in configs
    ):
        faults.append('"configs" must be an array of objects with a "config_name"')
    return faults
