"""The ways that are taught: heads, regressions, and an encoder of text that is fine-tuned."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sklearn.neural_network import MLPRegressor

from core.alignment import AlignmentConfig, TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.config import CLOSED_FORM_OBJECTIVES
from core.alignment.heads import RIDGE_DEVIATION_FLOOR, ProjectionHeads, Standardiser
from core.studies.experiments.finetune import finetune
from core.encoders.score_features import PROGRAM_FEATURE_COUNT, build_feature_layout
from core.evaluation.validation import normalize_rows
from core.studies.experiments.augment import augment_source
from core.programs.grammar.styles import GRAMMAR_TEMPLATE_PREFIX
from core.studies.experiments.hard_negatives import make_hard_negative
from core.search.aligned_corpus import project_embeddings
from core.studies.retrieval_context import RetrievalContext, QueryScorer, make_cosine_scorer
from core.studies.retrieval_methods import SONICPI_ENCODER, RetrievalMethod
from core.studies.study_clips import render_study_clips, embed_code, embed_clip_files

PROGRESS_STEP = "Fine-tuning"


def fit_heads_scorer(method: RetrievalMethod, context: RetrievalContext) -> QueryScorer:
    """Train heads on what is searched; its validation programs say when to stop."""
    known, own = select_feature_columns(method, *context.get_code_embeddings(method.code_encoder))
    made = _fit_projection_heads(method, context, known)
    if method.first_stage_config is not None:
        before = _fit_projection_heads(RetrievalMethod("", method.algorithm, method.code_encoder, method.first_stage_config, method.training_subset), context, known)
        known, own = (project_embeddings(before, view, "code") for view in (known, own))
        made = _fit_projection_heads(method, context, known)
    heard = project_embeddings(made, context.base_audio, "audio")
    return make_cosine_scorer(lambda places: project_embeddings(made, own[places], "code"), heard)


def _fit_projection_heads(method: RetrievalMethod, context: RetrievalContext, base_code: np.ndarray) -> ProjectionHeads:
    taught, stops = make_training_masks(method, context)
    embedded = ~np.isnan(base_code).any(axis=1)
    taught, stops = taught & embedded, stops & embedded
    code, audio = torch.tensor(base_code[taught]), torch.tensor(context.base_audio[taught])
    config = AlignmentConfig.from_dict({**method.alignment_config.to_dict(), "seed": context.seed})
    more: dict[str, Any] = {}
    if method.augmentation_count:
        ways = [_embed_augmented_code(augment_source, context, taught, turn) for turn in range(method.augmentation_count)]
        if config.objective in CLOSED_FORM_OBJECTIVES:
            code, audio = torch.cat([code, *ways]), audio.repeat(1 + method.augmentation_count, 1)
        else:
            more["augmented_code"] = torch.stack(ways)
    if method.has_hard_negatives:
        more["hard_negatives"] = _embed_augmented_code(make_hard_negative, context, taught, 0)
    if method.perturbed_count:
        more_code, more_audio = _embed_perturbed_programs(context, taught, method.perturbed_count)
        code, audio = torch.cat([code, more_code]), torch.cat([audio, more_audio])
    validation_pairs = ValidationPairs(torch.tensor(base_code[stops]), torch.tensor(context.base_audio[stops]))
    return train_heads(TrainingPairs(code, audio, **more), validation_pairs, config).heads


def make_training_masks(method: RetrievalMethod, context: RetrievalContext) -> tuple[np.ndarray, np.ndarray]:
    """Which programs of the base are taught, and which say when to stop: bool [n] each."""
    base = context.query_set.base
    stops = (base["split"] == "validation").to_numpy()
    taught = ~stops
    if method.training_subset != "all":
        composed = base["template"].str.startswith(GRAMMAR_TEMPLATE_PREFIX).to_numpy()
        kept = composed if method.training_subset == "composed" else ~composed
        taught, stops = taught & kept, stops & kept
    return taught, stops


def select_feature_columns(method: RetrievalMethod, *code_embeddings: np.ndarray) -> list[np.ndarray]:
    """The columns of `sonicpi` that a way is given, of views [n, d] each."""
    if method.feature_subset == "all":
        return list(code_embeddings)
    width = build_feature_layout()[1]  # a half: all layers together, then each layer's most
    if method.feature_subset == "sounds":
        return [view[:, : 2 * width + PROGRAM_FEATURE_COUNT] for view in code_embeddings]
    left_out = np.s_[:width] if method.feature_subset == "layers" else np.s_[width : 2 * width]
    return [np.delete(view, left_out, axis=1) for view in code_embeddings]


def _embed_augmented_code(rewrite: Any, context: RetrievalContext, training_mask: np.ndarray, seed: int) -> torch.Tensor:
    """Embeddings of the programs that are taught, each changed by `rewrite`: float32 [n, d]."""
    key = (rewrite.__name__, seed, training_mask.tobytes())
    if key not in context.augmented_code:
        sources = [rewrite(source, seed) for source in context.query_set.base["source"][training_mask]]
        context.augmented_code[key] = embed_code(SONICPI_ENCODER, sources, context.progress)
    return torch.tensor(context.augmented_code[key])


def _embed_perturbed_programs(
    context: RetrievalContext, training_mask: np.ndarray, count: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings of some programs that are taught, changed a little, and of their own clips."""
    sources = context.query_set.base["source"][training_mask]
    places = np.linspace(0, len(sources) - 1, min(count, len(sources))).round().astype(int)
    changed = [make_hard_negative(source, 0) for source in sources.iloc[places]]
    corpus = context.corpus
    paths, _ = render_study_clips(corpus, changed, corpus.settings["seconds"], context.progress)
    there = [place for place, path in enumerate(paths) if path is not None]
    code = embed_code(SONICPI_ENCODER, [changed[place] for place in there], context.progress)
    audio = embed_clip_files(context.audio_encoder, [paths[place] for place in there], context.progress)
    return torch.tensor(code), torch.tensor(audio)


