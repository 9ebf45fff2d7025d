"""The page Studies in its states: no corpus, no run, runs to read, hear and compare, damage."""

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
from core.studies import store
from core.studies.clips import make_workspace_relative
from core.studies.report import write_report
from core.studies.result import (
    ClipSequence,
    Measurement,
    StudyFigure,
    StudyResult,
    StudyTable,
    compare_to_paper,
)
from core.workspace import PROJECT_FOLDER
from tests.unit.pages.page_steps import NASTY

ABOUT = {"study": "correlation", "title": "Distances", "question": "Do they agree?"}
pytestmark = pytest.mark.usefixtures("apart")


@pytest.fixture
def corpus() -> Corpus:
    """Two programs with a clip of half a second each."""
    made = Corpus.create("tiny", seconds=0.5)
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
    made.add_programs(programs)
    for number, program in enumerate(programs):
        wave = np.full((22_050, 2), 0.1 + 0.1 * number, np.float32)
        made.put_rendering(program.id, RenderResult(Clip(wave)), 0.1)
    return made


def save(corpus: Corpus, measured: float, seed: int = 0) -> store.StudyRun:
    clips = [make_workspace_relative(path) for path in corpus.load_programs()["audio"]]
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
        published_id="correlation.pearson",
    )
    figure = go.Figure(go.Scatter(x=[0.0, 1.0], y=[1.0, 0.0], customdata=[0, 1], mode="markers"))
    return store.save_run(
        corpus,
        ABOUT,
        StudyResult(
            comparison=compare_to_paper([measurement]),
            tables=[StudyTable("pairs", "All pairs", pairs, "Cosine distances.")],
            figures=[StudyFigure("scatter", "All pairs", figure, "A point is a pair.", clip_table="pairs")],
            clips=[
                ClipSequence(f"both {NASTY}", tuple(clips), ("beeps-0", "beeps-1"), ("play 60", "play 61"))
            ],
            notes=[NASTY, "long " * 300],
            settings={"seed": seed, "corpus": {"name": "tiny"}, "versions": {"python": "3"}},
        ),
    )


def opened(name: str = "correlation") -> AppTest:
    app = AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=120).run()
    app.switch_page("pages/studies/page.py").run()
    if name != "correlation":
        app.segmented_control(key="study").set_value(name).run()
    assert not app.exception, app.exception
    return app


def players(app: AppTest) -> list[str]:
    return [each.proto.body for each in app.get("html") if 'class="player"' in each.proto.body]


def test_without_a_corpus_it_leads_to_one():
    assert "no corpus yet" in opened().info[0].value


def test_before_any_run_each_study_says_what_it_asks_and_offers_to_run(corpus: Corpus):
    app = opened()
    names = app.segmented_control(key="study").options
    assert {"Correlation", "Completion", "UMAP", "All"} <= set(names)
    for name in names:
        app.segmented_control(key="study").set_value(name.lower()).run()
        assert not app.exception and not app.error, name
        assert any(button.key == f"start-{name.lower()}" for button in app.button), name


def test_settings_become_the_commands_options(corpus: Corpus, monkeypatch: pytest.MonkeyPatch):
    started = []
    monkeypatch.setattr(jobs, "start_job", lambda argv, title: started.append((argv, title)))
    # Without app.py: AppTest forgets the navigation, and with it a button that was pressed.
    app = AppTest.from_file(str(PROJECT_FOLDER / "pages/studies/page.py"), default_timeout=120).run()
    app.number_input(key="set:correlation:tiny:seed").set_value(7)
    app.button(key="start-correlation").click().run()
    assert started == [
        (["study", "correlation", "tiny", "--seed", "7"], "Study correlation of tiny")
    ]


def test_a_small_p_value_is_not_shown_as_nothing(corpus: Corpus):
    save(corpus, 0.00001)
    assert opened().dataframe[0].value["measured"].tolist() == ["1e-05"]


def test_a_run_is_read_and_heard(corpus: Corpus):
    run = save(corpus, 0.25)
    app = opened()
    assert app.subheader[0].value == "Beside the paper: 1 above"
    compared = app.dataframe[0].value
    assert compared["paper"].tolist() == ["0.016"] and "low" not in compared
    notes = [each.value for each in app.markdown if each.value.startswith("- ")]
    assert r"\[me\]\(https" in notes[0] and notes[1].count("long") == 300
    assert not players(app)

    app.selectbox(key=f"hear-{run.id}").set_value(0).run()
    assert "beeps-0 → beeps-1" in players(app)[0] and len(players(app)) == 3
    assert {each.value.strip() for each in app.code} == {"play 60", "play 61"}


