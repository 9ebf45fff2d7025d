"""Sound properties of programs, and what sets a selection apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS
from core.pipeline.code_named_and_measured_sound_properties import (
    build_sound_property_table,
    contrast_selection_with_others,
    list_sound_property_columns,
)

SOURCES = {
    "acid": "use_bpm 130\nuse_synth :tb303\nwith_fx :reverb do\n  play 40, cutoff: 70\nend",
    "drums": "sample :bd_haus\nsample :sn_dolf",
    "bare": "play 60",
    "odd": "use_bpm tempo\n# use_synth :saw\nsynth :fm, note: 50\nsynth :pluck",
}


class CorpusWithMeasuredClips:
    """Stand-in for the two methods that the table reads."""

    def __init__(self, embeddings: dict[str, np.ndarray]):
        self._embeddings = embeddings

    def get_encoder_revision(self, _encoder_id: str) -> str | None:
        return "1" if self._embeddings else None

    def load_embeddings(self, _encoder_id: str) -> tuple[list[str], np.ndarray]:
        return list(self._embeddings), np.stack(list(self._embeddings.values()))


def build_table(embeddings: dict[str, np.ndarray] | None = None) -> pd.DataFrame:
    programs = pd.DataFrame({"program": list(SOURCES), "source": list(SOURCES.values())})
    corpus: Any = CorpusWithMeasuredClips(embeddings or {})
    return build_sound_property_table(corpus, programs).set_index("program")


@pytest.mark.parametrize("embeddings", ({}, {"bare": np.zeros(len(CLIP_DESCRIPTORS), np.float32)}))
def test_the_columns_are_known_without_the_table(embeddings: dict[str, np.ndarray]) -> None:
    corpus: Any = CorpusWithMeasuredClips(embeddings)
    assert list_sound_property_columns(corpus) == list(build_table(embeddings).columns)


def test_code_names_synths_samples_fx_and_tempo() -> None:
    table = build_table()
    assert table["main_synth"].to_dict() == {
        "acid": "tb303",
        "drums": "",
        "bare": "beep",
        "odd": "fm",
    }
    assert table["sample"]["drums"] == "bd_haus, sn_dolf"
    assert table["fx"]["acid"] == "reverb"
    assert table["code_bpm"].to_dict() == {"acid": 130, "drums": 60, "bare": 60, "odd": 60}
    assert "brightness" not in table


def test_measured_clips_have_their_values_and_others_have_none() -> None:
    table = build_table({"acid": np.zeros(len(CLIP_DESCRIPTORS), np.float32)})
    assert table["brightness"]["acid"] == pytest.approx(1024)
    assert table["loudness"]["acid"] == pytest.approx(-20)
    assert table["brightness"].drop("acid").isna().all()


def make_properties(count: int = 20) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "program": [str(number) for number in range(count)],
            "synth": ["tb303" if number < 5 else "prophet" for number in range(count)],
            "sample": [""] * count,
            "fx": ["reverb"] * count,
            "code_bpm": [120.0] * count,
            "brightness": [4000.0 if number < 5 else 500.0 + number for number in range(count)],
        }
    )


def test_a_selection_is_set_apart_by_what_the_others_lack() -> None:
    contrasts = contrast_selection_with_others(make_properties(), [str(n) for n in range(5)])
    by_label = {contrast.label: contrast for contrast in contrasts}
    assert set(by_label) == {"synth tb303", "Brightness (Hz)"}
    assert (by_label["synth tb303"].selected, by_label["synth tb303"].others) == (1, 0)
    assert by_label["Brightness (Hz)"].selected == 4000
    assert by_label["Brightness (Hz)"].others == pytest.approx(512)


@pytest.mark.parametrize("selected_ids", [[], ["unknown"], [str(n) for n in range(20)]])
def test_nothing_sets_apart_an_empty_or_whole_selection(selected_ids: list[str]) -> None:
    assert contrast_selection_with_others(make_properties(), selected_ids) == []


def test_values_that_are_missing_are_ignored() -> None:
    properties = make_properties().assign(brightness=np.nan)
    labels = [c.label for c in contrast_selection_with_others(properties, ["0"])]
    assert labels == ["synth tb303"]
