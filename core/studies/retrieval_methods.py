"""The ways to find the clips that a program will sound like, from the simplest to ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from core import encoders
from core.alignment import AlignmentConfig
from core.studies.experiments.finetune import FinetuningConfig
from core.encoders.concat import split_encoder_id

BAG_OF_WORDS, EDIT_DISTANCE, RAW_EMBEDDINGS, PROJECTION_HEADS = "bag", "edits", "raw", "heads"
MLP, FINETUNED, ENSEMBLE = "mlp", "tuned", "together"
SONICPI_ENCODER, SCORE_ENCODER = "sonicpi", "score"
SENTENCE_ENCODER = "sentence-transformers/all-MiniLM-L6-v2"
SENTENCE_ENCODER_LABEL = "MiniLM"
DEFAULT_CODE_ENCODER = SONICPI_ENCODER
SHORT_TRAINING = {"epochs": 15, "patience": 5}  # of heads in an ablation: each in about a minute
PERTURBED_PROGRAM_COUNT = 300  # programs that are rendered changed


@dataclass(frozen=True)
class RetrievalMethod:
    """One way to find neighbours.

    Attributes
    ----------
    name : str
        For people.
    algorithm : {"bag", "edits", "raw", "heads", "mlp", "tuned", "together"}
        By words, by edits, by raw embeddings of code, in the shared space of heads that are
        trained or solved for, by the clip's embedding as a network foretells it, in the shared
        space of heads and an encoder of code that are trained end to end, or by what several
        ways say together.
    code_encoder : str
        Whose embeddings of code; "" for the first two and the last.
    alignment_config : AlignmentConfig, optional
        Of "heads" and "tuned".
    training_subset : {"all", "templates", "composed"}
        Which programs are taught; searched are all.
    feature_subset : {"all", "whole", "layers", "sounds"}
        Of `sonicpi`: all; without what each layer alone is like; without what all layers
        together are like; without the words.
    augmentation_count : int
        How often each program is taught again, written otherwise: further positives.
    has_hard_negatives : bool
        Whether heads that are trained have to tell each program from itself changed so that
        it sounds otherwise: hard negatives. They are not rendered.
    perturbed_count : int
        How many programs are taught again, changed a little and with the clip of that: near in
        code, apart in sound.
    first_stage_config : AlignmentConfig, optional
        Heads whose shared space the code is brought to first.
    seed_count : int
        Runs whose foretellings are averaged, of "mlp".
    finetuning : Tuning, optional
        Of "tuned".
    members : tuple of Way
        Of "together".
    is_default : bool
        Whether it is the one that was chosen.
    """

    name: str
    algorithm: str
    code_encoder: str = ""
    alignment_config: AlignmentConfig | None = None
    training_subset: str = "all"
    feature_subset: str = "all"
    augmentation_count: int = 0
    has_hard_negatives: bool = False
    perturbed_count: int = 0
    first_stage_config: AlignmentConfig | None = None
    seed_count: int = 1
    finetuning: FinetuningConfig | None = None
    members: tuple[RetrievalMethod, ...] = ()
    is_default: bool = False

    def list_training_encoders(self) -> set[str]:
        """Encoders of code that read what it is taught."""
        if self.members:
            return set().union(*(part.list_training_encoders() for part in self.members))
        return set(split_encoder_id(self.code_encoder)) if self.code_encoder else set()

    def list_query_encoders(self) -> set[str]:
        """Encoders of code that read a program that is asked about."""
        if self.members:
            return set().union(*(part.list_query_encoders() for part in self.members))
        return set() if self.algorithm == FINETUNED else self.list_training_encoders()


def _make_raw_method(code_encoder: str) -> RetrievalMethod:
    return RetrievalMethod(f"raw {_shorten_encoder_id(code_encoder)}", RAW_EMBEDDINGS, code_encoder)


def _make_kernel_ridge_method(code_encoder: str) -> RetrievalMethod:
    return RetrievalMethod(
        f"kernel ridge on {_shorten_encoder_id(code_encoder)}", PROJECTION_HEADS, code_encoder, make_alignment_config("kernel_ridge"), is_default=code_encoder == DEFAULT_CODE_ENCODER
    )


def _make_linear_ridge_method(code_encoder: str, **config_overrides: Any) -> RetrievalMethod:
    """Ridge regression without a kernel."""
    config = make_alignment_config("kernel_ridge", objective="ridge", l2=1000.0, **config_overrides)
    return RetrievalMethod(f"ridge on {_shorten_encoder_id(code_encoder)}", PROJECTION_HEADS, code_encoder, config)


def _shorten_encoder_id(code_encoder: str) -> str:
    return code_encoder.replace(SENTENCE_ENCODER, SENTENCE_ENCODER_LABEL)


def _choose_text_encoder(code_encoder: str) -> str:
    """An encoder that reads code as text: the corpus's, if it is one."""
    return code_encoder if encoders.find_encoder_spec(code_encoder).family == "text" else SENTENCE_ENCODER


