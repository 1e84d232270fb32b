"""THE RUN: rows to shards, in batches, threads before the device, one behind. Nothing is imported here.

rows, digests        utterances of a dataset, and what they were made from
up_to_date           whether a shard was made of what its rows hold now
plan                 which shards there are to be, and the file that says so
set_folder           whose folder it is, and which shards are finished
batches, feeding     what is encoded together; prepared by threads, ahead of the device
encoding, outcomes   a batch on the device, whatever happens; a row of what it gave
shard_file, writing  a shard, whole or not at all; the thread that writes
local_run            all of that, shard by shard, until there are no more or Ctrl-C
session              one process's run: its share, the encoder, the folder, the summary
extractors, devices, memory, ranks, ray_runner, interrupts, progress, summary, failures, differences
verifying, retrying  rows made once more: to compare, or where they had failed
compute_error        what half precision costs, measured before a run
"""
