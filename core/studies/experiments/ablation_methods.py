"""Methods of the ablations: ridge, trained heads, augmentation, MLP and fine-tuning."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core import encoders
from core.alignment import AlignmentConfig
from core.encoders.concatenated_encoders import ID_SEPARATOR, split_encoder_id
from core.studies import retrieval_method_definitions
from core.studies.experiments.text_encoder_finetuning import FinetuningConfig
from core.studies.retrieval_method_definitions import (
    DEFAULT_CODE_ENCODER,
    PROJECTION_HEADS,
    SCORE_ENCODER,
    SONICPI_ENCODER,
    RetrievalMethod,
    list_baseline_methods,
    make_kernel_ridge_method,
    make_raw_embedding_method,
    shorten_encoder_id,
)

MLP, FINETUNED, ENSEMBLE = "mlp", "finetuned", "ensemble"
SHORT_TRAINING = {"epochs": 15, "patience": 5}  # about a minute per method
PERTURBED_PROGRAM_COUNT = 300
LINEAR_RIDGE_L2 = 1000.0


@dataclass(frozen=True)
class AblationMethod(RetrievalMethod):
    """A method of an ablation.

    Attributes
    ----------
    algorithm : str
        One of those of `RetrievalMethod`, or ``mlp`` (regression of the audio embedding),
        ``finetuned`` (heads and code encoder trained end to end) or ``ensemble`` (mean score of
        several methods).
    audio_encoder : str
        Id of the audio encoder of which the heads learn; "" for the study's training encoder.
    training_subset : {"all", "templates", "grammar"}
        The programs to train on; all programs are searched.
    feature_subset : {"all", "no-layers", "layers-only", "no-text"}
        Features of the encoder `sonicpi`: all; without those of single layers; without those of
        all layers together; without those of the text.
    augmentation_count : int
        Rewritten versions of each training program with the same sound: further positives.
    has_hard_negatives : bool
        Whether training contrasts each program with a version that sounds different. Those
        versions are not rendered.
    perturbed_count : int
        Training programs that are also used in a changed version, with the clip of that version.
    first_stage_config : AlignmentConfig, optional
        Config of heads that project the code first.
    seed_count : int
        Runs of ``mlp`` whose predictions are averaged.
    finetuning : FinetuningConfig, optional
        Config of ``finetuned``.
    members : tuple of RetrievalMethod
        Members of an ``ensemble``.
    """

    audio_encoder: str = ""
    training_subset: str = "all"
    feature_subset: str = "all"
    augmentation_count: int = 0
    has_hard_negatives: bool = False
    perturbed_count: int = 0
    first_stage_config: AlignmentConfig | None = None
    seed_count: int = 1
    finetuning: FinetuningConfig | None = None
    members: tuple[RetrievalMethod, ...] = ()

    @property
    def requires_embeddings_of_all_base_programs(self) -> bool:
        """Whether every program of the base must be embedded, not only those to train on."""
        return self.algorithm == MLP

    def list_required_training_program_encoders(self) -> set[str]:
        """Return ids of the code encoders that embed the training programs."""
        encoder_ids = super().list_required_training_program_encoders()
        if self.audio_encoder:
            encoder_ids |= set(split_encoder_id(self.audio_encoder))
        return encoder_ids.union(
            *(member.list_required_training_program_encoders() for member in self.members)
        )

    def list_required_query_encoders(self) -> set[str]:
        """Return ids of the code encoders that embed a query."""
        if self.algorithm == FINETUNED:
            return set()
        encoder_ids = super().list_required_query_encoders()
        return encoder_ids.union(
            *(member.list_required_query_encoders() for member in self.members)
        )


def list_untrained_and_ridge_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Return methods without gradient descent: raw embeddings, linear and kernel ridge."""
    sentence_encoder = retrieval_method_definitions.SENTENCE_ENCODER
    encoder_ids = dict.fromkeys(
        (
            sentence_encoder,
            code_encoder,
            SONICPI_ENCODER,
            f"{sentence_encoder}+{SONICPI_ENCODER}",
            SCORE_ENCODER,
            f"{SONICPI_ENCODER}+{SCORE_ENCODER}",
        )
    )
    linear_encoders = (sentence_encoder, SONICPI_ENCODER, SCORE_ENCODER)
    linear_without_mean = _make_linear_ridge_method(SONICPI_ENCODER, mean_fraction=0.0)
    return [
        *(make_raw_embedding_method(encoder_id) for encoder_id in encoder_ids),
        *(_make_linear_ridge_method(encoder_id) for encoder_id in linear_encoders),
        _make_ablation_variant(linear_without_mean, name="linear ridge, mean fraction 0"),
        *(make_kernel_ridge_method(encoder_id) for encoder_id in encoder_ids),
        *(
            _make_kernel_ridge_variant(
                name, alignment_config=_make_preset_alignment_config("kernel_ridge", **overrides)
            )
            for name, overrides in (
                ("mean fraction 0", {"mean_fraction": 0.0}),
                ("mean fraction 1", {"mean_fraction": 1.0}),
                ("L2 × 0.1", {"l2": 0.03}),
                ("L2 × 10", {"l2": 3.0}),
                ("whitened to 512", {"whitening_components": 512}),
            )
        ),
        _make_kernel_ridge_variant("trained on templates only", training_subset="templates"),
        _make_kernel_ridge_variant("trained on grammar programs only", training_subset="grammar"),
        _make_kernel_ridge_variant("without layer features", feature_subset="no-layers"),
        _make_kernel_ridge_variant("layer features only", feature_subset="layers-only"),
        _make_kernel_ridge_variant("without text features", feature_subset="no-text"),
    ]


