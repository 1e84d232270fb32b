"""THE RUN: rows to shards, in batches, with a thread before the device and one behind it. Nothing is imported here."""
