"""A corpus opened for searching, with its embeddings and an alignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from core.alignment import AlignmentConfig, ProjectionHeads
from core.alignment.projection_heads import project_embeddings
from core.alignment.sound_property_regression_with_intervals import ForecastModel
from core.corpus import AlignmentRecord, Corpus, EmbeddingPairs
from core.errors import EarshotError
from core.evaluation.nearest_neighbours import CosineIndex
from core.search.approximate_cosine_index import open_cosine_index, select_calibration_queries
from core.search.aspect_similarity import AspectIndex, load_aspect_index
from core.search.clip_property_forecast import (
    Forecast,
    compute_forecast_features,
    predict_forecast,
)
from core.search.corpus_encoder_records import (
    read_encoder_records_of_alignment,
)
from core.search.default_alignment_choice import choose_default_alignment, make_no_alignment_error
from core.search.embedded_corpus import EmbeddedCorpus
from core.search.forecast_fitting_and_storage import load_or_fit_forecast_model
from core.search.shared_space_regression_from_simulation import (
    SimulationRegression,
    fit_simulation_regression_of_corpus,
)
from core.search.silent_snippet_check import interpret_audible_snippet
from core.search.unseen_program_splits import (
    TRAINED_PROGRAMS_KEY,
    relabel_splits_of_trained_programs,
)

ALIGNED_CORPUS_CACHE_SIZE = 8


class AlignedCorpus(EmbeddedCorpus):
    """A corpus with its embeddings and an alignment, which adds the shared space.

    Parameters
    ----------
    corpus : Corpus
    record : AlignmentRecord
    heads : ProjectionHeads
        In evaluation mode, on the CPU.
    pairs : EmbeddingPairs, optional
        The embeddings, where they are in memory already.
    """

    def __init__(
        self,
        corpus: Corpus,
        record: AlignmentRecord,
        heads: ProjectionHeads,
        pairs: EmbeddingPairs | None = None,
    ):
        super().__init__(corpus, *read_encoder_records_of_alignment(record), pairs)
        self.record = record
        self.heads = heads

    @classmethod
    def open_from_alignment_record(
        cls, corpus: Corpus, record: AlignmentRecord, pairs: EmbeddingPairs | None = None
    ) -> AlignedCorpus:
        """Load the projection heads of an alignment.

        Raises
        ------
        EarshotError
            When the alignment's files do not fit each other.
        """
        remedy = f"Train it again: ./run train {corpus.name}"
        try:
            config = AlignmentConfig.from_dict(record.config["alignment"])
            code_encoder, audio_encoder = read_encoder_records_of_alignment(record)
        except (KeyError, TypeError) as error:
            raise EarshotError(
                f"The config of alignment {record.id} lacks {error}.",
                where=str(record.path),
                remedy=remedy,
            ) from error
        heads = ProjectionHeads.from_tensors(config, record.load_projection_head_weights())
        if (heads.code_dim, heads.audio_dim) != (code_encoder.dim, audio_encoder.dim):
            raise EarshotError(
                f"The projection heads of alignment {record.id} take embeddings of"
                f" {heads.code_dim} and {heads.audio_dim} dimensions, its encoders give"
                f" {code_encoder.dim} and {audio_encoder.dim}.",
                where=str(record.path),
                remedy=remedy,
            )
        return cls(corpus, record, heads, pairs)

    @property
    def alignment_owner_name(self) -> str:
        """Name of the corpus that the alignment belongs to: this one, or another one."""
        return self.record.path.parent.parent.name

    @property
    def unseen_templates(self) -> Sequence[str]:
        """Ids of the templates that training held out whole."""
        return self.record.config["split"]["unseen_templates"]

    @cached_property
    def splits(self) -> np.ndarray:
        """Split of each pair, as `assign_splits` returns it, without trained programs in test.

        A program that took part in the training of the alignment, in this corpus or in the one it
        was trained on, has the split that it had there.
        """
        trained_programs = self.record.config["split"].get(TRAINED_PROGRAMS_KEY, {})
        splits = self.assign_splits(self.unseen_templates)
        return relabel_splits_of_trained_programs(self.pairs.program_ids, splits, trained_programs)

    def count_relabelled_programs(self) -> int:
        """Count the programs that are not evaluated because they took part in training."""
        return int((self.splits != self.assign_splits(self.unseen_templates)).sum())

    @cached_property
    def shared_code_index(self) -> CosineIndex:
        """Index over the projected code embeddings."""
        sounds = select_calibration_queries(self.pairs.audio_embeddings)
        return open_cosine_index(
            self.project_code_embeddings(self.pairs.code_embeddings),
            self.project_audio_embeddings(sounds),
            self.corpus.path,
        )

    @cached_property
    def shared_audio_index(self) -> CosineIndex:
        """Index over the projected audio embeddings."""
        snippets = select_calibration_queries(self.pairs.code_embeddings)
        return open_cosine_index(
            self.project_audio_embeddings(self.pairs.audio_embeddings),
            self.project_code_embeddings(snippets),
            self.corpus.path,
        )

    def project_code_embeddings(self, embeddings: np.ndarray) -> np.ndarray:
        """Project code embeddings [n, d1] to unit vectors: float32 [n, dim]."""
        return project_embeddings(self.heads, embeddings, "code")

    def project_audio_embeddings(self, embeddings: np.ndarray) -> np.ndarray:
        """Project audio embeddings [n, d2] to unit vectors: float32 [n, dim]."""
        return project_embeddings(self.heads, embeddings, "audio")

    @cached_property
    def forecast_model(self) -> ForecastModel | None:
        """Regression from code to measured properties; None if too few clips are measured."""
        if self.alignment_owner_name == self.corpus.name:
            return load_or_fit_forecast_model(self)
        owner = Corpus.open(self.alignment_owner_name)
        return AlignedCorpus.open_from_alignment_record(owner, self.record).forecast_model

    @cached_property
    def simulation_regression(self) -> SimulationRegression | None:
        """Regression from simulated sounds to the shared space; None without stored simulations."""
        if self.alignment_owner_name == self.corpus.name:
            return fit_simulation_regression_of_corpus(self)
        owner = Corpus.open(self.alignment_owner_name)
        return AlignedCorpus.open_from_alignment_record(owner, self.record).simulation_regression

    @cached_property
    def clip_aspect_search_index(self) -> AspectIndex | None:
        """Measured aspects of the corpus's clips; None if none are measured."""
        return load_aspect_index(self)

    def forecast_sound_properties(self, snippet: str) -> Forecast | None:
        """Predict loudness, onset rate, register and more of a snippet's clip.

        Returns
        -------
        Forecast or None
            None when too few clips of the corpus are measured: ``./run embed CORPUS
            --audio-encoder descriptors`` measures them.

        Raises
        ------
        SilentSnippetError
            When nothing in the snippet would sound.

        Examples
        --------
        >>> from core.corpus import Corpus
        >>> aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
        >>> forecast = aligned_corpus.forecast_sound_properties("use_synth :saw; play 60")
        >>> forecast is None or forecast.get_forecast_property("loudness").unit == "LUFS"
        True
        """
        interpret_audible_snippet(snippet)
        if self.forecast_model is None:
            return None
        return predict_forecast(self.forecast_model, compute_forecast_features([snippet]))

    def _select_neighbour_index(
        self, embedding: np.ndarray, direction: str
    ) -> tuple[CosineIndex, np.ndarray]:
        if direction == "code->audio":
            return self.shared_audio_index, self.project_code_embeddings(embedding)
        if direction == "audio->code":
            return self.shared_code_index, self.project_audio_embeddings(embedding)
        return super()._select_neighbour_index(embedding, direction)


