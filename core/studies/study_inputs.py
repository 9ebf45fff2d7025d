"""Inputs of a study: the alignment and the embeddings that it measures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core import encoders
from core.corpus import AlignmentRecord, Corpus, EmbeddingPairs
from core.encoders.encoder_spec_lookup import do_encoders_share_component
from core.errors import EarshotError
from core.evaluation.metrics_with_intervals import ALIGNED_VS_RAW
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.corpus_encoder_records import fill_default_encoder_ids
from core.search.stored_simulations import has_joint_objective

# Split, compared spaces and metric. Raw audio, because no projection head can distort it.
SELECTION_CRITERION = ("validation", ALIGNED_VS_RAW, "overlap@3")

# Held-out audio encoders by preference; none of them needs a download.
HELD_OUT_CANDIDATES = ("aisfx", "log-mel", "musicnn", "aspects", "descriptors")


@dataclass(frozen=True)
class StudyInputs:
    """A corpus with the embeddings, and perhaps the alignment, that a study measures.

    Attributes
    ----------
    corpus : Corpus
    aligned_corpus : AlignedCorpus or None
        None where the study runs without an alignment.
    pairs : EmbeddingPairs
        By the alignment's encoders, or by those requested.
    programs : DataFrame
        The programs of `pairs`, row by row: columns as in `Corpus.load_programs`.
    encoder_ids : dict
        "code" and "audio": encoder ids.
    """

    corpus: Corpus
    aligned_corpus: AlignedCorpus | None
    pairs: EmbeddingPairs
    programs: pd.DataFrame
    encoder_ids: dict[str, str]

    @property
    def required_aligned_corpus(self) -> AlignedCorpus:
        """The aligned corpus, for studies that were opened with ``needs_alignment=True``."""
        if self.aligned_corpus is None:
            raise _make_no_alignment_error(self.corpus)
        return self.aligned_corpus

    def build_study_input_settings(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs as settings of a result."""
        settings: dict[str, Any] = {"encoders": self.encoder_ids, "seed": options.get("seed")}
        if self.aligned_corpus is not None:
            record = self.aligned_corpus.record
            settings["alignment"] = {
                "id": record.id,
                "config": record.config["alignment"],
                "selected_by": (
                    "request"
                    if options.get("alignment")
                    else f"best on validation with {self.encoder_ids['audio']}"
                ),
                "validation_overlap@3": get_validation_overlap(record),
            }
        return settings


def open_study_inputs(
    corpus: Corpus, options: Mapping[str, Any], *, needs_alignment: bool = False
) -> StudyInputs:
    """Open the alignment and embeddings that a study measures.

    Parameters
    ----------
    corpus : Corpus
    options : mapping
        "alignment", "code_encoder" and "audio_encoder"; each may be None or missing.
    needs_alignment : bool

    Raises
    ------
    EarshotError
        When an alignment is needed and there is none, or a requested id does not exist.
    """
    alignment_id = options.get("alignment")
    code_encoder, audio_encoder = options.get("code_encoder"), options.get("audio_encoder")
    if alignment_id is None and not (code_encoder or audio_encoder):
        best_record = find_best_alignment_on_validation_programs(corpus)
        alignment_id = None if best_record is None else best_record.id
    if alignment_id is None and needs_alignment:
        raise _make_no_alignment_error(corpus)
    if alignment_id is None:
        code_id, audio_id = fill_default_encoder_ids(corpus, code_encoder, audio_encoder)
        aligned_corpus, pairs = None, corpus.load_embedding_pairs(code_id, audio_id)
    else:
        aligned_corpus = open_aligned_corpus(corpus, alignment_id)
        code_id, audio_id = aligned_corpus.code_encoder.id, aligned_corpus.audio_encoder.id
        pairs = aligned_corpus.pairs
    programs = corpus.load_programs().set_index("program", drop=False).loc[list(pairs.program_ids)]
    if aligned_corpus is not None:
        programs["split"] = aligned_corpus.splits  # names unseen templates too
    return StudyInputs(
        corpus, aligned_corpus, pairs, programs, {"code": code_id, "audio": audio_id}
    )


def find_best_alignment_on_validation_programs(corpus: Corpus) -> AlignmentRecord | None:
    """Return the corpus's best alignment on validation programs; None where it has none.

    Only alignments of one audio encoder are compared, because `SELECTION_CRITERION` depends on
    that encoder's neighbours: the encoder that the corpus was built with, or, if no alignment has
    it, that of the newest alignment. Alignments with held-out templates were evaluated on fewer
    programs, so they are chosen only if there are no others; so are joint ones, whose code
    embeddings hold the simulation, which the paper's measures of code must not see.
    """
    all_records = corpus.load_alignments()
    if not all_records:
        return None
    records = [record for record in all_records if not has_joint_objective(record)] or all_records
    encoder_by_id = {record.id: record.config["encoders"]["audio"]["id"] for record in records}
    audio_encoder = (corpus.settings.get("encoders") or {}).get("audio")
    if audio_encoder not in encoder_by_id.values():
        audio_encoder = encoder_by_id[records[-1].id]
    return max(
        (record for record in records if encoder_by_id[record.id] == audio_encoder),
        key=lambda record: (
            not record.config["split"]["unseen_templates"],
            np.nan_to_num(get_validation_overlap(record), nan=-1.0),
            record.id,
        ),
    )


def get_validation_overlap(record: AlignmentRecord) -> float:
    """Return overlap@3 of aligned code and raw audio on validation programs; nan if unknown."""
    split, reading, metric = SELECTION_CRITERION
    for row in record.metrics.get("readings", ()):
        if (row["split"], row["reading"], row["metric"]) == (split, reading, metric):
            return math.nan if row["value"] is None else float(row["value"])
    return math.nan


def _make_no_alignment_error(corpus: Corpus) -> EarshotError:
    return EarshotError(
        f"Corpus '{corpus.name}' has no alignment to study.",
        remedy=f"To train one: ./run train {corpus.name}",
    )


def choose_held_out_audio_encoder(training_encoder: str, requested: str | None = None) -> str:
    """Return the audio encoder that only measures.

    Parameters
    ----------
    training_encoder : str
        Id of the encoder that the alignment was trained on.
    requested : str, optional
        Id that the user gave. Default: the first of `HELD_OUT_CANDIDATES` that shares no component
        with the training encoder and is available.

    Raises
    ------
    EarshotError
        If the requested encoder is unknown, or none is left.
    """
    if requested:
        return encoders.find_encoder_spec(requested).id
    for encoder_id in HELD_OUT_CANDIDATES:
        is_available = encoders.find_encoder_spec(encoder_id).is_available_offline()
        if is_available and not do_encoders_share_component(encoder_id, training_encoder):
            return encoder_id
    raise EarshotError(
        f"The alignment was trained on every audio encoder that could be held out:"
        f" {training_encoder}.",
        remedy="Name another one with --holdout-audio-encoder.",
    )
