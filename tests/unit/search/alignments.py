"""Alignments with untrained heads for the tests of search."""

from __future__ import annotations

from typing import Any

import pandas as pd

from core.alignment import AlignmentConfig, ProjectionHeads
from core.corpus import Corpus
from core.search.embedded_corpus import open_embedded_corpus

CONFIG = AlignmentConfig(width=16, dim=8, layers=2)


def save_untrained_alignment(corpus: Corpus, **changed_settings: Any) -> str:
    """Save an alignment that held out the only template of the corpus; return its id."""
    encoders = open_embedded_corpus(corpus).serialize_encoder_records()
    heads = ProjectionHeads(encoders["code"]["dim"], encoders["audio"]["dim"], CONFIG)
    settings = {
        "alignment": CONFIG.to_dict(),
        "encoders": encoders,
        "corpus": {"name": corpus.name, "split_seed": 0},
        "split": {"programs": {}, "unseen_templates": ["t"]},
        "versions": {},
        **changed_settings,
    }
    history = pd.DataFrame({"epoch": [1], "loss": [0.0]})
    return corpus.save_alignment(settings, heads.get_tensors_to_save(), {"readings": []}, history)