def list_consensus_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Return kernel ridge trained on each, each two and all of the consensus's audio encoders.

    A method trained on two of them shows what the third, which is left out, makes of its clips.
    """
    components = split_encoder_id(encoders.PRESETS["offline"].audio_encoder)
    subsets = [
        subset
        for size in range(1, len(components) + 1)
        for subset in itertools.combinations(components, size)
    ]
    return [
        make_raw_embedding_method(code_encoder),
        make_kernel_ridge_method(DEFAULT_CODE_ENCODER),
        *(
            _make_kernel_ridge_variant(
                f"trained on {ID_SEPARATOR.join(subset)}", audio_encoder=ID_SEPARATOR.join(subset)
            )
            for subset in subsets
        ),
    ]


def list_gradient_trained_and_reference_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Return heads that are trained by gradient descent, and an ensemble with kernel ridge."""
    text_encoder = _choose_text_encoder(code_encoder)
    soft_infonce = _make_soft_infonce_method(SONICPI_ENCODER)
    kernel_ridge = make_kernel_ridge_method(DEFAULT_CODE_ENCODER)
    return [
        make_raw_embedding_method(code_encoder),
        kernel_ridge,
        _make_infonce_method(text_encoder),
        _make_soft_infonce_method(text_encoder),
        _make_infonce_method(SONICPI_ENCODER),
        soft_infonce,
        _make_ablation_variant(
            soft_infonce,
            name="soft InfoNCE without CKA",
            alignment_config=_make_preset_alignment_config(
                "soft_infonce", cka_weight=0.0, **SHORT_TRAINING
            ),
        ),
        _make_ablation_variant(
            soft_infonce,
            name="soft InfoNCE after linear ridge",
            first_stage_config=_make_linear_ridge_method(SONICPI_ENCODER).alignment_config,
        ),
        AblationMethod(
            "ensemble of kernel ridge and soft InfoNCE",
            ENSEMBLE,
            members=(kernel_ridge, soft_infonce),
        ),
    ]


def list_augmented_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Return methods with rewritten programs as positives and changed ones as hard negatives."""
    soft_infonce = _make_soft_infonce_method(SONICPI_ENCODER)
    return [
        make_raw_embedding_method(code_encoder),
        make_kernel_ridge_method(DEFAULT_CODE_ENCODER),
        _make_kernel_ridge_variant("augmented code", augmentation_count=1),
        _make_kernel_ridge_variant(
            f"{PERTURBED_PROGRAM_COUNT} rendered perturbations",
            perturbed_count=PERTURBED_PROGRAM_COUNT,
        ),
        soft_infonce,
        _make_ablation_variant(
            soft_infonce, name="soft InfoNCE, augmented code", augmentation_count=1
        ),
        _make_ablation_variant(
            soft_infonce, name="soft InfoNCE, hard negatives", has_hard_negatives=True
        ),
        _make_ablation_variant(
            _make_infonce_method(SONICPI_ENCODER),
            name="InfoNCE, hard negatives",
            has_hard_negatives=True,
        ),
    ]


def list_mlp_and_default_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Return MLPs that predict the clip's embedding, and the default method."""
    return [
        make_raw_embedding_method(code_encoder),
        make_kernel_ridge_method(DEFAULT_CODE_ENCODER),
        AblationMethod("MLP regression", MLP, SONICPI_ENCODER),
        AblationMethod("MLP regression, 3 seeds", MLP, SONICPI_ENCODER, seed_count=3),
    ]


