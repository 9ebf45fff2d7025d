"""Agreement of code and audio among all programs of a corpus, each predicted without its template.

Heads cannot be judged on programs that trained them, which leaves a seventh of a corpus. Here every
program is predicted by a kernel ridge regression that saw none of its template, so that measures
that depend on the number of programs, such as mutual k-NN, are known for the whole corpus.
"""

from __future__ import annotations

import numpy as np
import torch

from core.alignment import AlignmentConfig, TrainingPairs, ValidationPairs
from core.alignment import train as train_heads
from core.alignment.projection_heads import project_embeddings
from core.corpus import EmbeddingPairs
from core.evaluation.metrics_with_intervals import BEFORE_ALIGNMENT
from core.progress_callback import Progress, ignore_progress

PROGRESS_STEP = "Predicting unseen templates"
FOLD_COUNT = 4
MIN_TEMPLATES = 2 * FOLD_COUNT
"""With fewer, a fold would train on a handful of templates."""
ALL_BEFORE = f"{BEFORE_ALIGNMENT}, all programs"
ALL_PREDICTED = "predicted, template unseen"


def build_spaces_of_all_programs(
    pairs: EmbeddingPairs, templates: np.ndarray, seed: int, progress: Progress = ignore_progress
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return what is compared among all programs: raw code, and predictions, each with raw audio.

    Parameters
    ----------
    pairs : EmbeddingPairs
    templates : array of str [n]
        Template or grammar style of each pair.
    seed : int
        Of the folds.
    progress : Progress

    Returns
    -------
    dict of reading to (array, float [n, d1]; array, float [n, d2])
        Without predictions where there are fewer than 8 templates and styles.
    """
    audio = pairs.audio_embeddings
    spaces = {ALL_BEFORE: (pairs.code_embeddings, audio)}
    if len(np.unique(templates)) >= MIN_TEMPLATES:
        predicted = predict_audio_of_unseen_templates(
            pairs.code_embeddings, audio, templates, seed, progress
        )
        spaces[ALL_PREDICTED] = (predicted, audio)
    return spaces


def predict_audio_of_unseen_templates(
    code: np.ndarray,
    audio: np.ndarray,
    templates: np.ndarray,
    seed: int = 0,
    progress: Progress = ignore_progress,
) -> np.ndarray:
    """Predict the audio embedding of every program by kernel ridge on the other folds' templates.

    Regressions of different folds predict into the same space, that of the raw audio embeddings.
    Projection heads do not: each training ends in a shared space of its own.

    Parameters
    ----------
    code, audio : array, float [n, d1] and [n, d2]
    templates : array of str [n]
        Each fold holds out a quarter of them, whole.
    seed : int
        Of the folds.
    progress : Progress

    Returns
    -------
    array, float32 [n, d2]
        Unit vectors.
    """
    config = AlignmentConfig.from_preset("kernel_ridge")
    order = np.random.default_rng(seed).permutation(np.unique(templates))
    code_rows, audio_rows = torch.from_numpy(code), torch.from_numpy(audio)
    predicted = np.empty((len(code), audio.shape[1]), dtype=np.float32)
    for fold in range(FOLD_COUNT):
        progress(PROGRESS_STEP, fold, FOLD_COUNT)
        is_held_out = np.isin(templates, order[fold::FOLD_COUNT])
        heads = train_heads(
            TrainingPairs(code_rows[~is_held_out], audio_rows[~is_held_out]),
            ValidationPairs(code_rows[:0], audio_rows[:0]),  # The solution is in closed form.
            config,
        ).heads
        predicted[is_held_out] = project_embeddings(heads, code[is_held_out], "code")
    progress(PROGRESS_STEP, FOLD_COUNT, FOLD_COUNT)
    return predicted
