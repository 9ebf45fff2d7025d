"""Default training method of a corpus."""

from __future__ import annotations

import pandas as pd

from core.programs.grammar.styles import GRAMMAR_TEMPLATE_PREFIX

MIN_GRAMMAR_PROGRAMS = 500


def choose_default_method(programs: pd.DataFrame) -> str:
    """Choose the preset that predicts best on validation programs of a similar corpus.

    Parameters
    ----------
    programs : DataFrame
        As of `Corpus.load_programs`.

    Returns
    -------
    {"kernel_ridge", "soft_infonce"}
        Preset of `AlignmentConfig`. ``kernel_ridge`` if at least 500 grammar programs have a
        clip: it was better by both audio encoders there. In a starter corpus of 8 variants per
        template, each preset was better by one audio encoder; ``soft_infonce`` is the one that
        the other pages describe.
    """
    is_grammar_program = programs["template"].str.startswith(GRAMMAR_TEMPLATE_PREFIX)
    is_rendered = programs["state"] == "ok"
    rendered_count = (is_grammar_program & is_rendered).sum()
    return "kernel_ridge" if rendered_count >= MIN_GRAMMAR_PROGRAMS else "soft_infonce"
