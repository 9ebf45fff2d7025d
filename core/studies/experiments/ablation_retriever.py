"""Retriever of the ablations: fits heads with variations, MLPs, fine-tuned encoders, ensembles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from sklearn.neural_network import MLPRegressor

from core.alignment import ProjectionHeads, TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.config import CLOSED_FORM_OBJECTIVES
from core.alignment.projection_head_layers import RIDGE_DEVIATION_FLOOR, Standardiser
from core.alignment.projection_heads import project_embeddings
from core.alignment.sound_property_regression_with_intervals import select_evenly_spaced_rows
from core.encoders.score_feature_layout import PROGRAM_FEATURE_COUNT, build_feature_layout
from core.evaluation.array_validation_and_normalization import normalize_rows
from core.programs.grammar.music_styles import GRAMMAR_TEMPLATE_PREFIX
from core.studies.experiments.ablation_methods import (
    ENSEMBLE,
    FINETUNED,
    MLP,
    AblationMethod,
)
from core.studies.experiments.hard_negative_generation import make_hard_negative
from core.studies.experiments.sound_preserving_program_rewriter import (
    rewrite_without_changing_sound,
)
from core.studies.experiments.text_encoder_finetuning import finetune_text_encoder
from core.studies.retrieval_method_definitions import (
    PROJECTION_HEADS,
    SONICPI_ENCODER,
    RetrievalMethod,
)
from core.studies.retrieval_method_fitting_and_ranking import (
    SCORER_FITTERS,
    Retriever,
    ScorerFitter,
    get_config_with_study_seed,
    make_heads_scorer,
)
from core.studies.retrieval_study_data import QueryScorer, RetrievalStudyData, make_cosine_scorer
from core.studies.study_clip_rendering import (
    embed_clip_files,
    embed_program_sources,
    render_study_clips,
)

FINETUNING_STEP = "Fine-tuning"
MIN_SCORE_DEVIATION = 1e-9

SourceChange = Callable[[str, int], str]  # takes a program and a seed


class AblationRetriever(Retriever):
    """Retrieves clips by the baselines and by the methods of the ablations."""

    @property
    def scorer_fitters(self) -> Mapping[str, ScorerFitter]:
        """Functions that fit a scorer, by algorithm."""
        return ABLATION_FITTERS

    def _fit_scorer(self, method: RetrievalMethod) -> tuple[QueryScorer, float]:
        if method.algorithm != ENSEMBLE or not isinstance(method, AblationMethod):
            return super()._fit_scorer(method)
        members = [self._get_fitted_scorer(member) for member in method.members]
        scorer = _average_scorers([member_scorer for member_scorer, _ in members])
        return scorer, sum(seconds for _, seconds in members)


def _average_scorers(scorers: Sequence[QueryScorer]) -> QueryScorer:
    """Return the mean of several scorers, each standardised per query."""

    def average_standardized_scores(query_rows: np.ndarray) -> np.ndarray:
        standardised = []
        for scorer in scorers:
            scores = scorer(query_rows)
            deviation = np.maximum(scores.std(axis=1, keepdims=True), MIN_SCORE_DEVIATION)
            standardised.append((scores - scores.mean(axis=1, keepdims=True)) / deviation)
        mean: np.ndarray = np.mean(standardised, axis=0)
        return mean

    return average_standardized_scores


def _fit_heads_scorer(method: RetrievalMethod, context: RetrievalStudyData) -> QueryScorer:
    """Train heads on the base; with a first stage, on code that its heads have projected."""
    if not isinstance(method, AblationMethod):
        return SCORER_FITTERS[PROJECTION_HEADS](method, context)
    if method.audio_encoder:
        context = replace(
            context,
            audio_encoder=method.audio_encoder,
            base_audio=context.load_base_embeddings(method.audio_encoder),
        )
    base_code, query_code = select_code_feature_columns(
        method.feature_subset, *context.get_base_and_query_code_embeddings(method.code_encoder)
    )
    if method.first_stage_config is not None:
        first_stage = AblationMethod(
            "",
            method.algorithm,
            method.code_encoder,
            method.first_stage_config,
            training_subset=method.training_subset,
        )
        first_heads = _fit_projection_heads(first_stage, context, base_code)
        base_code, query_code = (
            project_embeddings(first_heads, code, "code") for code in (base_code, query_code)
        )
    heads = _fit_projection_heads(method, context, base_code)
    return make_heads_scorer(heads, query_code, context)


def _fit_projection_heads(
    method: AblationMethod, context: RetrievalStudyData, base_code: np.ndarray
) -> ProjectionHeads:
    is_training, is_validation = _make_training_masks(method, context)
    is_embedded = ~np.isnan(base_code).any(axis=1)
    is_training, is_validation = is_training & is_embedded, is_validation & is_embedded
    code = torch.tensor(base_code[is_training])
    audio = torch.tensor(context.base_audio[is_training])
    config = get_config_with_study_seed(method, context)
    augmented_code = hard_negatives = None
    if method.augmentation_count:
        versions = [
            _embed_changed_programs(rewrite_without_changing_sound, context, is_training, seed)
            for seed in range(method.augmentation_count)
        ]
        if config.objective in CLOSED_FORM_OBJECTIVES:
            code = torch.cat([code, *versions])
            audio = audio.repeat(1 + method.augmentation_count, 1)
        else:
            augmented_code = torch.stack(versions)
    if method.has_hard_negatives:
        hard_negatives = _embed_changed_programs(make_hard_negative, context, is_training, 0)
    if method.perturbed_count:
        perturbed_code, perturbed_audio = _render_perturbed_programs(
            context, is_training, method.perturbed_count
        )
        code, audio = torch.cat([code, perturbed_code]), torch.cat([audio, perturbed_audio])
    training_pairs = TrainingPairs(code, audio, augmented_code, hard_negatives)
    validation_pairs = ValidationPairs(
        torch.tensor(base_code[is_validation]), torch.tensor(context.base_audio[is_validation])
    )
    return train_heads(training_pairs, validation_pairs, config).heads


def _make_training_masks(
    method: AblationMethod, context: RetrievalStudyData
) -> tuple[np.ndarray, np.ndarray]:
    """Return the programs to train on and those for early stopping: bool [n] each."""
    is_validation = context.validation_program_mask
    is_training = ~is_validation
    if method.training_subset != "all":
        templates = context.query_set.base["template"]
        is_in_subset = templates.str.startswith(GRAMMAR_TEMPLATE_PREFIX).to_numpy()
        if method.training_subset == "templates":
            is_in_subset = ~is_in_subset
        is_training, is_validation = is_training & is_in_subset, is_validation & is_in_subset
    return is_training, is_validation


def select_code_feature_columns(
    feature_subset: str, *code_embeddings: np.ndarray
) -> list[np.ndarray]:
    """Return the columns of embeddings by `sonicpi`, [n, d] each, that belong to a subset.

    Parameters
    ----------
    feature_subset : {"all", "no-layers", "layers-only", "no-text"}
        As in `AblationMethod`.
    *code_embeddings : array, float [n, d]
    """
    if feature_subset == "all":
        return list(code_embeddings)
    # The first `width` columns are of all layers together, the next `width` of single layers.
    width = build_feature_layout()[1]
    if feature_subset == "no-text":
        return [code[:, : 2 * width + PROGRAM_FEATURE_COUNT] for code in code_embeddings]
    dropped = slice(0, width) if feature_subset == "layers-only" else slice(width, 2 * width)
    return [np.delete(code, dropped, axis=1) for code in code_embeddings]


def _embed_changed_programs(
    change: SourceChange, context: RetrievalStudyData, is_training: np.ndarray, seed: int
) -> torch.Tensor:
    """Return embeddings of the training programs, each changed by `change`: float32 [n, d]."""
    key = (change.__name__, seed, is_training.tobytes())
    if key not in context.augmented_code:
        sources = context.query_set.base["source"][is_training]
        changed = [change(source, seed) for source in sources]
        context.augmented_code[key] = embed_program_sources(
            SONICPI_ENCODER, changed, context.progress
        )
    return torch.tensor(context.augmented_code[key])


def _render_perturbed_programs(
    context: RetrievalStudyData, is_training: np.ndarray, count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Change and render some training programs; return embeddings of code and audio."""
    sources = context.query_set.base["source"][is_training]
    rows = select_evenly_spaced_rows(len(sources), count)
    changed = [make_hard_negative(source, 0) for source in sources.iloc[rows]]
    corpus = context.corpus
    paths, _ = render_study_clips(corpus, changed, corpus.settings["seconds"], context.progress)
    rendered = [(source, path) for source, path in zip(changed, paths) if path is not None]
    code = embed_program_sources(
        SONICPI_ENCODER, [source for source, _ in rendered], context.progress
    )
    audio = embed_clip_files(
        context.audio_encoder, [path for _, path in rendered], context.progress
    )
    return torch.tensor(code), torch.tensor(audio)


