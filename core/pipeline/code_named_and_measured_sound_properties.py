"""Sound properties of programs: what their code names, and what was measured of their clips."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.corpus import Corpus
from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS, decode_descriptors
from core.programs.program_differences import extract_code_traits
from core.programs.synth_families import get_synth_family

DESCRIPTOR_ENCODER = "descriptors"
DEFAULT_SYNTH = "beep"
OTHER_SYNTH_FAMILY = "other synths"
SAMPLES_ONLY_FAMILY = "samples only"
DEFAULT_BPM = 60.0
NAMED_SOUNDS = ("synth", "sample", "fx")
MEASURED_PROPERTIES = ("loudness", "onset_rate", "register", "brightness")
NUMBER_PROPERTIES = {
    "code_bpm": ("Tempo in the code", "BPM"),
    **{
        descriptor.name: (descriptor.name.replace("_", " ").capitalize(), descriptor.unit)
        for descriptor in CLIP_DESCRIPTORS
        if descriptor.name in MEASURED_PROPERTIES
    },
}
"""Label and unit by column."""
# A sound that one in three selected programs names counts as common to them.
MIN_COMMON_SHARE = 1 / 3


class SelectionContrast(NamedTuple):
    """One property in which selected programs differ from the others.

    Attributes
    ----------
    label : str
        The property: "synth tb303", or "Brightness (Hz)".
    selected, others : float
        Share of the programs that name the sound, 0 to 1; or the median of a number. NaN where no
        program has a value.
    is_share : bool
        Whether the two values are shares.
    contrast : float
        How much the property sets the selection apart: difference of shares, or difference of
        medians in interquartile ranges of all programs; 0 or more.
    """

    label: str
    selected: float
    others: float
    is_share: bool
    contrast: float


def build_sound_property_table(corpus: Corpus, programs: pd.DataFrame) -> pd.DataFrame:
    """Return what the code of programs names, and the measured properties of their clips.

    Parameters
    ----------
    corpus : Corpus
        Measured clips have embeddings by the encoder `descriptors`.
    programs : DataFrame
        As `core.corpus.Corpus.load_programs` returns it.

    Returns
    -------
    DataFrame
        One row per program, in the same order: program; synth, sample and fx (all that the code
        names, joined by ", "; "" for none); main_synth (the first); synth_family (its family,
        "other synths" or "samples only"); code_bpm (the first tempo, 60 if there is none); and, if
        any clip of the corpus was measured, loudness (LUFS), onset_rate (1/s), register (MIDI note)
        and brightness (Hz), NaN for the others.
    """
    traits = [extract_code_traits(source) for source in programs["source"]]
    table = pd.DataFrame({"program": programs["program"].to_numpy()})
    for kind in NAMED_SOUNDS:
        table[kind] = [program_traits.get(kind, "") for program_traits in traits]
    table["main_synth"] = [
        names.split(", ")[0] or ("" if samples else DEFAULT_SYNTH)
        for names, samples in zip(table["synth"], table["sample"])
    ]
    table["synth_family"] = [_get_family_of_main_synth(name) for name in table["main_synth"]]
    table["code_bpm"] = [
        _parse_first_bpm(program_traits.get("bpm", "")) for program_traits in traits
    ]
    if corpus.get_encoder_revision(DESCRIPTOR_ENCODER) is None:
        return table
    measured_ids, embeddings = corpus.load_embeddings(DESCRIPTOR_ENCODER)
    values = decode_descriptors(embeddings)
    measured = pd.DataFrame({name: values[name] for name in MEASURED_PROPERTIES}, measured_ids)
    return table.join(measured, on="program")


def list_sound_property_columns(corpus: Corpus) -> list[str]:
    """Return the columns of `build_sound_property_table` beside "program", without any program."""
    columns = [*NAMED_SOUNDS, "main_synth", "synth_family", "code_bpm"]
    if corpus.get_encoder_revision(DESCRIPTOR_ENCODER) is not None:
        columns += MEASURED_PROPERTIES
    return columns


def _get_family_of_main_synth(name: str) -> str:
    if not name:
        return SAMPLES_ONLY_FAMILY
    return get_synth_family(name) or OTHER_SYNTH_FAMILY


def _parse_first_bpm(text: str) -> float:
    try:
        return float(text.split(", ")[0])
    except ValueError:
        return DEFAULT_BPM


def contrast_selection_with_others(
    properties: pd.DataFrame, selected_ids: Collection[str], count: int = 8
) -> list[SelectionContrast]:
    """Find what selected programs have in common and the others have not.

    Parameters
    ----------
    properties : DataFrame
        As `build_sound_property_table` returns it.
    selected_ids : collection of str
    count : int
        Largest number of properties.

    Returns
    -------
    list of SelectionContrast
        The greatest contrast first. Empty if nothing or everything is selected.

    Examples
    --------
    >>> properties = pd.DataFrame({"program": ["a", "b"], "synth": ["tb303", ""],
    ...                            "sample": ["", "bd_haus"], "fx": ["", ""]})
    >>> [contrast.label for contrast in contrast_selection_with_others(properties, ["a"])]
    ['synth tb303']
    """
    is_selected = properties["program"].isin(set(selected_ids)).to_numpy()
    if not is_selected.any() or is_selected.all():
        return []
    contrasts = [
        *_contrast_named_sounds_of_selection(properties, is_selected),
        *_contrast_property_medians_of_selection(properties, is_selected),
    ]
    ranked = sorted(contrasts, key=lambda item: (-item.contrast, item.label))
    return [item for item in ranked if item.contrast > 0][:count]


def _contrast_named_sounds_of_selection(
    properties: pd.DataFrame, is_selected: np.ndarray
) -> Sequence[SelectionContrast]:
    contrasts = []
    for kind in NAMED_SOUNDS:
        named = properties[kind].str.get_dummies(sep=", ")
        selected_shares = named[is_selected].mean()
        other_shares = named[~is_selected].mean()
        for name, share in selected_shares.items():
            other_share = float(other_shares[str(name)])
            if share >= MIN_COMMON_SHARE and share > other_share:
                label = f"{'FX' if kind == 'fx' else kind} {name}"
                contrasts.append(
                    SelectionContrast(label, float(share), other_share, True, share - other_share)
                )
    return contrasts


def _contrast_property_medians_of_selection(
    properties: pd.DataFrame, is_selected: np.ndarray
) -> Sequence[SelectionContrast]:
    contrasts = []
    for column, (label, unit) in NUMBER_PROPERTIES.items():
        if column not in properties:
            continue
        values = properties[column].to_numpy(float)
        defined_values = values[np.isfinite(values)]
        selected = values[is_selected & np.isfinite(values)]
        others = values[~is_selected & np.isfinite(values)]
        if not len(selected) or not len(others):
            continue
        medians = float(np.median(selected)), float(np.median(others))
        spread = float(np.subtract(*np.percentile(defined_values, [75, 25]))) or float(
            defined_values.std()
        )
        contrast = abs(medians[0] - medians[1]) / spread if spread else 0.0
        contrasts.append(SelectionContrast(f"{label} ({unit})", *medians, False, contrast))
    return contrasts
