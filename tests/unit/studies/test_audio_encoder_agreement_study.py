"""Tables of the encoder study on spaces whose content is known."""

from __future__ import annotations

import numpy as np
import pytest

from core.studies.audio_encoder_agreement_study import (
    build_agreement_table,
    build_descriptor_table,
    write_encoder_findings,
)
from core.studies.correlation_of_distances_and_mantel_test import compute_pair_distances
from core.studies.musical_descriptor_distances import DESCRIPTOR_ASPECTS

RNG = np.random.default_rng(0)


def test_equal_spaces_agree_and_independent_ones_do_not():
    space = RNG.normal(size=(60, 8))
    rotation = np.linalg.qr(RNG.normal(size=(8, 8)))[0]
    spaces = {"a": space, "rotated a": 3 * space @ rotation, "other": RNG.normal(size=(60, 8))}
    table = build_agreement_table(spaces, seed=0).set_index(["first", "second"])
    same, other = table.loc[("a", "rotated a")], table.loc[("a", "other")]
    assert same["spearman"] == pytest.approx(1) and same["mutual 10-NN"] == pytest.approx(1)
    assert abs(other["spearman"]) < 0.1 and other["mutual 10-NN"] < 0.3
    assert other["low"] <= other["spearman"] <= other["high"]


def test_an_encoder_of_one_aspect_correlates_with_that_aspect():
    values = {aspect: RNG.normal(size=40) for aspect in ("rhythm", "melody", "timbre")}
    first, second = np.triu_indices(40, 1)
    descriptors = {
        name: np.abs(values[aspect][first] - values[aspect][second])
        for name, aspect in DESCRIPTOR_ASPECTS.items()
    }
    encoder_distances = {
        "drummer": descriptors["periodicity"],
        "singer": descriptors["pitch classes"],
    }
    table = build_descriptor_table(encoder_distances, descriptors)
    aspects = table[table["descriptor"] == ""].set_index("aspect")
    assert aspects.loc["rhythm", "drummer"] == pytest.approx(1)
    assert aspects.loc["melody", "singer"] == pytest.approx(1)
    assert aspects.loc[["melody", "timbre"], "drummer"].abs().max() < 0.2
    spaces = {name: RNG.normal(size=(40, 4)) for name in encoder_distances}
    notes = write_encoder_findings(
        build_agreement_table(spaces, 0), table, list(encoder_distances), 40
    )
    assert any("Rhythm: drummer follows it most (1.00)" in note for note in notes)
    assert any("Melody: singer follows it most (1.00)" in note for note in notes)
    assert compute_pair_distances(spaces["singer"]).shape == descriptors["noisiness"].shape