def _fit_mlp_scorer(method: RetrievalMethod, context: RetrievalStudyData) -> QueryScorer:
    """Predict the clip's embedding by MLPs and compare it with the base clips."""
    assert isinstance(method, AblationMethod)
    base_code, query_code = context.get_base_and_query_code_embeddings(method.code_encoder)
    is_training, _ = _make_training_masks(method, context)
    base_audio = normalize_rows(context.base_audio).numpy()
    centre = base_audio[is_training].mean(axis=0)
    standardise = Standardiser(base_code.shape[1], deviation_floor=RIDGE_DEVIATION_FLOOR)
    standardise.fit_mean_and_scale(torch.tensor(base_code[is_training]))
    inputs = standardise(torch.tensor(base_code[is_training])).numpy()
    targets = base_audio[is_training] - centre
    models = [
        _make_mlp_regressor(context.seed + run, len(inputs)).fit(inputs, targets)
        for run in range(method.seed_count)
    ]

    def predict_audio(query_rows: np.ndarray) -> np.ndarray:
        query_inputs = standardise(torch.tensor(query_code[query_rows])).numpy()
        # The cosine ignores the length, so a sum is as good as a mean.
        return sum(model.predict(query_inputs) for model in models)

    return make_cosine_scorer(predict_audio, base_audio - centre)


