"""Tests of Map, Listen and Compare: selections, snippets, confidence, favourites and pairs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from core import favourites
from core.corpus import Corpus
from core.encoders import find_encoder_spec
from core.encoders.clip_descriptor_definitions import CLIP_DESCRIPTORS
from core.pipeline.disagreement_search import find_disagreeing_program_pairs
from core.pipeline.embed_missing_programs_and_clips import embed_corpus
from core.pipeline.map_selection_export import build_selection_table, export_selection
from core.search import search_confidence
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.clip_property_forecast import fit_forecast
from core.search.map_placement import place_snippet_on_map
from core.search.measured_clip_properties_in_words import describe_measured_clips
from pages.map.map_marks_and_clicks import decode_bitmask, encode_bitmask
from tests.unit.pages.page_steps import (
    MARKDOWN_NAME,
    find_button,
    get_text,
    list_players,
    open_in_app,
)


@pytest.fixture
def own_workspace(trained_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the workspace, to write into."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "copy"))
    return Path(shutil.copytree(trained_workspace, tmp_path / "copy"))


# -- map --------------------------------------------------------------------------------------


def test_a_lasso_selection_is_listed_and_downloadable(own_workspace: Path) -> None:
    corpus = Corpus.open("tiny")
    programs = list(corpus.load_programs()["program"][2:5])
    app = open_in_app("map")
    app.session_state["map_selection"] = ("tiny", corpus.load_newest_alignment().id, programs)
    app.session_state["map_panel"] = "selection"
    app.run()
    assert not app.exception
    assert "3 programs" in get_text(app)
    assert [name.split()[0] for name in app.dataframe[0].value["Name"]] == [
        "beeps-0002",
        "beeps-0003",
        "beeps-0004",
    ]
    labels = [element.proto.label for element in app.get("download_button")]
    # The first is in the popover that exports the map as a figure.
    assert labels == ["Download", "CSV", "Code and clips", "Parquet"]
    find_button(app, "Clear selection").click().run()
    assert "Click a point" in get_text(app)
    # The selection of another alignment is not shown.
    app.session_state["map_selection"] = ("tiny", "another", programs)
    app.session_state["map_panel"] = "selection"
    app.run()
    assert not app.dataframe
    assert "Press the lasso" in get_text(app)


def test_selected_programs_are_exported_as_table_and_archives(own_workspace: Path) -> None:
    corpus = Corpus.open("tiny")
    rows = corpus.load_programs()
    points = corpus.load_newest_alignment().load_alignment_map_points()
    program_ids = list(rows["program"][[7, 3]])
    table = build_selection_table(points, rows, [*program_ids, "missing"])
    assert list(table["program"]) == program_ids[::-1]  # In the order of the corpus.
    audio_points = points[points["modality"] == "audio"].set_index("program")
    audio_point = audio_points.loc[program_ids[0]]
    assert table["audio_after_x"][1] == audio_point["after_x"]
    assert table["similarity"][1] == audio_point["similarity"]
    assert table["parameters"][0] == '{"note": 43}'
    assert export_selection(corpus, program_ids, "zip")[:2] == b"PK"
    assert export_selection(corpus, program_ids, "parquet")[:4] == b"PAR1"


@pytest.mark.parametrize("count", [1, 8, 13, 48])
def test_a_bitmask_survives_encoding(count: int) -> None:
    mask = np.random.default_rng(count).random(count) < 0.5
    np.testing.assert_array_equal(decode_bitmask(encode_bitmask(mask), count), mask)


@pytest.mark.parametrize("text", ["", "not base64!", "AAAA" * 1000, "é"])
def test_an_invalid_bitmask_selects_nothing(text: str) -> None:
    assert decode_bitmask(text, 9).shape == (9,)
    assert not decode_bitmask(text, 9).any()


def test_a_silent_snippet_is_not_placed(own_workspace: Path) -> None:
    app = open_in_app("map")
    app.session_state["map_panel"] = "snippet"
    app.session_state["snippet"] = 'puts "hi"'
    app.run()
    assert not app.exception
    assert "Nothing in this code would sound" in get_text(app)
    assert not [button for button in app.button if str(button.key).startswith("neighbour-line-")]


def test_a_snippet_is_placed_among_its_neighbours(own_workspace: Path) -> None:
    app = open_in_app("map")
    app.session_state["map_panel"] = "snippet"
    app.run()
    assert not app.exception
    assert (
        len([button for button in app.button if str(button.key).startswith("neighbour-line-")]) == 5
    )
    points = Corpus.open("tiny").load_newest_alignment().load_alignment_map_points()
    placement = place_snippet_on_map(open_aligned_corpus(Corpus.open("tiny")), "play 60", points)
    clips = points[points["modality"] == "audio"].set_index("program")
    neighbour_clips = clips.loc[[neighbour.program_id for neighbour in placement.neighbours]]
    for axis, position in zip("xy", placement.after_position):
        assert (
            neighbour_clips[f"after_{axis}"].min()
            <= position
            <= neighbour_clips[f"after_{axis}"].max()
        )


# -- listen -----------------------------------------------------------------------------------


def test_listen_shows_the_forecast_of_a_measured_corpus(
    own_workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    feature_count = find_encoder_spec("simulation").dim
    columns = len(CLIP_DESCRIPTORS)
    model = fit_forecast(
        rng.normal(size=(90, feature_count)),
        rng.normal(size=(90, columns)),
        [str(row % 9) for row in range(90)],
    )
    monkeypatch.setattr(AlignedCorpus, "forecast_model", model)
    app = open_in_app("listen")
    assert not app.exception
    (label,) = [item.label for item in app.expander if item.label.startswith("Will be")]
    assert "LUFS" in label and "onsets/s" in label
    table = next(item.value for item in app.dataframe if "90% interval" in item.value.columns)
    assert list(table["Property"])[:2] == ["Loudness", "Peak"]


def test_listen_weights_aspects_of_a_measured_corpus(own_workspace: Path) -> None:
    corpus = Corpus.open("tiny")
    for encoder in ("descriptors", "aspects"):
        embed_corpus(corpus, None, encoder)
    app = open_in_app("listen")
    assert not app.exception
    # Each row says what its clip sounds like.
    measured = describe_measured_clips(corpus, list(corpus.load_programs()["program"]))
    rows = [item.value for item in app.caption if "LUFS" in item.value]
    assert len(rows) >= 5 and len(set(measured.values())) > 1
    labels = [slider.label for slider in app.slider]
    assert {"Whole sound", "Timbre", "Rhythm", "Pitch", "Level"} <= set(labels)
    (rhythm,) = [slider for slider in app.slider if slider.label == "Rhythm"]
    rhythm.set_value(3.0).run()
    assert not app.exception and not app.error


@pytest.mark.parametrize(
    ("level", "label"),
    [
        ("high", "High confidence, 81%"),
        ("medium", "Medium confidence, 81%"),
        ("low", "Low confidence, 81%"),
    ],
)
def test_a_prediction_shows_its_confidence(
    own_workspace: Path, monkeypatch: pytest.MonkeyPatch, level: str, label: str
) -> None:
    monkeypatch.setattr(
        search_confidence,
        "estimate_confidence",
        lambda *_: search_confidence.Confidence(0.81, level, 40, 2 / 3),
    )
    assert label in get_text(open_in_app("listen"))


def test_an_alignment_without_calibration_shows_no_confidence(own_workspace: Path) -> None:
    assert "confidence," not in get_text(open_in_app("listen"))


def test_the_star_adds_a_neighbour_to_the_favourites(own_workspace: Path) -> None:
    app = open_in_app("listen")
    stars = [button for button in app.button if str(button.key).startswith("star-1-")]
    stars[0].click().run()
    assert not app.exception
    (one,) = favourites.load_favourites()
    assert one.corpus_name == "tiny" and MARKDOWN_NAME in one.name
    app.segmented_control(key="way").set_value("favourites").run()
    assert not app.exception
    assert len(list_players(app)) == 1
    app.text_area(key=f"note:tiny:{one.program_id}").set_value("for the drop").run()
    app.multiselect(key=f"tags:tiny:{one.program_id}").set_value([]).run()
    assert favourites.load_favourites()[0].note == "for the drop"
    find_button(app, "★").click().run()
    assert favourites.load_favourites() == []
    assert "No favourites yet" in get_text(app)


def test_a_favourite_outlives_its_corpus(own_workspace: Path) -> None:
    favourites.add_favourite("gone", "a" * 32, "n", "")
    favourites.add_favourite("tiny", "b" * 32, "m", "")
    app = open_in_app("listen")
    app.segmented_control(key="way").set_value("favourites").run()
    assert not app.exception
    assert "corpus was deleted" in get_text(app)
    assert "removed from its corpus" in get_text(app)


def test_a_clip_of_the_corpus_finds_code(own_workspace: Path) -> None:
    app = open_in_app("listen")
    app.segmented_control(key="way").set_value("sound").run()
    assert not app.exception
    assert len(list_players(app)) == 7  # The clip itself and its neighbours.
    app.text_input(key="clip_query").set_value("no such word").run()
    assert "No clip matches" in get_text(app)
    app.text_input(key="clip_query").set_value("note>60").run()
    assert "3 clips match." in get_text(app)
    app.segmented_control(key="audio_source").set_value("rendering").run()
    assert "Render a snippet" in get_text(app)
    assert not app.exception


# -- compare ----------------------------------------------------------------------------------


def test_pairs_are_shown_and_the_open_one_is_in_the_url(own_workspace: Path) -> None:
    assert find_button(open_in_app("compare"), "Find pairs")
    pairs = find_disagreeing_program_pairs(
        open_aligned_corpus(Corpus.open("tiny")), pairs_per_kind=5
    )
    app = open_in_app("compare")
    assert not app.exception
    assert len(list_players(app)) == 2
    assert "Pair 1 of 5" in get_text(app)
    assert "The code is more similar than in" in get_text(app)
    assert "These pairs were found among" not in get_text(app)
    assert app.button(key="previous-pair").disabled
    app.button(key="next-pair").click().run()
    second = pairs[(pairs["space"] == "before") & (pairs["kind"] == "written alike")].iloc[1]
    assert app.query_params["pair"] == second["first"] + second["second"]
    assert "Pair 2 of 5" in get_text(app)
    app.segmented_control(key="kind").set_value("sounding alike").run()
    assert "Pair 1 of" in get_text(app)
    app.segmented_control(key="space").set_value("after").run()
    assert "The sound is more similar than in" in get_text(app)
    assert not app.exception
    assert len(list_players(app)) == 2
    # Pairs of a corpus that has grown since are marked.
    pairs.attrs["programs"] -= 1
    pairs.to_parquet(Corpus.open("tiny").load_newest_alignment().path / "pairs.parquet")
    app = open_in_app("compare")
    assert "These pairs were found among" in get_text(app)
    assert find_button(app, "Find pairs")


def test_pairs_of_removed_programs_are_left_out(own_workspace: Path) -> None:
    pairs = find_disagreeing_program_pairs(
        open_aligned_corpus(Corpus.open("tiny")), pairs_per_kind=3
    )
    record = Corpus.open("tiny").load_newest_alignment()
    pairs["first"] = "0" * 32
    pairs.to_parquet(record.path / "pairs.parquet")
    app = open_in_app("compare")
    assert not app.exception
    assert "No such pair" in get_text(app)


def test_a_damaged_table_of_pairs_shows_an_error(own_workspace: Path) -> None:
    record = Corpus.open("tiny").load_newest_alignment()
    (record.path / "pairs.parquet").write_bytes(b"none")
    assert "cannot be read" in get_text(open_in_app("compare"))
