"""What is measured.

    load                          fresh processes: JSON into tables, validation, start-up; us and the peers
    audio, audio_peers            one process: a wav to samples
    video, video_peers            one process: a clip to frames
    epoch, epoch_peers, formats   fresh processes: all utterances once, in batches; the peers' own formats
    soak                          one long process: descriptors and memory

`python -m benchmarks.tasks MODULE.TASK ARGUMENT…` runs one task and prints one JSON object.
"""
