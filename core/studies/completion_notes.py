"""What the numbers of completion come to, and why they are no higher, told from the cases."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from core.studies.completion_metrics import NEIGHBOUR_COUNT, COMPLETION_METRICS

ENCODER_AGREEMENT = "one ear and the other"
ALIGNED_AUDIO = "aligned sound"
REDUCED_CANDIDATE_COUNT = 10  # candidates, to compare with all of them


def describe_paper_comparison(comparison: pd.DataFrame) -> list[str]:
    """How many of the paper's twelve numbers are exceeded, and which aren't: a note a reading."""
    notes = []
    for heard in ("raw sound", "raw sound, unseen ear", "aligned sound"):
        rows = comparison[comparison["measure"].str.endswith(f"aligned code ~ {heard}")]
        below = rows[~(rows["difference"] > 0)]
        clear = int((rows["verdict"] == "above").sum())
        note = (
            f"Aligned code against {heard}: {len(rows) - len(below)} of {len(COMPLETION_METRICS) * 3} numbers"
            f" above the paper's, {clear} of them with the whole interval."
        )
        if len(below):
            names = (m.partition(", ")[0] for m in below["measure"])
            note += f" Not above: {'; '.join(names)}."
        notes.append(note)
    return notes


def describe_alignment_gains(gains: pd.DataFrame, audio_encoders: Mapping[str, str]) -> list[str]:
    """What alignment brings over raw code: a note an ear.

    Parameters
    ----------
    gains : DataFrame
        As of the table ``gained``: scenario, sound, metric, value, low, high.
    audio_encoders : mapping
        "trained ear" and "unseen ear": encoder ids.
    """
    notes = []
    for ear, encoder in audio_encoders.items():
        rows = gains[gains["sound"] == ear]
        which = {
            "rise": rows["low"] > 0,
            "fall": rows["high"] < 0,
            "can't be told from raw code's": ~((rows["low"] > 0) | (rows["high"] < 0)),
        }
        told = [f"{some.sum()} {what}{_list_changed_numbers(rows[some], what)}" for what, some in which.items()]
        notes.append(
            f"Aligned code beside raw code, by {encoder} ({ear}): of {len(rows)} numbers"
            f" {', '.join(told)}."
        )
    return notes


def _list_changed_numbers(rows: pd.DataFrame, direction: str) -> str:
    """The few that stand out, by name and by how much."""
    if direction not in ("rise", "fall") or rows.empty:
        return ""
    each = (f"{r.scenario} {r.metric} {r.value:+.2f}" for r in rows.itertuples())
    return f" ({'; '.join(each)})"


def describe_upper_bounds(scores: pd.DataFrame, audio_encoders: Mapping[str, str]) -> list[str]:
    """What could be reached at most: a note on the ears, then one a scenario.

    Parameters
    ----------
    scores : DataFrame
        As of the table ``scores``: scenario, code, sound, metric, value.
    audio_encoders : mapping
        "trained ear" and "unseen ear": encoder ids.
    """
    rows = scores[scores["metric"] == "overlap@3"].set_index(["scenario", "code", "sound"])["value"]
    trained, unseen = audio_encoders["trained ear"], audio_encoders["unseen ear"]
    notes = [
        f"How high it can go, as overlap@3: code that told apart sounds exactly as {trained} does"
        f" would score 1 by {trained}, but by {unseen} only what the two agree on with each other,"
        " for which sounds are near is a matter of the ear. And the shared space keeps less of a"
        " sound than its ear heard: the sound itself, projected there, is what code can come to."
    ]
    for scenario in dict.fromkeys(scores["scenario"]):
        reached = {name: rows[scenario, "aligned", name] for name in audio_encoders}
        shared = {name: rows[scenario, ALIGNED_AUDIO, name] for name in audio_encoders}
        notes.append(
            f"{scenario}: aligned code {reached['trained ear']:.2f} by {trained} and"
            f" {reached['unseen ear']:.2f} by {unseen}; its sound projected to the shared space"
            f" {shared['trained ear']:.2f} and {shared['unseen ear']:.2f}; {trained} itself by"
            f" {unseen} {rows[scenario, '', ENCODER_AGREEMENT]:.2f}."
        )
    return notes


def describe_candidate_count_effect(subset_scores: pd.DataFrame) -> str:
    """How much hangs on the number of candidates, which the paper doesn't say.

    Parameters
    ----------
    subset_scores : DataFrame
        As of the table ``subset_scores``: scenario, candidates, overlap@3, chance.
    """
    told = []
    for scenario, rows in subset_scores.groupby("scenario", sort=False):
        rows = rows.set_index("candidates")
        few = min(REDUCED_CANDIDATE_COUNT, rows.index.max())
        told.append(
            f"{scenario} {rows['overlap@3'].iloc[-1]:.2f} of {rows.index[-1]} and"
            f" {rows.loc[few, 'overlap@3']:.2f} of any {few} of them"
        )
    ends = rows["chance"].iloc[-1], rows.loc[few, "chance"]
    return (
        "The fewer candidates, the easier it is, and the paper doesn't say how many it had."
        f" overlap@3 of the same aligned code and sound: {'; '.join(told)}. By chance it is"
        f" {ends[0]:.2f} and {ends[1]:.2f}."
    )


def describe_neighbour_errors(cases: pd.DataFrame) -> list[str]:
    """Why neighbours by code aren't those by sound, from the cases: one note a scenario.

    Parameters
    ----------
    cases : DataFrame
        As of the table ``cases``: columns raw, aligned and sound hold names, nearest first.
    """
    notes = []
    for scenario, some in cases.groupby("scenario", sort=False):
        titles = some.set_index("candidate")["title"]
        same = [len({*a.split()} & {*b.split()}) for a, b in zip(some["raw"], some["aligned"])]
        missed = some[some["shared, aligned"] == 0]
        note = (
            f"{scenario}: {sum(same) / (NEIGHBOUR_COUNT * len(some)):.0%} of the nearest by aligned code were"
            f" nearest by raw code already;"
            f" {len(missed)} of {len(some)} candidates share no neighbour by sound."
        )
        if len(missed):
            case = missed.iloc[0]
            by_code, by_sound = (titles[case[x].split()[0]] for x in ("aligned", "sound"))
            note += (
                f" The first of them, '{case['title']}', is by aligned code nearest to '{by_code}',"
                f" by sound to '{by_sound}'."
            )
        notes.append(note)
    return notes


def describe_descriptor_influence(descriptor_correlations: pd.DataFrame, audio_encoders: Mapping[str, str]) -> list[str]:
    """By which traits ear and code go, and where they part: one note a scenario.

    Parameters
    ----------
    descriptor_correlations : DataFrame
        As of the table ``descriptor_correlations``: scenario, trait, and rank correlations in the columns
        "trained ear", "unseen ear", "raw" and "aligned".
    """
    notes = []
    for scenario, rows in descriptor_correlations.groupby("scenario", sort=False):
        rows = rows.set_index("trait")
        missed = rows["trained ear"] - rows["aligned"]
        least, most = missed.idxmax(), missed.idxmin()
        notes.append(
            f"{scenario}: {audio_encoders['trained ear']} hears candidates apart as they differ in"
            f" {_format_top_descriptors(rows['trained ear'])}; {audio_encoders['unseen ear']} in {_format_top_descriptors(rows['unseen ear'])};"
            f" aligned code in {_format_top_descriptors(rows['aligned'])}. Code heeds {least} too little"
            f" ({rows.loc[least, 'aligned']:.2f} where the ear has"
            f" {rows.loc[least, 'trained ear']:.2f}) and {most} too much"
            f" ({rows.loc[most, 'aligned']:.2f}, the ear {rows.loc[most, 'trained ear']:.2f})."
        )
    return notes


def _format_top_descriptors(correlations: pd.Series) -> str:
    """The two traits that a space goes by most, with their rank correlations."""
    first = correlations.sort_values(ascending=False).head(2)
    return " and ".join(f"{name} ({value:.2f})" for name, value in first.items())
