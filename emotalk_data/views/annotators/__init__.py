"""WHAT ANNOTATORS SAID: every judgement as arrays, and how far they agree.

votes            the judgements of one modality, one label of one annotator each
reliability      Fleiss' kappa and Krippendorff's alpha of a table of ratings
annotator_bias   who chooses which label more often than the others
agreement        all of it for a dataset, with intervals over dialogues
"""