def fit_mlp_scorer(method: RetrievalMethod, context: RetrievalContext) -> QueryScorer:
    """Foretell the clip's embedding by a network, and take the clips nearest to that."""
    known, own = context.get_code_embeddings(method.code_encoder)
    taught, _ = make_training_masks(method, context)
    heard = normalize_rows(context.base_audio).numpy()
    centre = heard[taught].mean(axis=0)
    inputs = Standardiser(known.shape[1], deviation_floor=RIDGE_DEVIATION_FLOOR)
    inputs.fit(torch.tensor(known[taught]))
    x = inputs(torch.tensor(known[taught])).numpy()
    fitted = [
        _make_mlp(context.seed + turn, len(x)).fit(x, heard[taught] - centre)
        for turn in range(method.seed_count)
    ]

    def predict_audio(query_rows: np.ndarray) -> np.ndarray:
        asked = inputs(torch.tensor(own[query_rows])).numpy()
        return sum(each.predict(asked) for each in fitted)

    return make_cosine_scorer(predict_audio, heard - centre)


def _make_mlp(seed: int, sample_count: int) -> MLPRegressor:
    return MLPRegressor(
        hidden_layer_sizes=(512,),
        alpha=1.0,
        learning_rate_init=1e-3,
        batch_size=min(256, sample_count),
        max_iter=30,
        early_stopping=True,
        random_state=seed,
    )


def finetune_scorer(method: RetrievalMethod, context: RetrievalContext) -> QueryScorer:
    """Train heads on an encoder's embeddings, and then the encoder with them."""
    known, _ = context.get_code_embeddings(method.code_encoder)
    taught, _ = make_training_masks(method, context)
    taught &= ~np.isnan(known).any(axis=1)
    base, queries = context.query_set.base, context.query_set.queries["source"].to_numpy()
    made = finetune(
        method.code_encoder,
        _fit_projection_heads(method, context, known),
        list(base["source"][taught]),
        torch.tensor(context.base_audio[taught]),
        method.finetuning,
        lambda done, total, loss: context.progress(PROGRESS_STEP, done, total, f"loss {loss:.3f}"),
    )
    heard = made.project_audio(torch.tensor(context.base_audio)).numpy()
    return make_cosine_scorer(lambda places: made.project_code(list(queries[places])).numpy(), heard)
