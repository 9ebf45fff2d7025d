"""Prediction at the values of a slider, as for the whole changed program."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import EarshotError
from core.search.aligned_corpus import AlignedCorpus
from core.suggest.literal_sensitivity import measure_sensitivity_to_literals
from core.suggest.slider_prediction import SliderPredictor
from core.suggest.sound_target import read_target_from_text
from tests.unit.suggest.programs import BASS_AND_DRUMS


@pytest.fixture
def predictor(aligned_corpus: AlignedCorpus) -> SliderPredictor:
    return SliderPredictor(aligned_corpus, BASS_AND_DRUMS)


def test_a_value_is_predicted_as_the_changed_program(
    predictor: SliderPredictor, aligned_corpus: AlignedCorpus
) -> None:
    index, slider = next(
        (index, slider) for index, slider in enumerate(predictor.sliders) if slider.name == "synth"
    )
    value = slider.values.index(":beep")
    prediction = predictor.predict_slider_value(index, value)
    changed = BASS_AND_DRUMS.replace(":tb303", ":beep")
    embedding = aligned_corpus.embed_snippet(changed)
    expected = aligned_corpus.project_code_embeddings(embedding)[0]
    np.testing.assert_allclose(prediction.vector, expected, atol=1e-6)
    assert prediction.text == ":beep" and prediction.distance > 0
    similarities = [neighbour.similarity for neighbour in prediction.neighbours]
    assert len(similarities) == 3 and similarities == sorted(similarities, reverse=True)
    own = predictor.predict_slider_value(index, slider.position)
    assert own.distance == pytest.approx(0, abs=1e-6)


def test_sensitivities_belong_to_sliders(predictor: SliderPredictor) -> None:
    starts = {slider.literal.start for slider in predictor.sliders}
    assert predictor.sensitivity_by_start and set(predictor.sensitivity_by_start) <= starts


def test_sensitivities_lead_to_a_target_as_those_of_the_command(
    aligned_corpus: AlignedCorpus,
) -> None:
    target = read_target_from_text(aligned_corpus, "tone-1")
    predictor = SliderPredictor(aligned_corpus, BASS_AND_DRUMS, target)
    rows = measure_sensitivity_to_literals(aligned_corpus, BASS_AND_DRUMS, target)
    assert predictor.sensitivity_by_start == {row.start: row for row in rows}
    best = max(rows, key=lambda row: row.target_gain)
    (slider,) = (item for item in predictor.sliders if item.literal.start == best.start)
    position = slider.find_nearest_position(best.target_value)
    assert position is not None and position != slider.position
    assert predictor.advise_how_to_reach_target(best).endswith("to get nearer to tone-1")
    assert SliderPredictor(aligned_corpus, BASS_AND_DRUMS).advise_how_to_reach_target(best) == ""


@pytest.mark.parametrize(("slider", "value"), [(-1, 0), (999, 0), (0, -1), (0, 999)])
def test_unknown_sliders_and_values_are_refused(
    predictor: SliderPredictor, slider: int, value: int
) -> None:
    with pytest.raises(EarshotError):
        predictor.predict_slider_value(slider, value)
