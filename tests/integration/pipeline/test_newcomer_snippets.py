"""A newcomer's first snippets find clips of the same role and synth family by the default way.

The corpus is a small starter corpus: 6 template programs and 56 grammar programs of all styles,
with clips of 6 s. It is built and trained by the commands that the buttons on Home start.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core.corpus import Corpus
from core.programs.synth_families import list_synth_families
from core.search import choose_default_alignment, find_neighbours, open_aligned_corpus
from core.search.aligned_corpus import AlignedCorpus

ACID = """\
use_bpm 130
live_loop :acid do
  use_synth :tb303
  play (scale :e2, :minor_pentatonic).choose, release: 0.2, cutoff: rrand(60, 120), res: 0.8
  sleep 0.25
end
"""
DRUMS = """\
live_loop :drums do
  sample :bd_haus
  sleep 0.5
  sample :drum_cymbal_closed
  sleep 0.25
  sample :sn_dub
  sleep 0.25
end
"""
PAD = """\
use_synth :hollow
loop do
  play_chord chord(:e3, :minor), attack: 2, release: 6
  sleep 8
end
"""


@pytest.fixture(scope="module")
def starter(starter_workspace: Path) -> AlignedCorpus:
    """The small starter corpus with the alignment that Listen and `neighbours` take."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EARSHOT_WORKSPACE", str(starter_workspace))
        aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
    assert len(aligned_corpus.pairs) == 62
    return aligned_corpus


def find_first_three_programs(starter: AlignedCorpus, snippet: str) -> pd.DataFrame:
    """Return the programs of the three nearest clips: the columns of `load_programs`."""
    neighbours = find_neighbours(starter, snippet, k=3)
    programs = starter.corpus.load_programs().set_index("program")
    return programs.loc[[neighbour.program_id for neighbour in neighbours]]


@pytest.mark.parametrize(
    ("snippet", "roles", "family"),
    [(ACID, ("bass",), "acid"), (PAD, ("ambience", "chords"), "pad")],
    ids=["acid", "pad"],
)
def test_a_first_snippet_finds_its_role_and_synth_family_among_three_clips(
    starter: AlignedCorpus, snippet: str, roles: tuple[str, ...], family: str
) -> None:
    programs = find_first_three_programs(starter, snippet)
    matches = [
        program["name"]
        for _, program in programs.iterrows()
        if program["role"] in roles and family in list_synth_families(program["source"])
    ]
    assert matches, programs[["name", "role"]]


def test_a_first_drum_pattern_finds_drums_without_synths_among_three_clips(
    starter: AlignedCorpus,
) -> None:
    programs = find_first_three_programs(starter, DRUMS)
    is_drums_alone = [
        program["role"] == "drums" and not list_synth_families(program["source"])
        for _, program in programs.iterrows()
    ]
    assert any(is_drums_alone), programs[["name", "role"]]


def test_the_default_training_makes_alignments_for_prediction_suggestions_and_the_map(
    starter: AlignedCorpus,
) -> None:
    corpus = starter.corpus
    prediction = choose_default_alignment(corpus, "prediction")
    assert prediction is not None and prediction.alignment_id == starter.record.id
    assert prediction.method == "joint-kernel-ridge"
    assert prediction.reason == "made for prediction"
    for_suggestions = choose_default_alignment(corpus, "suggestion")
    assert for_suggestions is not None and for_suggestions.method == "kernel-ridge"
    for_map = choose_default_alignment(corpus, "map")
    assert for_map is not None and for_map.method == "infonce"
    assert corpus.load_alignment_map_points(for_map.alignment_id) is not None
