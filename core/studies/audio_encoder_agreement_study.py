"""Encoder study: agreement of the audio encoders, and what each follows in the sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from core import encoders
from core.alignment.sound_property_regression_with_intervals import select_evenly_spaced_rows
from core.corpus import Corpus, get_local_clip_file
from core.encoders.model_weight_sources import NoWeights, WheelWeights
from core.errors import EarshotError
from core.evaluation.bootstrap import compute_subsampling_interval
from core.evaluation.metrics import mutual_knn
from core.progress_callback import Progress
from core.sonicpi import Clip
from core.studies.correlation_of_distances_and_mantel_test import compute_pair_distances
from core.studies.musical_descriptor_distances import (
    ASPECTS,
    DESCRIPTOR_ASPECTS,
    FFT_SIZE,
    average_descriptor_ranks_by_aspect,
    compute_descriptor_distances,
    measure_musical_descriptors,
)
from core.studies.study_clip_rendering import embed_clip_files
from core.studies.study_result import (
    Measurement,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)

PROGRESS_STEP = "Describing clips"
MIN_PROGRAMS = 10
NEIGHBOUR_COUNT = 10
SILENCE_PEAK = 1e-5
SPLIT = "all programs"
AGREEMENT_CAPTION = (
    "spearman: rank correlation of the cosine distances by both encoders over all pairs of clips,"
    f" with a 95 % interval over programs. mutual {NEIGHBOUR_COUNT}-NN: share of a clip's"
    f" {NEIGHBOUR_COUNT} nearest clips by one encoder that are among those by the other."
)
ASPECT_CAPTION = (
    "Rank correlation of the distances by an encoder with the distances by a descriptor, over all"
    " pairs of clips. The rows without a descriptor take the mean rank over the aspect's"
    " descriptors. A high value means that clips near by the encoder are alike in that respect."
)


def compute_study_result(
    corpus: Corpus, options: Mapping[str, Any], progress: Progress
) -> StudyResult:
    """Compare the distances of the same clips by all audio encoders and by descriptors."""
    encoder_ids = choose_compared_encoders(corpus, options["compared_encoders"])
    programs, descriptors = _measure_descriptors_of_sampled_clips(
        corpus, options["programs"], progress
    )
    embeddings = {
        encoder_id: _load_or_compute_embeddings(corpus, encoder_id, programs, progress)
        for encoder_id in encoder_ids
    }
    distances = {
        encoder_id: compute_pair_distances(vectors) for encoder_id, vectors in embeddings.items()
    }
    agreement = build_agreement_table(embeddings, options["seed"])
    descriptor_table = build_descriptor_table(distances, compute_descriptor_distances(descriptors))
    return StudyResult(
        comparison=compare_measurements_to_paper(
            [
                Measurement(
                    f"spearman of distances, {row['first']} and {row['second']}",
                    row["spearman"],
                    SPLIT,
                    options["seed"],
                    row["low"],
                    row["high"],
                )
                for row in agreement.to_dict("records")
            ]
        ),
        tables=[
            StudyTable("agreement", "Agreement of the encoders", agreement, AGREEMENT_CAPTION),
            StudyTable("aspects", "What each encoder follows", descriptor_table, ASPECT_CAPTION),
        ],
        notes=write_encoder_findings(agreement, descriptor_table, encoder_ids, len(programs)),
        settings={
            "compared_encoders": encoder_ids,
            "seed": options["seed"],
            "programs": list(programs["name"]),
        },
    )


def choose_compared_encoders(corpus: Corpus, encoder_ids: str | None) -> list[str]:
    """Return the audio encoders to compare.

    Parameters
    ----------
    corpus : Corpus
    encoder_ids : str, optional
        Ids joined by commas. Default: encoders that have embedded the corpus, and those whose
        weights come with Earshot.

    Raises
    ------
    EarshotError
        If there are fewer than two, or one is unknown or embeds code.
    """
    if encoder_ids is None:
        embedded_by = [
            encoder_id
            for encoder_id, modality, count in corpus.count_embeddings_by_encoder()
            if modality == "audio" and count
        ]
        bundled = [
            spec.id
            for spec in encoders.list_encoder_specs("audio")
            if isinstance(spec.weights, NoWeights | WheelWeights) and spec.is_available_offline()
        ]
        chosen = list(dict.fromkeys([*bundled, *embedded_by]))
    else:
        chosen = list(dict.fromkeys(filter(None, map(str.strip, encoder_ids.split(",")))))
    for encoder_id in chosen:
        if encoders.find_encoder_spec(encoder_id).modality != "audio":
            raise EarshotError(f"{encoder_id} embeds code.", remedy="Give audio encoders.")
    if len(chosen) < 2:
        raise EarshotError(
            "A comparison takes at least two audio encoders.",
            remedy="Give several, for example --compared-encoders aisfx,musicnn,log-mel",
        )
    return chosen


def _measure_descriptors_of_sampled_clips(
    corpus: Corpus, program_count: int, progress: Progress
) -> tuple[pd.DataFrame, list[dict[str, np.ndarray]]]:
    """Return programs, evenly spaced over the corpus, and the descriptors of their clips.

    Silent clips and those shorter than a frame are left out: they have neither pitch nor rhythm.
    """
    programs = corpus.load_programs()
    programs = programs[programs["state"] == "ok"].sort_values(["template", "name"])
    programs = programs.iloc[select_evenly_spaced_rows(len(programs), program_count)]
    rows, descriptors = [], []
    for row, path in enumerate(programs["audio"]):
        progress(PROGRESS_STEP, row, len(programs))
        clip = Clip.load(get_local_clip_file(path))
        if len(clip.samples) >= FFT_SIZE and np.abs(clip.samples).max() > SILENCE_PEAK:
            rows.append(row)
            descriptors.append(measure_musical_descriptors(clip.samples, clip.sample_rate))
    progress(PROGRESS_STEP, len(programs), len(programs))
    if len(rows) < MIN_PROGRAMS:
        raise EarshotError(
            f"Corpus '{corpus.name}' has {len(rows)} audible clips to compare; this study takes"
            f" {MIN_PROGRAMS}.",
            remedy=f"To add programs: ./run build {corpus.name}",
        )
    return programs.iloc[rows], descriptors


def _load_or_compute_embeddings(
    corpus: Corpus, encoder_id: str, programs: pd.DataFrame, progress: Progress
) -> np.ndarray:
    """Return the embeddings of clips [n, d]; those that the corpus lacks are computed here."""
    embedded_by = {id_ for id_, _, count in corpus.count_embeddings_by_encoder() if count}
    if encoder_id in embedded_by:
        program_ids, stored = corpus.load_embeddings(encoder_id)
        rows = pd.Index(program_ids).get_indexer(pd.Index(programs["program"]))
        if (rows >= 0).all():
            return stored[rows]
    return embed_clip_files(encoder_id, list(programs["audio"]), progress)


def build_agreement_table(embeddings: Mapping[str, np.ndarray], seed: int) -> pd.DataFrame:
    """Build the table of the agreement of each pair of encoders.

    Parameters
    ----------
    embeddings : mapping of str to array, float [n, d]
        By encoder id; row i belongs to the same clip.
    seed : int
        Of the intervals.

    Returns
    -------
    DataFrame
        Columns first, second, spearman, low, high and mutual 10-NN.
    """
    rows = []
    for first, second in combinations(embeddings, 2):
        pair = embeddings[first], embeddings[second]

        def correlate_subset(
            subset: np.ndarray, pair: tuple[np.ndarray, np.ndarray] = pair
        ) -> float:
            first_distances, second_distances = (
                compute_pair_distances(vectors[subset]) for vectors in pair
            )
            return float(stats.spearmanr(first_distances, second_distances).statistic)

        program_count = len(pair[0])
        low, high = compute_subsampling_interval(correlate_subset, program_count, seed=seed)
        rows.append(
            {
                "first": first,
                "second": second,
                "spearman": correlate_subset(np.arange(program_count)),
                "low": low,
                "high": high,
                f"mutual {NEIGHBOUR_COUNT}-NN": mutual_knn(
                    *pair, min(NEIGHBOUR_COUNT, program_count - 1)
                ),
            }
        )
    return pd.DataFrame(rows)


def build_descriptor_table(
    encoder_distances: Mapping[str, np.ndarray], descriptor_distances: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Build the table of what each encoder follows.

    Parameters
    ----------
    encoder_distances, descriptor_distances : mapping of str to array, float [n(n-1)/2]
        Over the same pairs of clips.

    Returns
    -------
    DataFrame
        Columns aspect, descriptor ("" for the whole aspect) and one per encoder.
    """
    aspects = average_descriptor_ranks_by_aspect(descriptor_distances)
    described = [(aspect, "", aspects[aspect]) for aspect in ASPECTS]
    described += [
        (aspect, name, descriptor_distances[name]) for name, aspect in DESCRIPTOR_ASPECTS.items()
    ]
    return pd.DataFrame(
        [
            {
                "aspect": aspect,
                "descriptor": name,
                **{
                    encoder: float(stats.spearmanr(distances, values).statistic)
                    for encoder, distances in encoder_distances.items()
                },
            }
            for aspect, name, values in described
        ]
    )


