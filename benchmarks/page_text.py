"""The words of `docs/performance.md`: how each number was measured, and what it does not say."""

from __future__ import annotations

TITLES = {
    "load": "Loading and validation",
    "audio": "Sound: a wav to samples",
    "video": "Pictures: a clip to frames",
    "epoch": "An epoch: all utterances, in batches",
    "features": "Features: sound to vectors",
}

INTRODUCTION = """# Performance

Measured by `python -m benchmarks`: all tasks of a suite interleaved round by round, medians, page cache warm.
This page is written by that command (`--markdown docs/performance.md`), lines that do not hold included. The
machine's own pace is part of every table: only the ratios carry over to another machine, and those not
exactly. Suites may come from several sittings. Each names its machine, its versions, how busy the machine was
before it began, and, where known, how much of its processors other guests of its host took: on a busy one
long calls are interrupted more often than short ones, which flatters what is fast, and two threads more often
than one.

Names are meant literally. *datasets (AudioDecoder)* is what a stock `datasets.Audio` column gives:
torchcodec's AudioDecoder, which asks FFmpeg to probe each file. Against torchcodec's WavDecoder and against
soundfile, which do not, the lead is far smaller; they have rows of their own."""

NOTES = {
    "load": """
What the tasks do is in `benchmarks/tasks/load.py`; each runs in a fresh process. `audiofolder` gets the wavs
in the release's own folders and one metadata file with an id and a label, ready-made. A cold load reads
77,000 JSON files with every annotator's judgement, and nearly all of its time goes there: a loop that only
opens and parses these files takes a third of it. Seconds of start-up are mostly `import datasets`.

`validate` makes every check on all records; the other validators hold 1,000 records of each modality against
the files of `schemas/`, one at a time, and know nothing of names, duplicate keys or sums. They are timed
without their start. Memory is extrapolated along the line through the whole sample and its first eight groups
(`validate_part`).""",
    "audio": """
All tasks share one process (`benchmarks/tasks/audio.py`, `audio_peers.py`) and the same files. In each round
each task has one turn of up to 0.4 s, in shuffled order, and gives the median of its calls; a ratio is taken
within each round, and the line shows the median of these, and the smallest and largest. A call makes a new
clip or decoder, finds the header and returns float32 in new memory.

- *Arrow* is a view of a table of `datasets` that maps a file; *bytes* are Python bytes, which stock
  `datasets` copies out of that table before it decodes; that copy is not counted here. It is in `row`.
- Stock `datasets` and WavDecoder do not read members of a tar in place. `datasets` is given bytes; WavDecoder
  gets bytes that are read, within its time, from a place in the tar that it is told.
- *Bare pread and numpy* opens the file, reads a size that it knows, skips 44 bytes and converts. It checks
  nothing. For a slice it does not even look at the header.
- *soxr alone* resamples float32 that is in memory already, in the same quality (HQ). AudioDecoder resamples
  by FFmpeg's default filter; what that means for the noise is in two lines of the table.
- `row` is all columns of a row of a release, then the sound of it. Stock `datasets` reads the same table from
  Parquet, its video column cast to `decode=False`: decoded, it would open each video as well.""",
    "video": """
All tasks share one process (`benchmarks/tasks/video.py`, `video_peers.py`), the same files and the same
frames; rounds and ratios are as for sound. A call opens the clip, decodes and returns RGB. torchcodec scales
in its filter graph (`transforms=[Resize]`), decord2 and PyAV while converting. The pictures are a texture
under a moving camera with noise; what share of them nothing else refers to decides how much can be left out,
and depends on the encoder: here x264, `veryfast`, up to three B-frames, one key frame a clip.

*every frame decoded, no RGB* is a libav loop over all frames on one thread: nobody who decodes them all can
be faster. Inside an episode torchcodec and decord2 keep their decoder open over all calls, which suits them
best; ours is asked by path each time, and keeps what it keeps.""",
    "epoch": """
Each task runs in a fresh process (`benchmarks/tasks/epoch.py`, `epoch_peers.py`), all of them once a round.
The first epoch warms up and is not counted; short ones are repeated and the median taken. Every way gives
padded float32 batches of 32 with their lengths. *Opening* the table or folder is timed after all imports, the
*first batch* after that. Of a release, opening looks at every annotation file for changes; for Arrow it is
`load_from_disk`.

Each peer has its own format, written beforehand and not timed: webdataset 8 tars of wavs, litdata and
mosaicml-streaming int16 arrays without a wav around them, which spares them the header. Workers persist.
*release* is the folder of wavs as it was shipped; *Arrow* the same table by `save_to_disk`, with the bytes in
it.

The *limits* know where each wav lies and how long it is. Two threads convert the samples into memory that is
used again, and set the rest of each row to zero: no header, no check, no row, no tensor. All of that is traffic
to memory, 0.4 MB in and 1.3 MB out for an utterance. Nobody who fills such batches with numpy in two threads is
faster than that. The loader was to be 2.5 times as fast as the fastest peer, which uses one thread, and 40 times
as fast as stock `datasets`. Its claims here are lower: it reaches only the second, only from Arrow, and not on a
busy machine; the rows of the limit itself say how much of the first can be had at all. What the loader takes more
than the limit is Python's: it opens and checks each file, asks the table for each row, and its two threads wait
for each other while they do.

The two ways to build that hold the sound are held against `cat`. *Mixed decodes* are 20,000 in one process:
whole, in part, resampled, from memory, cut ones that must fail, and pictures.""",
    "features": """
Each task runs in a fresh process (`benchmarks/tasks/features.py`), all of them once a round, and is timed
without imports, without loading the model, and behind a few utterances to warm up. *ours* is `extract_features`
from the release to finished shards. *One file at a time* does as the authors' script does: read a wav, resample
it, encode it alone, take the mean, save it; it checks nothing and keeps no source. Both give the same vectors,
within what the table says. *Encoder alone* encodes the batches of the run with everything decoded before, and
writes nothing: nobody who uses that encoder is faster. The tiny model shows what everything around the encoder
costs; the base one is as large as chinese-hubert-base. Weights are random.

*Frames that are no padding* counts what a batch holds; *time spent in the encoder* is the share of the run in
which nothing was waited for: on a GPU it holds padding and copies too, and is no measure of an idle GPU. The rate
of the matrix product is that of large square matrices in the same type on the same device, measured in the same
process; operations are counted by torch.""",
}

AGAIN = """## Measure it yourself

In a clone of the repository, on a machine that does nothing else:

```text
pip install -e ".[bench]"
python -m benchmarks --suite audio --json audio.json
python -m benchmarks --from audio.json video.json --markdown docs/performance.md --plot docs/performance.svg
```

Suites are `load`, `audio`, `video`, `epoch`, `features` and `all`; `--quick` shows in a minute that everything
runs, and judges nothing. The second command measures nothing: it makes one page of what was measured before.
A peer that is not installed is said to be missing, and what is claimed against it is then not judged. Exit
code 1 means that something that is claimed does not hold. `features` needs `".[features]"` too, and takes the
GPU where there is one."""