def test_a_point_and_a_row_play_what_they_stand_for(corpus: Corpus):
    run = save(corpus, 0.25)
    app = opened()
    key = f"figure-{run.id}-scatter"
    app.session_state[key] = {"selection": {"points": [{"customdata": 1}]}}
    app.session_state[f"heard-{run.id}"] = ("pairs", 1)
    app.run()
    assert not app.exception and "beeps-0 → beeps-1" in players(app)[0]
    filters = app.multiselect(key=f"table-{run.id}-pairs-only-half")
    filters.set_value(["b"]).run()
    assert not app.exception
    assert app.dataframe[1].value["half"].unique().tolist() == ["b"]
    assert app.dataframe[1].value.index.tolist() == [1, 3, 5, 7, 9, 11]


def test_earlier_runs_stay_and_are_compared(corpus: Corpus):
    older, newer = save(corpus, 0.25), save(corpus, 0.75, seed=1)
    app = opened()
    assert app.selectbox(key="run-correlation").value == newer.id
    (table,) = [each.value for each in app.dataframe if "change" in each.value]
    assert table[[older.id, newer.id, "change"]].iloc[0].tolist() == ["0.250", "0.750", "0.500"]
    (differing,) = [each.value for each in app.dataframe if each.value.index.name == "setting"]
    assert differing.loc["seed"].to_dict() == {newer.id: "1", older.id: "0"}
    app.selectbox(key="run-correlation").set_value(older.id).run()
    assert app.dataframe[0].value["measured"].tolist() == ["0.250"]
    newest = save(corpus, 0.5)
    app.run()
    assert app.selectbox(key="run-correlation").value == newest.id


def test_reports_are_offered(corpus: Corpus):
    run = save(corpus, 0.25)
    write_report(corpus, [run], {"umap": "too few programs"})
    app = opened("all")
    assert not app.exception and not app.error
    standing = app.dataframe[0].value.set_index("Study")
    assert standing.loc["Correlation", "Beside the paper"] == "1 above the paper"
    assert standing.loc["UMAP", "Beside the paper"] == "not run yet"
    labels = [each.proto.label for each in app.get("download_button")]
    assert len(labels) == 2 and labels[0].startswith("The page")


def test_what_is_damaged_is_said_and_the_rest_stays(corpus: Corpus):
    whole, broken, hollow = save(corpus, 0.1), save(corpus, 0.2), save(corpus, 0.3)
    (broken.path / "result.json").write_text("{")
    (hollow.path / "tables" / "pairs.parquet").write_bytes(b"no table")
    app = opened()
    assert len(app.selectbox(key="run-correlation").options) == 2
    assert "damaged" in app.error[0].value and "again" in app.error[0].value
    app.selectbox(key="run-correlation").set_value(whole.id).run()
    assert app.dataframe[0].value["measured"].tolist() == ["0.100"]
    assert json.loads((whole.path / "result.json").read_text())["notes"]


def test_a_clip_that_is_gone_is_said(corpus: Corpus):
    run = save(corpus, 0.25)
    Path(corpus.load_programs()["audio"].iloc[0]).unlink()
    app = opened()
    app.selectbox(key=f"hear-{run.id}").set_value(0).run()
    assert not app.exception and not players(app)
    assert any("not there any more" in each.value for each in app.caption)


def test_ways_to_hear_are_those_that_there_are():
    from pages.studies.study_view import describe_playback_options

    pairs = StudyTable("pairs", "All pairs", pd.DataFrame({"clips": ["a|b"]}))
    clip = ClipSequence("one", ("a",))
    figure = StudyFigure("f", "F", go.Figure(), clip_table="pairs")
    assert describe_playback_options(StudyResult()) == ""
    assert describe_playback_options(StudyResult(clips=[clip])) == "Choose here."
    assert describe_playback_options(StudyResult(tables=[pairs], figures=[figure])) == (
        "Click a point or tick a row of a table below."
    )
    assert describe_playback_options(StudyResult(clips=[clip], tables=[pairs], figures=[figure])) == (
        "Choose here, click a point or tick a row of a table below."
    )
