"""Map, Listen and Compare beyond their first look: what is chosen, kept, placed and compared."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core import favourites
from core.corpus import Corpus
from core.pipeline.compare import find_disagreement_pairs
from core.pipeline.map_selection import build_selection_table, export_selection
from core.search import confidence
from core.search.aligned_corpus import open_aligned_corpus
from core.search.map_placement import place_on_map
from pages.map.map_overlay import decode_bitmask, encode_bitmask
from tests.unit.pages.page_steps import NASTY, button, opened, players, words


@pytest.fixture
def own(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workspace, to write into."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "own"))
    return Path(shutil.copytree(made, tmp_path / "own"))


# -- map --------------------------------------------------------------------------------------


def test_what_a_lasso_caught_is_listed_and_can_be_taken_along(own: Path) -> None:
    corpus = Corpus.open("tiny")
    programs = list(corpus.load_programs()["program"][2:5])
    app = opened("map")
    app.session_state["map_selection"] = ("tiny", corpus.load_newest_alignment().id, programs)
    app.session_state["map_panel"] = "selection"
    app.run()
    assert not app.exception
    assert "3 programs" in words(app)
    assert [name.split()[0] for name in app.dataframe[0].value["Name"]] == [
        "beeps-0002",
        "beeps-0003",
        "beeps-0004",
    ]
    labels = [each.proto.label for each in app.get("download_button")]
    assert labels == ["CSV", "Code and clips", "Parquet"]
    button(app, "Clear selection").click().run()
    assert "Click a point" in words(app)
    # Of another alignment it says nothing.
    app.session_state["map_selection"] = ("tiny", "another", programs)
    app.session_state["map_panel"] = "selection"
    app.run()
    assert not app.dataframe
    assert "Press the lasso" in words(app)


def test_chosen_programs_become_a_table_and_files(own: Path) -> None:
    corpus = Corpus.open("tiny")
    rows = corpus.load_programs()
    points = corpus.load_newest_alignment().load_map()
    chosen = list(rows["program"][[7, 3]])
    table = build_selection_table(points, rows, [*chosen, "not there"])
    assert list(table["program"]) == chosen[::-1]  # in the corpus's order
    at = points[(points["program"] == chosen[0]) & (points["modality"] == "audio")].iloc[0]
    assert table["audio_after_x"][1] == at["after_x"]
    assert table["similarity"][1] == at["similarity"]
    assert table["parameters"][0] == '{"note": 43}'
    assert export_selection(corpus, chosen, "zip")[:2] == b"PK"
    assert export_selection(corpus, chosen, "parquet")[:4] == b"PAR1"


@pytest.mark.parametrize("count", [1, 8, 13, 48])
def test_what_is_caught_travels_as_a_bit_a_point(count: int) -> None:
    mask = np.random.default_rng(count).random(count) < 0.5
    np.testing.assert_array_equal(decode_bitmask(encode_bitmask(mask), count), mask)


@pytest.mark.parametrize("text", ["", "not base64!", "AAAA" * 1000, "é"])
def test_anything_else_is_nothing_caught_or_no_error(text: str) -> None:
    assert decode_bitmask(text, 9).shape == (9,)
    assert not decode_bitmask(text, 9).any()


def test_a_snippet_stands_among_its_neighbours(own: Path) -> None:
    app = opened("map")
    app.session_state["map_panel"] = "snippet"
    app.run()
    assert not app.exception
    assert len([each for each in app.button if str(each.key).startswith("neighbour-line-")]) == 5
    points = Corpus.open("tiny").load_newest_alignment().load_map()
    found = place_on_map(open_aligned_corpus(Corpus.open("tiny")), "play 60", points)
    clips = points[points["modality"] == "audio"].set_index("program")
    near = clips.loc[[each.program_id for each in found.neighbours]]
    for axis, at in zip("xy", found.after_position):
        assert near[f"after_{axis}"].min() <= at <= near[f"after_{axis}"].max()


# -- listen -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("high", "High confidence, 81%"),
        ("medium", "Medium confidence, 81%"),
        ("low", "Low confidence, 81%"),
    ],
)
def test_a_foretelling_says_how_sure_it_is(
    own: Path, monkeypatch: pytest.MonkeyPatch, level: str, said: str
) -> None:
    monkeypatch.setattr(
        confidence, "estimate_confidence", lambda *_: confidence.Confidence(0.81, level, 40)
    )
    assert said in words(opened("listen"))


def test_an_alignment_that_has_not_learnt_it_says_nothing_of_it(own: Path) -> None:
    said = words(opened("listen"))
    assert "confidence," not in said


def test_a_star_keeps_a_neighbour_and_the_list_shows_it(own: Path) -> None:
    app = opened("listen")
    stars = [each for each in app.button if str(each.key).startswith("star-1-")]
    stars[0].click().run()
    assert not app.exception
    (one,) = favourites.load_favourites()
    assert one.corpus_name == "tiny" and NASTY in one.name
    app.segmented_control(key="way").set_value("favourites").run()
    assert not app.exception
    assert len(players(app)) == 1
    app.text_area(key=f"note:tiny:{one.program_id}").set_value("for the drop").run()
    app.multiselect(key=f"tags:tiny:{one.program_id}").set_value([]).run()
    assert favourites.load_favourites()[0].note == "for the drop"
    button(app, "★").click().run()
    assert favourites.load_favourites() == []
    assert "No favourites yet" in words(app)


def test_a_favourite_outlives_its_corpus(own: Path) -> None:
    favourites.add_favourite("gone", "a" * 32, "n", "")
    favourites.add_favourite("tiny", "b" * 32, "m", "")
    app = opened("listen")
    app.segmented_control(key="way").set_value("favourites").run()
    assert not app.exception
    assert "corpus was deleted" in words(app)
    assert "removed from its corpus" in words(app)


def test_a_clip_of_the_corpus_leads_to_code(own: Path) -> None:
    app = opened("listen")
    app.segmented_control(key="way").set_value("sound").run()
    assert not app.exception
    assert len(players(app)) == 6  # the clip itself and what was found
    app.text_input(key="clip_query").set_value("no such word").run()
    assert "No clip matches" in words(app)
    app.text_input(key="clip_query").set_value("note>60").run()
    assert "3 clips match." in words(app)
    app.segmented_control(key="audio_source").set_value("rendering").run()
    assert "Render a snippet" in words(app)
    assert not app.exception


# -- compare ----------------------------------------------------------------------------------


def test_pairs_are_shown_walked_and_named_in_the_address(own: Path) -> None:
    assert button(opened("compare"), "Find pairs")
    pairs = find_disagreement_pairs(open_aligned_corpus(Corpus.open("tiny")), pairs_per_kind=5)
    app = opened("compare")
    assert not app.exception
    assert len(players(app)) == 2
    assert "Pair 1 of 5" in words(app)
    assert app.button(key="previous-pair").disabled
    app.button(key="next-pair").click().run()
    second = pairs[(pairs["space"] == "before") & (pairs["kind"] == "written alike")].iloc[1]
    assert app.query_params["pair"] == second["first"] + second["second"]
    assert "Pair 2 of 5" in words(app)
    app.segmented_control(key="kind").set_value("sounding alike").run()
    assert "Pair 1 of" in words(app)
    app.segmented_control(key="space").set_value("after").run()
    assert not app.exception
    assert len(players(app)) == 2


def test_pairs_whose_programs_are_gone_are_left_out(own: Path) -> None:
    found = find_disagreement_pairs(open_aligned_corpus(Corpus.open("tiny")), pairs_per_kind=3)
    record = Corpus.open("tiny").load_newest_alignment()
    found["first"] = "0" * 32
    found.to_parquet(record.path / "pairs.parquet")
    app = opened("compare")
    assert not app.exception
    assert "No such pair" in words(app)


def test_a_damaged_table_of_pairs_is_named(own: Path) -> None:
    record = Corpus.open("tiny").load_newest_alignment()
    (record.path / "pairs.parquet").write_bytes(b"none")
    assert "cannot be read" in words(opened("compare"))
