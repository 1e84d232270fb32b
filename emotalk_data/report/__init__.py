"""WHAT PEOPLE WOULD RATHER LOOK AT: one self-contained HTML page about a loaded corpus.

    make_report      the page as a text
    write_report     the page in a file, from a dataset or from a release's folder

    page ─┬─ corpus                 the splits as one table
          ├─ findings               every section, or the reason why it is empty
          ├─ headline               the first screen: key figures, the one sentence, what to know before using it
          ├─ label_shares           labels by modality and split; blends
          ├─ label_pairs            one modality's labels against another's
          ├─ histograms             sentiment, lengths
          ├─ annotator_agreement    how far annotators agree, beside the published values
          ├─ presence_map           which texts, sounds and pictures there are
          ├─ shown_audit            what splits share
          ├─ timeline ── timeline_places    dialogues, utterance by utterance
          ├─ samples ── sample_media    cards with sound and frames
          └─ rendering ─┬─ palette       one colour for an emotion, told apart by colour-blind readers too
                        ├─ shown_text    what a name, a sentence or a number is shown as
                        └─ templates/    markup, style and script

Python counts and places, in percent of a width; templates/ turns that into SVG and escapes all that comes from
data. The page asks for nothing outside itself and says so to the browser (Content-Security-Policy).
Needs jinja2, the extra `report`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emotalk_data._lazy import lazy_names

if TYPE_CHECKING:
    from emotalk_data.report.page import make_report, write_report

__all__ = ["make_report", "write_report"]

_MODULES = dict.fromkeys(__all__, ".page")
__getattr__, __dir__ = lazy_names(__name__, _MODULES)
