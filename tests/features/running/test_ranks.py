"""Which process this is: as launchers say it, and never by a variable that a plain script has too."""

from __future__ import annotations

import pytest

from emotalk_data.errors import OptionError
from emotalk_data.features.running.ranks import Rank, this_rank


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, Rank(0, 1, 0)),
        ({"RANK": "3", "WORLD_SIZE": "8", "LOCAL_RANK": "1"}, Rank(3, 8, 1)),
        ({"RANK": "1", "WORLD_SIZE": "2"}, Rank(1, 2, 1)),
        ({"WORLD_SIZE": "2"}, Rank(0, 1, 0)),
        ({"SLURM_PROCID": "5", "SLURM_STEP_NUM_TASKS": "6", "SLURM_LOCALID": "1"}, Rank(5, 6, 1)),
        # A batch script that calls Python without srun: SLURM has started one process, whatever was asked for.
        ({"SLURM_PROCID": "0", "SLURM_NTASKS": "4", "SLURM_LOCALID": "0"}, Rank(0, 1, 0)),
        # torchrun inside of srun: the processes of torchrun share the work.
        (
            {"RANK": "2", "WORLD_SIZE": "4", "SLURM_PROCID": "0", "SLURM_STEP_NUM_TASKS": "1"},
            Rank(2, 4, 2),
        ),
    ],
)
def test_launchers_say_which_process_this_is(environ: dict[str, str], expected: Rank) -> None:
    assert this_rank(environ) == expected


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"RANK": "2", "WORLD_SIZE": "2"}, "RANK is 2 and WORLD_SIZE is 2: there is no such process"),
        ({"RANK": "-1", "WORLD_SIZE": "2"}, "RANK='-1'; expected a whole number"),
        ({"SLURM_PROCID": "x", "SLURM_STEP_NUM_TASKS": "2"}, "SLURM_PROCID='x'"),
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(environ: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        this_rank(environ)


@pytest.mark.parametrize("world", [1, 2, 3, 7])
def test_every_shard_is_some_processs_and_only_one_s(world: int) -> None:
    shards = list(range(20))
    shares = [Rank(number, world).share(shards) for number in range(world)]
    assert sorted(shard for share in shares for shard in share) == shards
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