def _make_mlp_regressor(seed: int, sample_count: int) -> MLPRegressor:
    return MLPRegressor(
        hidden_layer_sizes=(512,),
        alpha=1.0,
        learning_rate_init=1e-3,
        batch_size=min(256, sample_count),
        max_iter=30,
        early_stopping=True,
        random_state=seed,
    )


def _fit_finetuned_scorer(method: RetrievalMethod, context: RetrievalStudyData) -> QueryScorer:
    """Train heads on an encoder's embeddings, then fine-tune the encoder with them."""
    assert isinstance(method, AblationMethod) and method.finetuning is not None
    base_code, _ = context.get_base_and_query_code_embeddings(method.code_encoder)
    is_training, _ = _make_training_masks(method, context)
    is_training &= ~np.isnan(base_code).any(axis=1)
    training_sources = list(context.query_set.base["source"][is_training])
    query_sources = context.query_set.queries["source"].to_numpy()
    finetuned = finetune_text_encoder(
        method.code_encoder,
        _fit_projection_heads(method, context, base_code),
        training_sources,
        torch.tensor(context.base_audio[is_training]),
        method.finetuning,
        lambda done, total, loss: context.progress(
            FINETUNING_STEP, done, total, f"loss {loss:.3f}"
        ),
    )
    base_audio = finetuned.project_audio_embeddings(torch.tensor(context.base_audio)).numpy()
    return make_cosine_scorer(
        lambda rows: finetuned.project_code_embeddings(list(query_sources[rows])).numpy(),
        base_audio,
    )


ABLATION_FITTERS: dict[str, ScorerFitter] = {
    **SCORER_FITTERS,
    PROJECTION_HEADS: _fit_heads_scorer,
    MLP: _fit_mlp_scorer,
    FINETUNED: _fit_finetuned_scorer,
}