def list_frozen_and_finetuned_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Return a text encoder with heads, frozen and fine-tuned."""
    text_encoder = _choose_text_encoder(code_encoder)
    soft_infonce = _make_soft_infonce_method(text_encoder)
    return [
        make_raw_embedding_method(text_encoder),
        make_kernel_ridge_method(DEFAULT_CODE_ENCODER),
        soft_infonce,
        _make_ablation_variant(
            soft_infonce,
            name=f"{shorten_encoder_id(text_encoder)} finetuned, soft InfoNCE",
            algorithm=FINETUNED,
            finetuning=FinetuningConfig(),
        ),
    ]


def list_all_ablation_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Return the baselines and all methods of the ablations, each once."""
    methods = [
        method
        for list_methods in (
            list_baseline_methods,
            list_untrained_and_ridge_methods,
            list_consensus_methods,
            list_gradient_trained_and_reference_methods,
            list_augmented_methods,
            list_mlp_and_default_methods,
            list_frozen_and_finetuned_methods,
        )
        for method in list_methods(code_encoder)
    ]
    return list({method.name: method for method in methods}.values())


def _make_linear_ridge_method(code_encoder: str, **config_overrides: Any) -> RetrievalMethod:
    """Return ridge regression without a kernel."""
    return RetrievalMethod(
        f"linear ridge on {shorten_encoder_id(code_encoder)}",
        PROJECTION_HEADS,
        code_encoder,
        _make_preset_alignment_config(
            "kernel_ridge", objective="ridge", l2=LINEAR_RIDGE_L2, **config_overrides
        ),
    )


def _make_soft_infonce_method(code_encoder: str) -> RetrievalMethod:
    return RetrievalMethod(
        f"soft InfoNCE on {shorten_encoder_id(code_encoder)}",
        PROJECTION_HEADS,
        code_encoder,
        _make_preset_alignment_config("soft_infonce", **SHORT_TRAINING),
    )


def _make_infonce_method(code_encoder: str) -> RetrievalMethod:
    return RetrievalMethod(
        f"InfoNCE on {shorten_encoder_id(code_encoder)}, {SHORT_TRAINING['epochs']} epochs",
        PROJECTION_HEADS,
        code_encoder,
        _make_preset_alignment_config("infonce", **SHORT_TRAINING),
    )


def _make_kernel_ridge_variant(name: str, **changes: Any) -> AblationMethod:
    method = make_kernel_ridge_method(SONICPI_ENCODER)
    return _make_ablation_variant(method, name=f"kernel ridge, {name}", is_default=False, **changes)


def _make_ablation_variant(method: RetrievalMethod, **changes: Any) -> AblationMethod:
    """Return a method with other or additional settings."""
    return AblationMethod(**{**vars(method), **changes})


def _make_preset_alignment_config(preset: str, **config_overrides: Any) -> AlignmentConfig:
    # Looked up in its module, where tests replace it by a quicker one.
    return retrieval_method_definitions.make_preset_alignment_config(preset, **config_overrides)


def _choose_text_encoder(code_encoder: str) -> str:
    """Return the corpus's code encoder if it reads text, else a sentence encoder."""
    is_text_encoder = encoders.find_encoder_spec(code_encoder).family == "text"
    return code_encoder if is_text_encoder else retrieval_method_definitions.SENTENCE_ENCODER


METHOD_SETS: dict[str, Callable[[str], list[RetrievalMethod]]] = {
    "ridge": list_untrained_and_ridge_methods,
    "consensus": list_consensus_methods,
    "trained": list_gradient_trained_and_reference_methods,
    "augmented": list_augmented_methods,
    "mlp": list_mlp_and_default_methods,
    "finetuned": list_frozen_and_finetuned_methods,
    "all": list_all_ablation_methods,
}
