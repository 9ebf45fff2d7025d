"""Programs are simulated where a joint alignment is trained or searches, and only once."""

from __future__ import annotations

import pytest

from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.errors import EarshotError
from core.pipeline import simulation_of_missing_programs
from core.pipeline.simulation_of_missing_programs import (
    simulate_missing_programs,
    simulate_programs_that_joint_alignments_search,
)
from core.search.stored_simulations import list_clips_without_simulation
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.tone_corpora import make_tone_corpus

pytestmark = pytest.mark.usefixtures("empty_workspace")


def save_joint_alignment(corpus: Corpus, code_encoder: str) -> None:
    ridge = save_untrained_alignment(corpus, alignment={"objective": "kernel_ridge"})
    encoders = corpus.load_alignment(ridge).config["encoders"]
    spec = find_encoder_spec(code_encoder)
    code = {"id": spec.id, "revision": spec.revision, "dim": spec.dim}
    save_untrained_alignment(
        corpus,
        alignment={"objective": "joint_kernel_ridge"},
        encoders={**encoders, "code": code},
    )


def simulate(corpus: Corpus) -> None:
    with corpus.lock_for_writing("test"):
        simulate_programs_that_joint_alignments_search(corpus)


def test_a_corpus_is_simulated_once_a_joint_alignment_of_any_corpus_can_search_it() -> None:
    starter, songs = make_tone_corpus("starter", 5), make_tone_corpus("songs", 4)
    save_untrained_alignment(starter)
    simulate(songs)
    assert len(list_clips_without_simulation(songs)) == 4
    save_joint_alignment(starter, "score+simulation")  # Nothing is embedded by score.
    simulate(songs)
    assert len(list_clips_without_simulation(songs)) == 4
    save_joint_alignment(starter, "sonicpi+simulation")
    simulate(songs)
    assert not list_clips_without_simulation(songs)
    assert len(list_clips_without_simulation(starter)) == 5
    stamp = songs.change_stamp
    simulate(songs)
    assert songs.change_stamp == stamp  # Nothing was computed again.


def test_a_corpus_with_too_many_missing_simulations_is_left_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulation_of_missing_programs, "MAX_PROGRAMS_TO_SIMULATE", 4)
    starter = make_tone_corpus("starter", 5)
    save_joint_alignment(starter, "sonicpi+simulation")
    simulate(starter)
    assert len(list_clips_without_simulation(starter)) == 5
    with pytest.raises(EarshotError, match="5 programs .*not simulated") as error:
        simulate_missing_programs(starter)
    assert "./run embed starter --code-encoder simulation" in str(error.value.remedy)


def test_a_joint_training_first_simulates_what_is_missing() -> None:
    starter = make_tone_corpus("starter", 5)
    simulate_missing_programs(starter)
    assert not list_clips_without_simulation(starter)
    stamp = starter.change_stamp
    simulate_missing_programs(starter)
    assert starter.change_stamp == stamp