def write_encoder_findings(
    agreement: pd.DataFrame,
    descriptor_table: pd.DataFrame,
    encoder_ids: Sequence[str],
    program_count: int,
) -> list[str]:
    """Describe which encoders agree most and least, and which to trust for what."""
    by_agreement = agreement.sort_values("spearman").to_dict("records")
    whole_aspects = descriptor_table[descriptor_table["descriptor"] == ""].set_index("aspect")
    notes = [
        f"{program_count} clips, {len(encoder_ids)} encoders. Most alike:"
        f" {_format_encoder_pair_with_correlation(by_agreement[-1])}; least alike:"
        f" {_format_encoder_pair_with_correlation(by_agreement[0])}."
    ]
    for aspect in ASPECTS:
        correlations = whole_aspects.loc[aspect, list(encoder_ids)].astype(float)
        notes.append(
            f"{aspect.capitalize()}: {correlations.idxmax()} follows it most"
            f" ({correlations.max():.2f}), {correlations.idxmin()} least"
            f" ({correlations.min():.2f})."
        )
    notes.append(
        "Descriptors are computed, not heard: of several voices only the dominant pitch counts, and"
        " aspects are not independent in real programs."
    )
    return notes


def _format_encoder_pair_with_correlation(row: Mapping[Any, Any]) -> str:
    return f"{row['first']} and {row['second']} ({row['spearman']:.2f})"