def make_alignment_config(preset: str, **config_overrides: Any) -> AlignmentConfig:
    """The config of heads of a named method."""
    return AlignmentConfig.from_preset(preset, **config_overrides)


def list_baseline_methods(code_encoder: str) -> list[RetrievalMethod]:
    """From the simplest way to ours, for a corpus with that code encoder."""
    views = list(dict.fromkeys((SENTENCE_ENCODER, code_encoder, DEFAULT_CODE_ENCODER)))
    return [
        RetrievalMethod("bag of identifiers", BAG_OF_WORDS),
        RetrievalMethod("edit distance", EDIT_DISTANCE),
        *(_make_raw_method(view) for view in views),
        *(
            RetrievalMethod(f"the paper's method on {_shorten_encoder_id(view)}", PROJECTION_HEADS, view, make_alignment_config("infonce"))
            for view in dict.fromkeys((SENTENCE_ENCODER, code_encoder))
        ),
        _make_kernel_ridge_method(DEFAULT_CODE_ENCODER),
        _make_raw_method(SCORE_ENCODER),
        _make_kernel_ridge_method(SCORE_ENCODER),
    ]


def list_ridge_methods(code_encoder: str) -> list[RetrievalMethod]:
    """What was tried without gradients: views of code, and what is solved for from them."""
    views = dict.fromkeys(
        (SENTENCE_ENCODER, code_encoder, SONICPI_ENCODER, f"{SENTENCE_ENCODER}+{SONICPI_ENCODER}", SCORE_ENCODER, f"{SONICPI_ENCODER}+{SCORE_ENCODER}")
    )
    ours = make_alignment_config("kernel_ridge")
    return [
        *(_make_raw_method(view) for view in views),
        *(_make_linear_ridge_method(view) for view in (SENTENCE_ENCODER, SONICPI_ENCODER, SCORE_ENCODER)),
        replace(_make_linear_ridge_method(SONICPI_ENCODER, mean_fraction=0.0), name="  ridge, nothing kept of the mean"),
        *(_make_kernel_ridge_method(view) for view in views),
        *(
            RetrievalMethod(name, PROJECTION_HEADS, SONICPI_ENCODER, make_alignment_config("kernel_ridge", **changes))
            for name, changes in (
                ("  nothing kept of the mean", {"mean_fraction": 0.0}),
                ("  all of the mean kept", {"mean_fraction": 1.0}),
                ("  a tenth of the penalty", {"l2": 0.03}),
                ("  ten times the penalty", {"l2": 3.0}),
                ("  whitened to 512", {"whitening_components": 512}),
            )
        ),
        RetrievalMethod("  taught templates only", PROJECTION_HEADS, SONICPI_ENCODER, ours, training_subset="templates"),
        RetrievalMethod("  taught composed programs only", PROJECTION_HEADS, SONICPI_ENCODER, ours, training_subset="composed"),
        RetrievalMethod("  without a view of each layer", PROJECTION_HEADS, SONICPI_ENCODER, ours, feature_subset="whole"),
        RetrievalMethod("  by the layers alone", PROJECTION_HEADS, SONICPI_ENCODER, ours, feature_subset="layers"),
        RetrievalMethod("  without the words", PROJECTION_HEADS, SONICPI_ENCODER, ours, feature_subset="sounds"),
    ]


