"""Tests of the page Corpus: its table, cards and dialogs."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.corpus import Corpus, list_corpora
from core.pipeline.user_sample_folders import list_corpus_sample_folders
from core.programs import Program
from core.search import sound_property_forecast_columns
from core.sonicpi import Clip, RenderProblem, RenderResult
from core.workspace import PROJECT_FOLDER

BROKEN = "play 60\nsleep 1\nplay [oops](https://example.org)\n"
pytestmark = pytest.mark.usefixtures("empty_workspace")


@pytest.fixture
def corpus() -> Corpus:
    """Twelve programs with a clip, one that failed and one that is pending."""
    tiny = Corpus.create("tiny", seconds=0.5)
    programs = [
        Program(
            f"play {40 + number}\n",
            f"beeps-{number:04d}",
            "02_1_beeps",
            "melody",
            {"amp": number / 10, "synth": ("saw", "sine")[number % 2]},
            0,
        )
        for number in range(12)
    ]
    broken, waiting = Program(BROKEN, "broken"), Program("play 70\n", "waiting")
    tiny.add_programs([*programs, broken, waiting])
    rng = np.random.default_rng(0)
    for program in programs:
        samples = rng.uniform(-0.5, 0.5, (22_050, 2)).astype(np.float32)
        tiny.store_render_result(program.id, RenderResult(Clip(samples)), 0.5)
    problem = RenderProblem("runtime", "undefined method [oops](https://example.org)", 3)
    tiny.store_render_result(broken.id, RenderResult(None, problem), 0.5)
    return tiny


def open_in_app(program: str | None = None) -> AppTest:
    app = AppTest.from_file(str(PROJECT_FOLDER / "app.py"), default_timeout=120)
    if program:
        app.query_params["program"] = program
    app.run()
    app.switch_page("pages/corpus/page.py").run()
    assert not app.exception, app.exception
    return app


def open_alone() -> AppTest:
    """Open the page without app.py, whose navigation AppTest loses before each run."""
    app = AppTest.from_file(str(PROJECT_FOLDER / "pages/corpus/page.py"), default_timeout=120).run()
    assert not app.exception, app.exception
    return app


def find_program_id(corpus: Corpus, name: str) -> str:
    rows = corpus.load_programs()
    return rows.loc[rows["name"] == name, "program"].iloc[0]


def get_text(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def test_the_table_lists_all_programs_with_their_state(corpus: Corpus) -> None:
    app = open_in_app()
    table = app.dataframe[0].value
    assert table["Name"].tolist() == corpus.load_programs()["name"].tolist()
    assert table["State"].value_counts().to_dict() == {
        "With a clip": 12,
        "Failed": 1,
        "Not rendered yet": 1,
    }
    rms = corpus.load_programs()["rms"].iloc[0]
    assert table["Level"].iloc[0] == pytest.approx(20 * np.log10(rms))
    assert "14 of 14 programs" in get_text(app) and "1 runtime" in get_text(app)


def test_forecasts_are_columns_of_the_table_and_can_be_compared(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        sound_property_forecast_columns,
        "forecast_corpus_programs",
        lambda _, program_ids: pd.DataFrame(
            {"forecast_loudness": np.arange(len(program_ids), dtype=float) - 20}
        ),
    )
    app = open_in_app()
    assert app.dataframe[0].value["Loudness"].tolist()[:3] == [-20, -19, -18]
    app.text_input(key="filter:text").set_value("forecast_loudness<-18").run()
    assert app.dataframe[0].value["Loudness"].tolist() == [-20, -19]
    assert not app.warning


def test_filters_narrow_the_table_and_clear(corpus: Corpus) -> None:
    app = open_in_app()
    app.multiselect(key="filter:states").set_value(["failed"]).run()
    table = app.dataframe[0].value
    assert table["Name"].tolist() == ["broken"]
    assert table["Line"].tolist() == [3]
    assert "undefined method" in table["Error"].iloc[0]
    app.multiselect(key="filter:states").set_value([])
    app.text_input(key="filter:text").set_value("amp>0.5 synth=saw").run()
    assert app.dataframe[0].value["Name"].tolist() == ["beeps-0006", "beeps-0008", "beeps-0010"]
    app.multiselect(key="filter:parameters").set_value(["amp", "synth"]).run()
    app.slider(key="filter:value:amp").set_value((0.3, 0.8))
    app.multiselect(key="filter:value:synth").set_value(["saw"]).run()
    assert app.dataframe[0].value["Name"].tolist() == ["beeps-0006", "beeps-0008"]
    app.text_input(key="filter:text").set_value("nothing like that").run()
    assert not app.dataframe
    press(app, "Clear the filters")
    assert len(app.dataframe[0].value) == 14


def test_a_program_with_an_error_in_a_thread_is_found_and_shows_it(corpus: Corpus) -> None:
    program_id = find_program_id(corpus, "waiting")
    error = RenderProblem("runtime", "divided by [0](https://example.org)", 1, seconds=0.25)
    clip = Clip(np.full((22_050, 2), 0.1, np.float32))
    corpus.store_render_result(program_id, RenderResult(clip, warnings=(error,)), 0.5)
    app = open_in_app(program_id)
    text = app.warning[0].value.replace("\\", "")
    assert "line 1, at 0.25 s: divided by" in text and "[0](" not in app.warning[0].value
    app.multiselect(key="filter:warnings").set_value(["runtime"]).run()
    table = app.dataframe[0].value
    assert table["Name"].tolist() == ["waiting"] and table["Line"].tolist() == [1]
    assert table["Error"].iloc[0].startswith("runtime: divided by")
    app.multiselect(key="filter:warnings").set_value([]).run()
    assert len(app.dataframe[0].value) == 14


def test_a_selected_program_shows_its_clip_and_code(corpus: Corpus) -> None:
    app = open_in_app(find_program_id(corpus, "beeps-0003"))
    assert (
        len([element for element in app.get("html") if 'class="player"' in element.proto.body]) == 1
    )
    assert len(app.get("plotly_chart")) == 1
    assert app.code[0].value.strip() == "play 43"
    press(app, "")
    assert not app.get("plotly_chart") and "Select a row" in get_text(app)


def test_a_failed_program_shows_its_error_and_line(corpus: Corpus) -> None:
    app = open_in_app(find_program_id(corpus, "broken"))
    assert "Line 3" in app.error[0].value and "runtime" in app.error[0].value
    assert "[oops](" not in app.error[0].value  # Escaped: it is text, not a link.
    assert app.code[0].value == BROKEN.splitlines()[2]
    assert not app.get("plotly_chart")


def test_a_pending_and_an_unknown_program_are_reported(corpus: Corpus) -> None:
    assert "not rendered yet" in get_text(open_in_app(find_program_id(corpus, "waiting")))
    app = open_in_app("0" * 32)
    assert "holds no program" in app.error[0].value


def test_a_corpus_without_programs_links_to_generate() -> None:
    Corpus.create("hollow")
    assert "has no programs" in get_text(open_in_app())


def open_dialog(name: str) -> AppTest:
    """Open one of the page's dialogs by a script of its own.

    A press inside a dialog makes AppTest run the whole page again. The button that opened the
    dialog is then no longer pressed.
    """
    script = f"""
        from core.corpus import Corpus, list_corpora
        from pages.corpus import corpus_actions

        if "tiny" in list_corpora():
            corpus_actions.open_{name}_dialog(Corpus.open("tiny"))
    """
    app = AppTest.from_string(textwrap.dedent(script), default_timeout=120).run()
    assert not app.exception, app.exception
    return app


def test_deletion_lists_the_contents_and_asks(corpus: Corpus) -> None:
    app = press(open_alone(), "Delete")
    for part in ("tiny", "14 programs", "12 clips", "0 embeddings", "0 alignments"):
        assert part in get_text(app)
    press(open_dialog("corpus_deletion"), "Cancel")
    assert list_corpora() == ["tiny"]
    press(open_dialog("corpus_deletion"), "Delete tiny")
    assert list_corpora() == []
    assert "no corpus yet" in get_text(open_alone())


@pytest.mark.parametrize(
    ("name", "argv"),
    [
        ("export", ("export", "tiny", "--format", "zip", "--out")),
        ("check", ("check", "tiny")),
    ],
)
def test_export_and_check_run_as_jobs(corpus: Corpus, name: str, argv: tuple[str, ...]) -> None:
    press(open_alone(), name.capitalize())
    app = open_dialog(f"corpus_{name}")
    app.button(key=f"confirm-{name}").click().run()
    assert not app.exception, app.exception
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv[: len(argv)] == argv


def test_sample_folders_are_checked_and_stored(corpus: Corpus, tmp_path: Path) -> None:
    press(open_alone(), "Samples")
    script = """
        from core.corpus import Corpus
        from pages.corpus.sample_folder_controls import open_sample_folder_dialog

        open_sample_folder_dialog(Corpus.open("tiny"))
    """
    app = AppTest.from_string(textwrap.dedent(script), default_timeout=120).run()
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "tone.wav").write_bytes(b"RIFF")
    app.text_area(key="sample-folders").input(f"{first}\n{tmp_path / 'missing'}")
    press(app, "Save and render")
    assert "There is no such folder" in get_text(app)
    assert list_corpus_sample_folders(Corpus.open("tiny")) == () and jobs.list_jobs() == []
    app.text_area(key="sample-folders").input(f" {first} \n\n{second}\n")
    press(app, "Save and render")
    assert list_corpus_sample_folders(Corpus.open("tiny")) == (first, second)
    (job,) = jobs.list_jobs()
    job.cancel()
    assert job.argv == ("build", "tiny", "--resume")


def test_the_data_card_is_shown(corpus: Corpus) -> None:
    app = press(open_alone(), "Data card")
    assert any("14 programs" in element.value for element in app.markdown)
    tables = [element.value for element in app.dataframe]
    assert any("licence" in table and "of" in table for table in tables)
    assert any(
        "programs" in table and table["programs"].astype(int).sum() == 14 for table in tables
    )
    assert [button.label for button in app.get("download_button")] == ["Download"]
