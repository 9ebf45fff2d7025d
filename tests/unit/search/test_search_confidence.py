"""Confidence of a search: what lowers it, and how it is estimated over several corpora."""

from __future__ import annotations

import pytest

from core.corpus import Corpus
from core.search.multi_corpus_search import (
    find_audio_neighbours_in_corpora,
    find_neighbours_in_corpora,
    find_program_neighbours_in_corpora,
    open_corpora_with_one_alignment,
)
from core.search.search_confidence import (
    discount_confidence_by_understood_share,
    estimate_clip_confidence,
    estimate_confidence,
)
from core.search.silent_snippet_check import SilentSnippetError, interpret_audible_snippet
from core.sonicpi.interpreter import interpret_program
from tests.unit.search.alignments import save_untrained_alignment
from tests.unit.search.signals import make_tone_clip
from tests.unit.search.tone_corpora import make_tone_corpus

CALIBRATION = {
    "mean": [0.5, 0.5, 0.0, 1.0],
    "scale": [1.0, 1.0, 1.0, 1.0],
    "weights": [0.1, 1.0, 2.0, 0.1],
    "bias": 0.2,
    "program_count": 120,
    "correct_fraction": 0.5,
    "correct_threshold": 2 / 3,
}
NONSENSE = {
    "English": "I want to sample the sound of the sea\nand play it slowly",
    "English with the words of Sonic Pi": "Today we learn how to play\nsample a drum\nsleep well",
    "unknown functions": "foo bar\nbaz 12, qux: 3\nblarg { play 60 }",
    "unknown sounds": "xkcd 42\nsynth :florble, wibble: 3\nsample :zzz_top",
    "an unknown sample": "sample :doesnotexist\nsleep 1",
    "Rails": "Rails.application.routes.draw do\n  resources :songs\n  get 'play', to: 'x'\nend",
    "C": '#include <stdio.h>\nint main() { printf("play 60"); return 0; }',
    "Python": "import pygame\nfrom time import sleep\n\ndef play(note):\n    pass\n\nplay(60)",
    "Python without a syntax error": "synth = Synth('saw')\nsynth.play(60)\nsleep(1)",
    "Latin": "Lorem ipsum dolor sit amet\nplay consectetur\nadipiscing elit sed",
    "gibberish": "live_loop :x do\n  play frobnicate(quux)\n  sleep wibble\nend",
    "a comment": "# play 60",
    "Strudel": '$: sound("bd*4, hh*8").bank("RolandTR909")',
    "C with calls by chance": "int main() {\n  play(60);\n  sleep(1);\n  play(62);\n}",
    "Python with calls by chance": "import music\n" + "play(60)\nsleep(1)\n" * 8,
    "JavaScript with calls by chance": "const x = 60;\n" + "play(x);\nsleep(1);\n" * 8,
    "a word before a program": "hello\n" + "play 60\nsleep 1\n" * 8,
    "a late syntax error": "play 60\nsleep 1\n" * 8 + "play 62)",
    "an open loop": "live_loop :a do\n  play 60\n  sleep 0.5\n",
    "an early syntax error": "play 60\n)) ((" + "\nplay 62" * 20,
}
PROGRAMS = (
    "play 60",
    "live_loop :a do\n  use_synth :tb303\n  play :e2, cutoff: rrand(60, 120)\n  sleep 0.25\nend",
    "define :riff do |n|\n  play n\n  sleep 1\nend\nriff 60\nsample :bd_haus",
    "use_osc 'localhost', 4560\nmidi_note_on :e3\nplay 60\nwith_midi_defaults port: 'x' do\n"
    "  play 62\nend\nputs current_time",
)


@pytest.mark.parametrize("snippet", NONSENSE.values(), ids=list(NONSENSE))
def test_nonsense_has_no_prediction_or_a_low_confidence(snippet: str) -> None:
    try:
        reading = interpret_audible_snippet(snippet)
    except SilentSnippetError:
        return
    assert discount_confidence_by_understood_share(0.99, reading) < 1 / 3


@pytest.mark.parametrize("source", PROGRAMS)
def test_a_program_that_is_read_as_a_whole_keeps_its_confidence(source: str) -> None:
    reading = interpret_program(source)
    assert reading.understood_share == 1
    assert discount_confidence_by_understood_share(0.8, reading) == 0.8


def test_a_program_of_which_a_part_was_read_has_less_confidence() -> None:
    reading = interpret_program("play 60\nsample :bd_haus\nplay 62\nputs unheard_of")
    assert 0.5 < reading.understood_share < 1
    assert discount_confidence_by_understood_share(0.8, reading) == pytest.approx(
        0.8 * reading.understood_share
    )
    until_error = interpret_program("play 60\nplay 62\nplay 64\nplay 65,,")
    assert until_error.understood_share == pytest.approx(3 / 4)


def test_both_directions_have_a_confidence_over_one_corpus_and_several(corpus: Corpus) -> None:
    metrics = {"readings": [], "confidence": CALIBRATION, "audio_confidence": CALIBRATION}
    alignment_id = save_untrained_alignment(corpus)
    corpus.save_alignment_metrics(alignment_id, metrics)
    songs = make_tone_corpus("songs", 4)
    for corpora in ([corpus], [corpus, songs], [songs]):
        aligned = open_corpora_with_one_alignment(corpora)
        neighbours = find_neighbours_in_corpora(aligned, "play 60")
        estimate = estimate_confidence(aligned, "play 60", neighbours)
        assert estimate is not None and 0 < estimate.probability < 1
        assert (estimate.calibration_program_count, estimate.correct_threshold) == (120, 2 / 3)
        clip = make_tone_clip(410)
        found = find_audio_neighbours_in_corpora(aligned, clip)
        clip_estimate = estimate_clip_confidence(aligned, clip, found)
        assert clip_estimate is not None and 0 < clip_estimate.probability < 1
        assert estimate_confidence(aligned, "play 60", []) is None
    program_id = aligned[0].pairs.program_ids[1]
    found = find_program_neighbours_in_corpora(aligned, program_id, direction="audio->code")
    assert program_id not in {neighbour.program_id for neighbour in found}
    assert estimate_clip_confidence(aligned, program_id, found) is not None


def test_an_older_calibration_of_three_features_keeps_its_threshold(corpus: Corpus) -> None:
    fields = {name: value for name, value in CALIBRATION.items() if name != "correct_threshold"}
    fields |= {name: CALIBRATION[name][:3] for name in ("mean", "scale", "weights")}
    alignment_id = save_untrained_alignment(corpus)
    corpus.save_alignment_metrics(alignment_id, {"readings": [], "confidence": fields})
    aligned = open_corpora_with_one_alignment([corpus])
    neighbours = find_neighbours_in_corpora(aligned, "play 60")
    estimate = estimate_confidence(aligned, "play 60", neighbours)
    assert estimate is not None and estimate.correct_threshold == 0.5
    found = find_audio_neighbours_in_corpora(aligned, make_tone_clip(410))
    assert estimate_clip_confidence(aligned, make_tone_clip(410), found) is None
