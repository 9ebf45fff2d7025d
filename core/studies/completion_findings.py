"""Notes of the completion study: plain sentences about its tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from core.studies.completion_agreement_metrics import COMPLETION_METRICS, NEIGHBOUR_COUNT
from core.studies.completion_scenarios import SCENARIO_NAMES

# What code, or aligned audio, is compared with: values of the column ``audio``.
TRAINING_ENCODER = "training encoder"
HELD_OUT_ENCODER = "held-out encoder"
ALIGNED_AUDIO = "aligned audio"
BETWEEN_ENCODERS = "between encoders"

REDUCED_CANDIDATE_COUNT = 10
UNCHANGED = "do not change significantly"


def describe_paper_comparison(comparison: pd.DataFrame) -> list[str]:
    """Count the paper's numbers that are exceeded: one note per kind of audio."""
    number_count = len(COMPLETION_METRICS) * len(SCENARIO_NAMES)
    notes = []
    for audio in ("raw audio", "raw audio, held-out encoder", "aligned audio"):
        rows = comparison[comparison["measure"].str.endswith(f"aligned code ~ {audio}")]
        not_above = rows[~(rows["difference"] > 0)]
        clear_count = int((rows["low"] > rows["paper"]).sum())
        note = (
            f"Aligned code against {audio}: {len(rows) - len(not_above)} of {number_count} numbers"
            f" are above the paper's, {clear_count} of them with the whole interval."
        )
        if len(not_above):
            names = (measure.partition(", ")[0] for measure in not_above["measure"])
            note += f" Not above: {'; '.join(names)}."
        notes.append(note)
    return notes


def describe_alignment_gains(gains: pd.DataFrame, audio_encoders: Mapping[str, str]) -> list[str]:
    """Describe what alignment adds to raw code: one note per audio encoder.

    Parameters
    ----------
    gains : DataFrame
        Table ``alignment_gain``: scenario, audio, metric, value, low, high.
    audio_encoders : mapping
        Encoder ids by `TRAINING_ENCODER` and `HELD_OUT_ENCODER`.
    """
    notes = []
    for role, encoder in audio_encoders.items():
        rows = gains[gains["audio"] == role]
        is_rise, is_fall = rows["low"] > 0, rows["high"] < 0
        parts = [
            f"{is_rise.sum()} rise{_format_alignment_gains(rows[is_rise])}",
            f"{is_fall.sum()} fall{_format_alignment_gains(rows[is_fall])}",
            f"{(~(is_rise | is_fall)).sum()} {UNCHANGED}",
        ]
        notes.append(
            f"Aligned code compared with raw code, measured by {encoder} ({role}): of"
            f" {len(rows)} numbers {', '.join(parts)}."
        )
    return notes


def _format_alignment_gains(rows: pd.DataFrame) -> str:
    if rows.empty:
        return ""
    parts = [
        f"{row['scenario']} {row['metric']} {row['value']:+.2f}" for row in rows.to_dict("records")
    ]
    return f" ({'; '.join(parts)})"


def describe_upper_bounds(scores: pd.DataFrame, audio_encoders: Mapping[str, str]) -> list[str]:
    """Describe the best that any code could reach: a note on the encoders, then one per scenario.

    Parameters
    ----------
    scores : DataFrame
        Table ``scores``: scenario, code, audio, metric, value.
    audio_encoders : mapping
        Encoder ids by `TRAINING_ENCODER` and `HELD_OUT_ENCODER`.
    """
    rows = scores[scores["metric"] == "overlap@3"].set_index(["scenario", "code", "audio"])
    overlaps: dict[Any, float] = rows["value"].to_dict()
    training, held_out = audio_encoders[TRAINING_ENCODER], audio_encoders[HELD_OUT_ENCODER]
    notes = [
        f"Upper bounds of overlap@3: code that separated clips exactly as {training} does would"
        f" score 1 by {training}, but by {held_out} only as much as the two encoders agree with"
        " each other. The shared space also loses some of the audio encoder's information, so the"
        " projected audio itself is the upper bound for code."
    ]
    for scenario in dict.fromkeys(scores["scenario"]):
        code = {role: overlaps[scenario, "aligned", role] for role in audio_encoders}
        audio = {role: overlaps[scenario, ALIGNED_AUDIO, role] for role in audio_encoders}
        notes.append(
            f"{scenario}: aligned code scores {code[TRAINING_ENCODER]:.2f} by {training} and"
            f" {code[HELD_OUT_ENCODER]:.2f} by {held_out}; projected audio"
            f" {audio[TRAINING_ENCODER]:.2f} and {audio[HELD_OUT_ENCODER]:.2f}; {training} itself"
            f" {overlaps[scenario, '', BETWEEN_ENCODERS]:.2f} by {held_out}."
        )
    return notes


