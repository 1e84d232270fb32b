"""WHAT A TASK SEES: labels, dialogues, missing modalities, splits, agreement and statistics of a loaded corpus.

    label_view, class_weights           a label as a task needs it: seven classes, four, sentiment, blends, votes
    apply_rule, rule_agreement          final labels made again from the votes, by the authors' rules
    agreement, bootstrap                how far annotators agree, with intervals
    dialogues, turns, context           conversations: who spoke when, and what came before
    emotion_shift, dialogue_masks       emotions between and inside turns; who may look at whom
    presence, make_missing              which modalities are there, and patterns of loss that can be shared
    audit_splits, make_splits           what splits share, and splits that share nothing
    statistics                          the papers' tables beside what the data says
    score                               the papers' metrics, with intervals

    columns, intervals     what all of them stand on
    annotators             what was judged, and how far annotators agree
    labelling, conversation    labels for a task; dialogues and context
    modalities, splitting, scoring    what is missing, what splits share, how good a model is
    paper_tables           the papers' tables, cell by cell

Each takes a `datasets.Dataset` (or a dict of splits) and gives one back, or a report that prints itself. Names
are resolved on first use: importing this package imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emotalk_data._lazy import lazy_names

if TYPE_CHECKING:
    from emotalk_data.schemas.split_file import SplitFile, load_split_file
    from emotalk_data.views.annotators.agreement import Agreement, agreement
    from emotalk_data.views.annotators.annotator_bias import AnnotatorBias, annotator_bias
    from emotalk_data.views.annotators.reliability import fleiss_kappa, krippendorff_alpha
    from emotalk_data.views.annotators.votes import Votes, votes
    from emotalk_data.views.conversation.attention_masks import DialogueMasks, dialogue_masks
    from emotalk_data.views.conversation.context import context, prediction_context
    from emotalk_data.views.conversation.dialogues import dialogues, turns
    from emotalk_data.views.conversation.emotion_shift import EmotionShift, emotion_shift
    from emotalk_data.views.intervals import Interval, bootstrap
    from emotalk_data.views.labelling.annotation_rules import RuleAgreement, apply_rule, rule_agreement
    from emotalk_data.views.labelling.class_weights import class_weights
    from emotalk_data.views.labelling.harmonised import HARMONISED, Harmonised
    from emotalk_data.views.labelling.labels import LabelReport, label_report, label_view
    from emotalk_data.views.modalities.missing import make_missing
    from emotalk_data.views.modalities.missing_apply import apply_missing
    from emotalk_data.views.modalities.missing_pattern import MissingPattern, load_missing
    from emotalk_data.views.modalities.presence import presence
    from emotalk_data.views.paper_tables.compare import statistics
    from emotalk_data.views.paper_tables.tables import Statistics
    from emotalk_data.views.scoring.metrics import ClassScore, Scores, score
    from emotalk_data.views.splitting.make_splits import leave_one_group_out, make_splits
    from emotalk_data.views.splitting.speaker_graph import Component, speaker_components
    from emotalk_data.views.splitting.split_audit import audit_splits
    from emotalk_data.views.splitting.split_findings import SplitAudit

_MODULES = {
    "HARMONISED": ".labelling.harmonised",
    "Agreement": ".annotators.agreement",
    "AnnotatorBias": ".annotators.annotator_bias",
    "ClassScore": ".scoring.metrics",
    "Component": ".splitting.speaker_graph",
    "DialogueMasks": ".conversation.attention_masks",
    "EmotionShift": ".conversation.emotion_shift",
    "Harmonised": ".labelling.harmonised",
    "Interval": ".intervals",
    "LabelReport": ".labelling.labels",
    "MissingPattern": ".modalities.missing_pattern",
    "RuleAgreement": ".labelling.annotation_rules",
    "Scores": ".scoring.metrics",
    "SplitAudit": ".splitting.split_findings",
    "SplitFile": "emotalk_data.schemas.split_file",
    "Statistics": ".paper_tables.tables",
    "Votes": ".annotators.votes",
    "agreement": ".annotators.agreement",
    "annotator_bias": ".annotators.annotator_bias",
    "apply_missing": ".modalities.missing_apply",
    "apply_rule": ".labelling.annotation_rules",
    "audit_splits": ".splitting.split_audit",
    "bootstrap": ".intervals",
    "class_weights": ".labelling.class_weights",
    "context": ".conversation.context",
    "dialogue_masks": ".conversation.attention_masks",
    "dialogues": ".conversation.dialogues",
    "emotion_shift": ".conversation.emotion_shift",
    "fleiss_kappa": ".annotators.reliability",
    "krippendorff_alpha": ".annotators.reliability",
    "label_report": ".labelling.labels",
    "label_view": ".labelling.labels",
    "leave_one_group_out": ".splitting.make_splits",
    "load_missing": ".modalities.missing_pattern",
    "load_split_file": "emotalk_data.schemas.split_file",
    "make_missing": ".modalities.missing",
    "make_splits": ".splitting.make_splits",
    "prediction_context": ".conversation.context",
    "presence": ".modalities.presence",
    "rule_agreement": ".labelling.annotation_rules",
    "score": ".scoring.metrics",
    "speaker_components": ".splitting.speaker_graph",
    "statistics": ".paper_tables.compare",
    "turns": ".conversation.dialogues",
    "votes": ".annotators.votes",
}

__all__ = [
    "HARMONISED",
    "Agreement",
    "AnnotatorBias",
    "ClassScore",
    "Component",
    "DialogueMasks",
    "EmotionShift",
    "Harmonised",
    "Interval",
    "LabelReport",
    "MissingPattern",
    "RuleAgreement",
    "Scores",
    "SplitAudit",
    "SplitFile",
    "Statistics",
    "Votes",
    "agreement",
    "annotator_bias",
    "apply_missing",
    "apply_rule",
    "audit_splits",
    "bootstrap",
    "class_weights",
    "context",
    "dialogue_masks",
    "dialogues",
    "emotion_shift",
    "fleiss_kappa",
    "krippendorff_alpha",
    "label_report",
    "label_view",
    "leave_one_group_out",
    "load_missing",
    "load_split_file",
    "make_missing",
    "make_splits",
    "prediction_context",
    "presence",
    "rule_agreement",
    "score",
    "speaker_components",
    "statistics",
    "turns",
    "votes",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