@dataclass(frozen=True)
class _CacheKey:
    """What an opened alignment is cached by; corpus and alignment ride along uncompared."""

    path: Path
    change_stamp: str
    alignment_name: str
    corpus: Corpus = field(compare=False)
    alignment: str | AlignmentRecord = field(compare=False)


def open_aligned_corpus(
    corpus: Corpus, alignment: str | AlignmentRecord | None = None
) -> AlignedCorpus:
    """Open an alignment for a corpus, from memory unless the corpus has changed since.

    Parameters
    ----------
    corpus : Corpus
    alignment : str or AlignmentRecord, optional
        Id of an alignment of the corpus, or one of another corpus with the same encoders.
        Default: the corpus's own that was made for prediction (`choose_default_alignment`).

    Raises
    ------
    EarshotError
        When the corpus has no such alignment, or its files do not fit each other.
    """
    if alignment is None:
        choice = choose_default_alignment(corpus, "prediction")
        if choice is None:
            raise make_no_alignment_error(corpus)
        alignment = choice.alignment_id
    name = alignment
    if isinstance(alignment, AlignmentRecord):  # New metrics change the time of its folder.
        name = f"{alignment.path} {alignment.path.stat().st_mtime_ns}"
    key = _CacheKey(corpus.path, corpus.change_stamp, str(name), corpus, alignment)
    return _open_aligned_corpus_by_key(key)


@lru_cache(maxsize=ALIGNED_CORPUS_CACHE_SIZE)
def _open_aligned_corpus_by_key(key: _CacheKey) -> AlignedCorpus:
    record = key.alignment
    if isinstance(record, str):
        record = key.corpus.load_alignment(record)
    return AlignedCorpus.open_from_alignment_record(key.corpus, record)