def _make_soft_infonce_method(code_encoder: str) -> RetrievalMethod:
    return RetrievalMethod(f"soft targets on {_shorten_encoder_id(code_encoder)}", PROJECTION_HEADS, code_encoder, make_alignment_config("soft_infonce", **SHORT_TRAINING))


def _make_infonce_method(code_encoder: str) -> RetrievalMethod:
    return RetrievalMethod(f"InfoNCE, the paper's, on {_shorten_encoder_id(code_encoder)}", PROJECTION_HEADS, code_encoder, make_alignment_config("infonce", **SHORT_TRAINING))


def list_trained_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Heads that were trained, beside the chosen ones, and together with them."""
    text, soft = _choose_text_encoder(code_encoder), _make_soft_infonce_method(SONICPI_ENCODER)
    return [
        _make_raw_method(code_encoder),
        _make_kernel_ridge_method(DEFAULT_CODE_ENCODER),
        _make_infonce_method(text),
        _make_soft_infonce_method(text),
        _make_infonce_method(SONICPI_ENCODER),
        soft,
        RetrievalMethod(
            "  soft, without kernels aligned",
            PROJECTION_HEADS,
            SONICPI_ENCODER,
            make_alignment_config("soft_infonce", cka_weight=0.0, **SHORT_TRAINING),
        ),
        replace(soft, name="  soft, started from ridge", first_stage_config=_make_linear_ridge_method(SONICPI_ENCODER).alignment_config),
        RetrievalMethod("kernel ridge and soft targets together", ENSEMBLE, members=(_make_kernel_ridge_method(DEFAULT_CODE_ENCODER), soft)),
    ]


def list_augmented_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Programs written otherwise as further positives, and changed ones as hard negatives."""
    ours, soft = _make_kernel_ridge_method(DEFAULT_CODE_ENCODER), _make_soft_infonce_method(SONICPI_ENCODER)
    return [
        _make_raw_method(code_encoder),
        ours,
        replace(ours, name="  each program also written otherwise", augmentation_count=1, is_default=False),
        replace(
            ours,
            name=f"  and {PERTURBED_PROGRAM_COUNT} programs changed a little, rendered",
            perturbed_count=PERTURBED_PROGRAM_COUNT,
            is_default=False,
        ),
        soft,
        replace(soft, name="  soft, each program also written otherwise", augmentation_count=1),
        replace(soft, name="  soft, against each program changed", has_hard_negatives=True),
        replace(_make_infonce_method(SONICPI_ENCODER), name="  InfoNCE, against each program changed", has_hard_negatives=True),
    ]


def list_mlp_methods(code_encoder: str) -> list[RetrievalMethod]:
    """Networks that foretell the clip's embedding, beside the chosen heads."""
    return [
        _make_raw_method(code_encoder),
        _make_kernel_ridge_method(DEFAULT_CODE_ENCODER),
        RetrievalMethod("network that foretells the embedding", MLP, SONICPI_ENCODER),
        RetrievalMethod("  three of them", MLP, SONICPI_ENCODER, seed_count=3),
    ]


def list_finetuned_methods(code_encoder: str) -> list[RetrievalMethod]:
    """An encoder of text as it is, with heads, and trained end to end with them."""
    text = _choose_text_encoder(code_encoder)
    return [
        _make_raw_method(text),
        _make_kernel_ridge_method(DEFAULT_CODE_ENCODER),
        _make_soft_infonce_method(text),
        RetrievalMethod(
            f"{_shorten_encoder_id(text)} tuned end to end, soft targets",
            FINETUNED,
            text,
            _make_soft_infonce_method(text).alignment_config,
            finetuning=FinetuningConfig(),
        ),
    ]


def list_all_methods(code_encoder: str) -> list[RetrievalMethod]:
    """All of these, each once: the ablation."""
    lists = [made(code_encoder) for made in (list_baseline_methods, list_ridge_methods, list_trained_methods, list_augmented_methods, list_mlp_methods, list_finetuned_methods)]
    return list({way.name: way for ways in lists for way in ways}.values())


METHOD_SETS = {
    "told": list_baseline_methods,
    "solved": list_ridge_methods,
    "trained": list_trained_methods,
    "augmented": list_augmented_methods,
    "networks": list_mlp_methods,
    "tuned": list_finetuned_methods,
    "all": list_all_methods,
}
