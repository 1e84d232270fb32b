"""A double of the Hub on this machine, for contract tests without the Hub: see `HubDouble`.

with HubDouble() as hub:
    hub.add_account("lab", token="hf_lab")
    ...  # run the clients of the Hub with HF_ENDPOINT=hub.endpoint
"""

from __future__ import annotations

from emotalk_data.testing.hub_double.double import HubDouble
from emotalk_data.testing.hub_double.faults import Fault, Request
from emotalk_data.testing.hub_double.repositories import Account, Commit, RepoState
from emotalk_data.testing.hub_double.this_process import this_process

__all__ = ["Account", "Commit", "Fault", "HubDouble", "RepoState", "Request", "this_process"]
