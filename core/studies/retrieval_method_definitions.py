"""Retrieval methods of the snippet-retrieval study: baselines and the default method."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from core.alignment import AlignmentConfig
from core.alignment.config import JOINT_OBJECTIVE, JOINT_OBJECTIVES
from core.encoders.concatenated_encoders import ID_SEPARATOR, split_encoder_id

BAG_OF_WORDS, EDIT_DISTANCE = "bag-of-words", "edit-distance"
RAW_EMBEDDINGS, PROJECTION_HEADS = "raw-embeddings", "projection-heads"
ZERO_SHOT = "zero-shot"
SONICPI_ENCODER, SCORE_ENCODER, SIMULATION_ENCODER = "sonicpi", "score", "simulation"
SENTENCE_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
SENTENCE_ENCODER_LABEL = "MiniLM"
DEFAULT_CODE_ENCODER = SONICPI_ENCODER


@dataclass(frozen=True)
class RetrievalMethod:
    """A method that retrieves the clips nearest to a program.

    Attributes
    ----------
    name : str
        As shown in tables.
    algorithm : {"bag-of-words", "edit-distance", "raw-embeddings", "projection-heads", "zero-shot"}
        ``raw-embeddings`` compares raw code embeddings; ``projection-heads`` compares code and
        audio in the shared space of trained heads; ``zero-shot`` compares them in the space that
        two encoders share as published. The ablation adds further algorithms.
    code_encoder : str
        Id of the code encoder; "" for the first two algorithms.
    alignment_config : AlignmentConfig, optional
        Config of the heads.
    is_default : bool
        Whether it is Earshot's default method; in an ablation, the one that it changes.
    """

    name: str
    algorithm: str
    code_encoder: str = ""
    alignment_config: AlignmentConfig | None = None
    is_default: bool = False

    @property
    def requires_embeddings_of_all_base_programs(self) -> bool:
        """Whether every program of the base must be embedded, not only those to train on."""
        return False

    def get_alignment_config(self) -> AlignmentConfig:
        """Return the config of a method with projection heads."""
        if self.alignment_config is None:
            raise ValueError(f"Method {self.name!r} has no alignment config.")
        return self.alignment_config

    def list_required_training_program_encoders(self) -> set[str]:
        """Return ids of the code encoders that embed the training programs."""
        return set() if self.algorithm == ZERO_SHOT else self._split_code_encoder_id()

    def list_required_query_encoders(self) -> set[str]:
        """Return ids of the code encoders that embed a query."""
        return self._split_code_encoder_id()

    def _split_code_encoder_id(self) -> set[str]:
        return set(split_encoder_id(self.code_encoder)) if self.code_encoder else set()


def list_baseline_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Return the methods from the simplest to the default one.

    Parameters
    ----------
    code_encoder : str
        Id of the corpus's code encoder.
    """
    text_encoders = dict.fromkeys((SENTENCE_ENCODER, code_encoder))
    raw_encoders = dict.fromkeys((*text_encoders, DEFAULT_CODE_ENCODER))
    return [
        RetrievalMethod("bag of words", BAG_OF_WORDS),
        RetrievalMethod("edit distance", EDIT_DISTANCE),
        *(make_raw_embedding_method(encoder) for encoder in raw_encoders),
        *(
            RetrievalMethod(
                f"InfoNCE on {shorten_encoder_id(encoder)}",
                PROJECTION_HEADS,
                encoder,
                make_preset_alignment_config("infonce"),
            )
            for encoder in text_encoders
        ),
        replace(make_kernel_ridge_method(DEFAULT_CODE_ENCODER), is_default=False),
        *(make_joint_method(objective) for objective in JOINT_OBJECTIVES),
        make_raw_embedding_method(SCORE_ENCODER),
        make_kernel_ridge_method(SCORE_ENCODER),
    ]


def make_raw_embedding_method(code_encoder: str) -> RetrievalMethod:
    """Return the method that compares raw code embeddings."""
    return RetrievalMethod(f"raw {shorten_encoder_id(code_encoder)}", RAW_EMBEDDINGS, code_encoder)


def make_kernel_ridge_method(code_encoder: str) -> RetrievalMethod:
    """Return kernel ridge regression; with the default code encoder, ablations start from it."""
    return RetrievalMethod(
        f"kernel ridge on {shorten_encoder_id(code_encoder)}",
        PROJECTION_HEADS,
        code_encoder,
        make_preset_alignment_config("kernel_ridge"),
        is_default=code_encoder == DEFAULT_CODE_ENCODER,
    )


def make_joint_method(objective: str) -> RetrievalMethod:
    """Return a joint kernel ridge regression on the default code encoder and the simulation.

    The one that is not whitened is the default method.
    """
    code_encoder = f"{DEFAULT_CODE_ENCODER}{ID_SEPARATOR}{SIMULATION_ENCODER}"
    return RetrievalMethod(
        f"{objective.replace('_', ' ')} on {code_encoder}",
        PROJECTION_HEADS,
        code_encoder,
        make_preset_alignment_config(objective),
        is_default=objective == JOINT_OBJECTIVE,
    )


def shorten_encoder_id(code_encoder: str) -> str:
    """Return an encoder's id as method names show it."""
    return code_encoder.replace(SENTENCE_ENCODER, SENTENCE_ENCODER_LABEL)


def make_preset_alignment_config(preset: str, **config_overrides: Any) -> AlignmentConfig:
    """Return the config of a preset."""
    return AlignmentConfig.from_preset(preset, **config_overrides)
