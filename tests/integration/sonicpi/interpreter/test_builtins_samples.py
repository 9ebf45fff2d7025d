"""The reader selects the samples that Sonic Pi plays."""

from __future__ import annotations

import pytest

from tests.integration.sonicpi.interpreter.score_agreement import assert_read_as_rendered

PROGRAMS = {
    "name": "sample :bd_haus\nsample :misspelled\nsample nil\nsample []",
    "part of a name": "sample 'tabla_'\nsample 'TABLA', 3\nsample 'tabla', 'ghe', 2",
    "index": "sample 0\nsample 24\nsample -1\nsample 1000",
    "pattern": "sample /bd_.*a/\nsample /snare/, 2",
    "list of filters": "sample ['drum', 3]\nsample ['drum', 'tom'], 1",
    "random sample": (
        "8.times { sample 'bd_', pick; sleep 0.25 }\n"
        "4.times { sample 'elec', choose; sleep 0.25 }\n4.times { sample rrand_i(0, 90) }"
    ),
    "lambda": "sample 'drum', lambda { |names| names[4] }",
    "path": "sample path: :bd_haus\nsample :elec_blip",
    "loading a sample starts a thread": (
        "sample :bd_haus\nin_thread { play rrand(40, 80) }\nsample :bd_haus\n"
        "in_thread { play rrand(40, 80) }\nsleep 1\nsample :bd_haus\n"
        "live_loop(:a) { play rrand(40, 80); sleep 4 }"
    ),
    "a loaded sample starts no thread": (
        "load_sample :elec_blip\nsample :elec_blip\nin_thread { play rrand(40, 80) }"
    ),
}


@pytest.mark.parametrize("source", PROGRAMS.values(), ids=list(PROGRAMS))
def test_samples_are_those_of_the_rendered_score(source: str):
    assert_read_as_rendered(source)
