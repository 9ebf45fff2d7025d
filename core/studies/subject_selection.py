"""Which alignment and which programs a study is about, if nobody says so."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.corpus import AlignmentRecord, Corpus, EmbeddingPairs
from core.errors import EarshotError
from core.evaluation.metrics_table import ALIGNED_VS_RAW
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.embedded_corpus import resolve_encoder_ids

# Aligned code against raw audio: what no projection head can bend.
SELECTION_CRITERION = ("validation", ALIGNED_VS_RAW, "overlap@3")


def get_validation_overlap(record: AlignmentRecord) -> float:
    """By what alignments of a corpus are compared: overlap@3 of aligned code and raw audio on
    the validation programs; nan where it was not measured."""
    split, reading, metric = SELECTION_CRITERION
    for row in record.metrics.get("readings", ()):
        if (row["split"], row["reading"], row["metric"]) == (split, reading, metric):
            return math.nan if row["value"] is None else float(row["value"])
    return math.nan


def find_best_alignment(corpus: Corpus) -> AlignmentRecord | None:
    """The corpus's best alignment on its validation programs; None where it has none.

    Only alignments of one audio encoder are compared, for `CRITERION` is about that encoder's
    neighbours: the one the corpus was built with, or where none has it, the newest one's. Those
    that held out whole templates were judged on fewer programs and stand back for the others.
    """
    records = corpus.load_alignments()
    if not records:
        return None
    ears = {record.id: record.config["encoders"]["audio"]["id"] for record in records}
    ear = (corpus.settings.get("encoders") or {}).get("audio")
    if ear not in ears.values():
        ear = ears[corpus.load_newest_alignment().id]
    return max(
        (record for record in records if ears[record.id] == ear),
        key=lambda record: (
            not record.config["split"]["unseen_templates"],
            np.nan_to_num(get_validation_overlap(record), nan=-1.0),
            record.id,
        ),
    )


@dataclass(frozen=True)
class StudyInputs:
    """What a study looks at.

    Attributes
    ----------
    corpus : Corpus
    aligned_corpus : Aligned or None
        None where the corpus has no alignment yet.
    pairs : Pairs
        Of the alignment's encoders, or of those asked for.
    programs : DataFrame
        The pairs' programs, row by row: as of `Corpus.programs`.
    encoder_ids : dict
        "code" and "audio": ids.
    """

    corpus: Corpus
    aligned_corpus: AlignedCorpus | None
    pairs: EmbeddingPairs
    programs: pd.DataFrame
    encoder_ids: dict[str, str]

    def describe_settings(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What a result says of its subject."""
        found: dict[str, Any] = {"encoders": self.encoder_ids, "seed": options.get("seed")}
        if self.aligned_corpus is not None:
            record = self.aligned_corpus.record
            found["alignment"] = {
                "id": record.id,
                "config": record.config["alignment"],
                "chosen": (
                    "as asked"
                    if options.get("alignment")
                    else f"best on validation of those with {self.encoder_ids['audio']}"
                ),
                "validation_overlap@3": get_validation_overlap(record),
            }
        return found


def open_study_inputs(
    corpus: Corpus, options: Mapping[str, Any], *, needs_alignment: bool = False
) -> StudyInputs:
    """Open what a study is about.

    Parameters
    ----------
    corpus : Corpus
    options : mapping
        "alignment", "code_encoder" and "audio_encoder", each may be None or missing.
    needs_alignment : bool

    Raises
    ------
    EarshotError
        When there is no alignment but one is needed, or what was asked for isn't there.
    """
    asked = {key: options.get(key) for key in ("alignment", "code_encoder", "audio_encoder")}
    record_id = asked["alignment"]
    if record_id is None and not (asked["code_encoder"] or asked["audio_encoder"]):
        best = find_best_alignment(corpus)
        record_id = None if best is None else best.id
    if record_id is None and needs_alignment:
        raise EarshotError(
            f"Corpus '{corpus.name}' has no alignment to study.",
            remedy=f"To train one: ./run train {corpus.name}",
        )
    if record_id is None:
        code, audio = resolve_encoder_ids(corpus, asked["code_encoder"], asked["audio_encoder"])
        aligned, pairs = None, corpus.load_embedding_pairs(code, audio)
    else:
        aligned = open_aligned_corpus(corpus, record_id)
        code, audio = aligned.code_encoder.id, aligned.audio_encoder.id
        pairs = aligned.pairs
    programs = corpus.load_programs().set_index("program", drop=False).loc[list(pairs.program_ids)]
    unseen = [] if aligned is None else aligned.record.config["split"]["unseen_templates"]
    if unseen:
        held_out = programs["template"].isin(unseen)
        programs["split"] = np.where(held_out, "unseen templates", programs["split"])
    return StudyInputs(corpus, aligned, pairs, programs, {"code": code, "audio": audio})
