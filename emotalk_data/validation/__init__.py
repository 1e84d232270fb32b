"""WHAT IS WRONG WITH A RELEASE: every check, of records, names, the corpus, labels and media."""
