"""The measured properties of a corpus's clips, in the words of a forecast."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.corpus import Corpus
from core.encoders.clip_descriptor_definitions import decode_descriptors
from core.errors import EarshotError
from core.pipeline.code_named_and_measured_sound_properties import DESCRIPTOR_ENCODER
from core.search.clip_property_forecast import describe_forecast_in_words


def describe_measured_clips(corpus: Corpus, program_ids: Sequence[str]) -> dict[str, str]:
    """Describe measured clips in words.

    Parameters
    ----------
    corpus : Corpus
    program_ids : sequence of str
        Programs with a clip.

    Returns
    -------
    dict of str to str
        By program id: "quiet, −32 LUFS; 6 onsets/s; dark". Clips that were not measured are
        missing.
    """
    if not program_ids or corpus.get_encoder_revision(DESCRIPTOR_ENCODER) is None:
        return {}
    try:
        _, embeddings = corpus.load_embeddings(DESCRIPTOR_ENCODER, program_ids)
    except EarshotError:  # Some are not measured: a build was stopped, or added programs.
        if len(program_ids) == 1:
            return {}
        return {
            key: words
            for program_id in program_ids
            for key, words in describe_measured_clips(corpus, [program_id]).items()
        }
    values = decode_descriptors(embeddings)  # [clips] by name, nan where undefined
    return {
        program_id: describe_forecast_in_words(
            {name: column[row] for name, column in values.items() if not np.isnan(column[row])}
        )
        for row, program_id in enumerate(program_ids)
    }
