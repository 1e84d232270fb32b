from tests.gated_release import gated, tars

__all__ = ["gated", "tars"]