def describe_candidate_count_effect(subset_scores: pd.DataFrame) -> str:
    """Describe how much depends on the number of candidates, which the paper does not state.

    Parameters
    ----------
    subset_scores : DataFrame
        Table ``candidate_subsets``: scenario, candidates, overlap@3, chance.
    """
    parts = []
    for scenario, group in subset_scores.groupby("scenario", sort=False):
        rows = group.set_index("candidates")
        all_candidates, few = rows.index[-1], min(REDUCED_CANDIDATE_COUNT, rows.index.max())
        parts.append(
            f"{scenario} {rows['overlap@3'].iloc[-1]:.2f} among all {all_candidates} and"
            f" {rows.loc[few, 'overlap@3']:.2f} among {few}"
        )
        chances = rows["chance"].iloc[-1], rows.loc[few, "chance"]
    return (
        "Fewer candidates make the task easier, and the paper does not state its number."
        f" overlap@3 of the same aligned code and audio: {'; '.join(parts)}. By chance it is"
        f" {chances[0]:.2f} and {chances[1]:.2f}."
    )


def describe_neighbour_errors(neighbours: pd.DataFrame) -> list[str]:
    """Describe where neighbours by code and by audio differ: one note per scenario.

    Parameters
    ----------
    neighbours : DataFrame
        Table ``neighbours``: columns raw, aligned and audio hold names, nearest first.
    """
    notes = []
    for scenario, rows in neighbours.groupby("scenario", sort=False):
        titles = dict(zip(rows["candidate"], rows["title"]))
        unchanged = [
            len({*raw.split()} & {*aligned.split()})
            for raw, aligned in zip(rows["raw"], rows["aligned"])
        ]
        missed = rows[rows["shared, aligned"] == 0]
        note = (
            f"{scenario}: {sum(unchanged) / (NEIGHBOUR_COUNT * len(rows)):.0%} of the nearest by"
            " aligned code were already nearest by raw code;"
            f" {len(missed)} of {len(rows)} candidates share no neighbour by audio."
        )
        if len(missed):
            case = missed.iloc[0]
            by_code, by_audio = (titles[case[space].split()[0]] for space in ("aligned", "audio"))
            note += (
                f" For the first of them, '{case['title']}', the nearest by aligned code is"
                f" '{by_code}' and by audio '{by_audio}'."
            )
        notes.append(note)
    return notes


def describe_descriptor_correlations(
    correlations: pd.DataFrame, audio_encoders: Mapping[str, str]
) -> list[str]:
    """Describe which descriptors audio and code follow and where they differ, per scenario.

    Parameters
    ----------
    correlations : DataFrame
        Table ``descriptor_correlations``: scenario, descriptor, and rank correlations in the
        columns `TRAINING_ENCODER`, `HELD_OUT_ENCODER`, "raw" and "aligned".
    audio_encoders : mapping
        Encoder ids by `TRAINING_ENCODER` and `HELD_OUT_ENCODER`.
    """
    notes = []
    for scenario, group in correlations.groupby("scenario", sort=False):
        rows = group.set_index("descriptor")
        audio, code = rows[TRAINING_ENCODER], rows["aligned"]
        deficit = audio - code
        underweighted, overweighted = str(deficit.idxmax()), str(deficit.idxmin())
        notes.append(
            f"{scenario}: {audio_encoders[TRAINING_ENCODER]} separates candidates mainly by"
            f" {_format_two_largest_correlations(audio)}; {audio_encoders[HELD_OUT_ENCODER]} by"
            f" {_format_two_largest_correlations(rows[HELD_OUT_ENCODER])}; aligned code by"
            f" {_format_two_largest_correlations(code)}. Aligned code gives {underweighted} too"
            f" little weight ({code[underweighted]:.2f}, audio {audio[underweighted]:.2f}) and"
            f" {overweighted} too much ({code[overweighted]:.2f}, audio"
            f" {audio[overweighted]:.2f})."
        )
    return notes


def _format_two_largest_correlations(correlations: pd.Series) -> str:
    """Format the two largest rank correlations with their descriptors."""
    largest = correlations.sort_values(ascending=False).head(2)
    return " and ".join(f"{name} ({value:.2f})" for name, value in largest.items())
