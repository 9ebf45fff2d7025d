"""Tests of the page Studies: empty states, runs, playback, comparison and damaged files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.corpus import Corpus
from core.programs import Program
from core.sonicpi import Clip, RenderResult
from core.studies import study_run_storage
from core.studies.all_studies_report import write_study_report
from core.studies.study_clip_rendering import make_path_relative_to_workspace
from core.studies.study_result import (
    ClipSequence,
    Measurement,
    StudyFigure,
    StudyResult,
    StudyTable,
    compare_measurements_to_paper,
)
from core.workspace import PROJECT_FOLDER
from tests.unit.pages.page_steps import MARKDOWN_NAME

STUDIES_PAGE = str(PROJECT_FOLDER / "pages/studies/page.py")
STUDY_INFO = {"study": "correlation", "title": "Distances", "question": "Do they agree?"}
pytestmark = pytest.mark.usefixtures("empty_workspace")


@pytest.fixture
def corpus() -> Corpus:
    """Two programs with a clip of half a second each."""
    tiny = Corpus.create("tiny", seconds=0.5)
    programs = [
        Program(
            source=f"play {60 + i}\n",
            name=f"beeps-{i}",
            template="02_1_beeps",
            role="melody",
            parameters={},
            seed=0,
        )
        for i in range(2)
    ]
    tiny.add_programs(programs)
    for number, program in enumerate(programs):
        wave = np.full((22_050, 2), 0.1 + 0.1 * number, np.float32)
        tiny.store_render_result(program.id, RenderResult(Clip(wave)), 0.1)
    return tiny


def save_run(corpus: Corpus, measured: float, seed: int = 0) -> study_run_storage.StudyRun:
    clips = [make_path_relative_to_workspace(path) for path in corpus.load_programs()["audio"]]
    pairs = pd.DataFrame(
        {
            "first": ["beeps-0"] * 12,
            "second": ["beeps-1"] * 12,
            "code": np.linspace(0, 1, 12),
            "half": ["a", "b"] * 6,
            "clips": ["|".join(clips)] * 12,
        }
    )
    measurement = Measurement(
        "Pearson, raw code against raw audio",
        measured,
        "test",
        seed,
        measured - 0.1,
        measured + 0.1,
        published_id="correlation.pearson",
    )
    figure = go.Figure(go.Scatter(x=[0.0, 1.0], y=[1.0, 0.0], customdata=[0, 1], mode="markers"))
    return study_run_storage.save_study_run(
        corpus,
        STUDY_INFO,
        StudyResult(
            comparison=compare_measurements_to_paper([measurement]),
            tables=[StudyTable("pairs", "All pairs", pairs, "Cosine distances.")],
            figures=[
                StudyFigure(
                    "scatter", "All pairs", figure, "A point is a pair.", clip_table="pairs"
                )
            ],
            clips=[
                ClipSequence(
                    f"both {MARKDOWN_NAME}",
                    tuple(clips),
                    ("beeps-0", "beeps-1"),
                    ("play 60", "play 61"),
                )
            ],
            notes=[MARKDOWN_NAME, "long " * 300],
            settings={"seed": seed, "corpus": {"name": "tiny"}, "versions": {"python": "3"}},
        ),
    )


def open_page(study_name: str = "correlation") -> AppTest:
    app = AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=120).run()
    app.switch_page("pages/studies/page.py").run()
    if study_name != "correlation":
        app.segmented_control(key="study").set_value(study_name).run()
    assert not app.exception, app.exception
    return app


def list_players(app: AppTest) -> list[str]:
    bodies = [element.proto.body for element in app.get("html")]
    return [body for body in bodies if 'class="player"' in body]


def test_without_a_corpus_the_page_links_to_home():
    assert "no corpus yet" in open_page().info[0].value


def test_each_study_without_a_run_offers_to_run(corpus: Corpus):
    app = open_page()
    names = app.segmented_control(key="study").options
    assert {"Correlation", "Completion", "UMAP", "All"} <= set(names)
    for name in names:
        app.segmented_control(key="study").set_value(name.lower()).run()
        assert not app.exception and not app.error, name
        assert any(button.key == f"start-{name.lower()}" for button in app.button), name


def test_settings_become_command_options(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    started = []
    monkeypatch.setattr(jobs, "start_job", lambda argv, title: started.append((argv, title)))
    # Without app.py: AppTest loses the navigation before each run, and with it the pressed button.
    app = AppTest.from_file(
        str(PROJECT_FOLDER / "pages/studies/page.py"), default_timeout=120
    ).run()
    app.number_input(key="study_option:correlation:tiny:seed").set_value(7)
    app.button(key="start-correlation").click().run()
    assert started == [
        (["study", "correlation", "tiny", "--seed", "7"], "Study correlation of tiny")
    ]


def test_a_small_p_value_is_not_shown_as_zero(corpus: Corpus):
    save_run(corpus, 0.00001)
    assert open_page().dataframe[0].value["measured"].tolist() == ["1e-05"]


def test_a_run_shows_its_numbers_and_plays_its_clips(corpus: Corpus):
    run = save_run(corpus, 0.25)
    app = open_page()
    assert app.subheader[0].value == "Compared with the paper"
    compared = app.dataframe[0].value
    assert compared["paper"].tolist() == ["0.016"] and "low" in compared
    notes = [element.value for element in app.markdown if element.value.startswith("- ")]
    assert r"\[me\]\(https" in notes[0] and notes[1].count("long") == 300
    assert not list_players(app)

    app.selectbox(key=f"clip:{run.id}").set_value(0).run()
    assert "beeps-0 → beeps-1" in list_players(app)[0] and len(list_players(app)) == 3
    assert {element.value.strip() for element in app.code} == {"play 60", "play 61"}


def test_a_point_and_a_row_play_their_clips(corpus: Corpus):
    run = save_run(corpus, 0.25)
    app = open_page()
    key = f"figure-{run.id}-scatter"
    app.session_state[key] = {"selection": {"points": [{"customdata": 1}]}}
    app.session_state[f"played_row:{run.id}"] = ("pairs", 1)
    app.run()
    assert not app.exception and "beeps-0 → beeps-1" in list_players(app)[0]
    filters = app.multiselect(key=f"table-{run.id}-pairs-only-half")
    filters.set_value(["b"]).run()
    assert not app.exception
    assert app.dataframe[1].value["half"].unique().tolist() == ["b"]
    assert app.dataframe[1].value.index.tolist() == [1, 3, 5, 7, 9, 11]


def test_earlier_runs_are_selectable_and_compared(corpus: Corpus):
    older, newer = save_run(corpus, 0.25), save_run(corpus, 0.75, seed=1)
    app = open_page()
    assert app.selectbox(key="run:correlation").value == newer.id
    (table,) = [element.value for element in app.dataframe if "change" in element.value]
    assert table[[older.id, newer.id, "change"]].iloc[0].tolist() == ["0.250", "0.750", "0.500"]
    (differing,) = [
        element.value for element in app.dataframe if element.value.index.name == "setting"
    ]
    assert differing.loc["seed"].to_dict() == {newer.id: "1", older.id: "0"}
    app.selectbox(key="run:correlation").set_value(older.id).run()
    assert app.dataframe[0].value["measured"].tolist() == ["0.250"]
    newest = save_run(corpus, 0.5)
    app.run()
    assert app.selectbox(key="run:correlation").value == newest.id


def test_reports_can_be_downloaded(corpus: Corpus):
    run = save_run(corpus, 0.25)
    write_study_report(corpus, [run], {"umap": "too few programs"})
    app = open_page("all")
    assert not app.exception and not app.error
    standing = app.dataframe[0].value.set_index("Study")
    assert standing.loc["Correlation", "Compared with the paper"] == "1 above the paper"
    assert standing.loc["UMAP", "Compared with the paper"] == "not run"
    labels = [element.proto.label for element in app.get("download_button")]
    assert len(labels) == 2 and labels[0].startswith("HTML report")


def test_a_damaged_run_shows_an_error_and_the_others_work(corpus: Corpus):
    whole, broken, hollow = save_run(corpus, 0.1), save_run(corpus, 0.2), save_run(corpus, 0.3)
    (broken.path / "result.json").write_text("{")
    (hollow.path / "tables" / "pairs.parquet").write_bytes(b"no table")
    app = open_page()
    assert len(app.selectbox(key="run:correlation").options) == 2
    assert "damaged" in app.error[0].value and "again" in app.error[0].value
    app.selectbox(key="run:correlation").set_value(whole.id).run()
    assert app.dataframe[0].value["measured"].tolist() == ["0.100"]
    assert json.loads((whole.path / "result.json").read_text())["notes"]


def test_a_missing_clip_is_reported(corpus: Corpus):
    run = save_run(corpus, 0.25)
    Path(corpus.load_programs()["audio"].iloc[0]).unlink()
    app = open_page()
    app.selectbox(key=f"clip:{run.id}").set_value(0).run()
    assert not app.exception and not list_players(app)
    assert any("A clip is missing" in element.value for element in app.caption)


def test_playback_options_are_those_of_the_result():
    from pages.studies.study_run_view import format_playback_instructions

    pairs = StudyTable("pairs", "All pairs", pd.DataFrame({"clips": ["a|b"]}))
    clip = ClipSequence("one", ("a",))
    figure = StudyFigure("f", "F", go.Figure(), clip_table="pairs")
    assert format_playback_instructions(StudyResult()) == ""
    assert format_playback_instructions(StudyResult(clips=[clip])) == "Choose a clip."
    assert format_playback_instructions(StudyResult(tables=[pairs], figures=[figure])) == (
        "Click a point or tick a row of a table below."
    )
    assert format_playback_instructions(
        StudyResult(clips=[clip], tables=[pairs], figures=[figure])
    ) == ("Choose a clip, click a point or tick a row of a table below.")


@pytest.mark.parametrize("label", ["Foretelling", "foretelling", "Retrieval"])
def test_bookmarks_under_an_older_label_open_the_study(corpus: Corpus, label: str):
    app = AppTest.from_file(STUDIES_PAGE, default_timeout=120)
    app.query_params["study"] = label
    app.run()
    assert not app.exception
    assert app.segmented_control(key="study").value == "retrieval"
