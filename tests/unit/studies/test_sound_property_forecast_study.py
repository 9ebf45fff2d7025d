"""The forecast study, on programs whose descriptors are known."""

import numpy as np
import pytest

from core.corpus import Corpus
from core.encoders import find_encoder_spec, get_encoder
from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS
from core.errors import EarshotError
from core.programs import Program
from core.progress_callback import ignore_progress
from core.sonicpi import RenderResult
from core.studies.sound_property_forecast_study import compute_study_result
from tests.unit.search.signals import make_tone_clip

OPTIONS = {"queries": "validation"}


def build_measured_corpus(program_count):
    """Return a corpus whose clips are exactly what the simulation predicts, and some noise."""
    corpus = Corpus.create("measured", seconds=0.5)
    programs = [
        Program(
            f"synth :saw, note: {30 + n % 50}, amp: {0.1 + n % 7 / 7}, sustain: {n % 5}\n",
            f"tone-{n}",
            f"t{n % 8}",
            "melody",
            {},
            0,
        )
        for n in range(program_count)
    ]
    corpus.add_programs(programs)
    ids = [program.id for program in programs]
    for program_id in ids:
        corpus.store_render_result(program_id, RenderResult(make_tone_clip(220)), 0.5)
    features = get_encoder("simulation").embed([program.source for program in programs])
    noise = np.random.default_rng(0).normal(size=(program_count, len(CLIP_DESCRIPTORS)))
    rows = (features[:, : len(CLIP_DESCRIPTORS)] + 0.05 * noise).astype(np.float32)
    corpus.store_embeddings("descriptors", find_encoder_spec("descriptors").revision, ids, rows)
    return corpus


def test_study_measures_accuracy_and_coverage_of_held_out_templates(empty_workspace):
    result = compute_study_result(build_measured_corpus(160), OPTIONS, ignore_progress)
    tables = {table.name: table.rows for table in result.tables}
    properties = tables["properties"].set_index("property")
    assert properties.at["loudness", "R²"] > 0.9 and properties.at["level_1", "R²"] > 0.9
    assert properties.at["loudness", "queries"] == 40  # two of eight templates
    assert 80 <= properties["coverage"].mean() <= 100
    assert set(tables["properties_by_template"]["queries of"]) == {"t3", "t7"}
    measured = result.comparison.set_index("measure")["measured"]
    assert measured["R², loudness"] == properties.at["loudness", "R²"]


def test_too_few_programs_are_an_error(empty_workspace):
    with pytest.raises(EarshotError, match="too few programs") as caught:
        compute_study_result(build_measured_corpus(48), OPTIONS, ignore_progress)
    assert "./run build" in caught.value.remedy
