"""WHAT IS WRONG WITH A RELEASE: every check, of records, names, the corpus, labels and media.

validate, inputs   validate(path): what kind of thing it is, and who checks it
records            one JSON file, JSON lines, the standard input
emotalk, m3ed      what the loaders do not need to know: votes, neighbours, the corpus
media              headers of sound and video files; with `decode`, all of them
tables             built datasets and feature sets
known              emotalk.toml and baselines: what is passed over
outputs            JSON, GitHub, JUnit, SARIF; line numbers; explanations of codes

The loaders report what decides what a row holds; what is found here changes no row.
"""
