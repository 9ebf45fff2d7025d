"""Tests of every page in an empty, a filled and a damaged workspace."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import core.sonicpi
from core import jobs, play_history
from core.alignment import AlignmentConfig
from core.corpus import Corpus
from core.programs import Program
from core.workspace import PROJECT_FOLDER
from pages.components import corpus_and_alignment_picker, markdown_and_errors
from tests.fake_rendering import compute_fake_render_id
from tests.unit.pages.page_steps import (
    MARKDOWN_NAME,
    fill_corpus,
    find_button,
    get_text,
    list_players,
    open_alone,
    open_in_app,
    write_snippet,
)

PAGES = (
    "home",
    "generate",
    "corpus",
    "train",
    "map",
    "listen",
    "suggest",
    "compare",
    "studies",
    "jobs",
)


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


# -- an empty workspace -----------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_workspace_links_to_the_starter_corpus(page: str) -> None:
    app = open_in_app(page)
    assert not app.error
    assert app.title[0].value
    if page not in ("home", "generate", "jobs"):
        assert "no corpus yet" in get_text(app)
        assert find_button(app, "Build the starter corpus on Home")


def test_home_estimates_the_starter_corpus_and_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_STARTER_TEMPLATES", "02_1_beeps")
    monkeypatch.setenv("EARSHOT_STARTER_PER_TEMPLATE", "2")
    app = open_in_app("home")
    assert "2 programs" in get_text(app) and "free" in get_text(app)
    assert "preset is used" in get_text(app)
    find_button(app, "Build the starter corpus").click().run()
    assert not app.exception
    (job,) = jobs.list_jobs()
    try:
        assert job.argv == ("build", "starter", "--per-template", "2", "--templates", "02_1_beeps")
        assert "Build the starter corpus" in get_text(app)
        assert find_button(app, "Cancel")
    finally:
        job.cancel()
    # The cancelled job is shown, and the button that continues.
    app.run()
    assert not app.exception
    label = "Resume build" if has_starter_corpus() else "Build the starter corpus"
    assert find_button(app, label)


def has_starter_corpus() -> bool:
    from core.corpus import list_corpora
    from core.pipeline.starter_corpus_recipe import STARTER_CORPUS_NAME

    return STARTER_CORPUS_NAME in list_corpora()


# -- a filled workspace -----------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_full_workspace_shows_no_error(full_workspace: Path, page: str) -> None:
    app = open_in_app(page)
    assert not app.error and not app.warning, get_text(app)


def test_home_links_to_listen(full_workspace: Path) -> None:
    app = open_in_app("home")
    assert find_button(app, "Find clips for code")
    assert "24 programs · 1 alignment, newest: 1 · soft InfoNCE" in get_text(app)
    assert "Clips you play appear here" in get_text(app)


def test_home_shows_recently_played_clips(full_workspace: Path) -> None:
    clip = Corpus.open("tiny").load_program(Corpus.open("tiny").load_programs()["program"][3])
    play_history.record_played_clip(Path(clip["audio"]), clip["name"])
    app = open_alone("home")
    assert len(list_players(app)) == 1 and MARKDOWN_NAME not in get_text(app)
    (full_workspace / "heard" / "heard.json").unlink()
    assert not list_players(open_in_app("home"))


def test_listen_finds_clips_with_code_and_sound(full_workspace: Path) -> None:
    app = open_in_app("listen")
    assert len(list_players(app)) == 6
    assert (
        len([code for code in app.code if MARKDOWN_NAME in code.value and code.language == "ruby"])
        == 6
    )
    assert "similarity" in str([element.proto for element in app.get("markdown")])
    write_snippet(app, "")
    assert not app.exception and not list_players(app)
    assert "start from an example" in get_text(app)
    write_snippet(app, "sample :bd_haus")
    assert len(list_players(app)) == 6


def test_listen_predicts_nothing_for_code_without_a_sound(full_workspace: Path) -> None:
    app = open_in_app("listen")
    write_snippet(app, "for i in range(3):\n    print(i)")
    assert not app.exception and not list_players(app)
    assert "Nothing in this code would sound" in get_text(app)
    write_snippet(app, "play 60\nplay 62,,")
    assert len(list_players(app)) == 6
    assert "predicted from the part before it" in get_text(app)


def test_listen_takes_an_example_and_finds_more(full_workspace: Path) -> None:
    app = open_in_app("listen")
    app.selectbox(key="example").set_value("Slow chords").run()
    assert ":prophet" in app.session_state["snippet"]
    app.select_slider(key="neighbour_count").set_value(10).run()
    assert len(list_players(app)) == 10


def test_the_snippet_survives_a_visit_to_another_page(full_workspace: Path) -> None:
    app = open_in_app("listen")
    write_snippet(app, "play 61")
    app.switch_page("pages/train/page.py").run()
    app.switch_page("pages/listen/page.py").run()
    assert app.session_state["snippet"] == "play 61"


def test_the_map_contains_no_code_and_a_click_opens_the_card(full_workspace: Path) -> None:
    app = open_in_app("map")
    chart = app.get("plotly_chart")[0].proto
    figure = json.loads(chart.spec)
    assert "play 4" not in chart.spec
    assert len(figure["data"]) == 4
    # The overlay's callback runs only in a browser; it writes the URL.
    program = Corpus.open("tiny").load_programs()["program"][3]
    app.query_params["program"] = program
    app.run()
    assert not app.exception
    assert len(list_players(app)) == 1
    assert any(code.value.startswith("play 43") for code in app.code)
    lines = [button for button in app.button if str(button.key).startswith("neighbour-line-")]
    assert len(lines) == 5
    lines[0].click().run()
    assert not app.exception
    assert app.query_params["program"] != [program]
    find_button(app, "").click().run()
    assert not list_players(app)


@pytest.mark.parametrize("colour", ["role", "template", "split", "error", "parameter:note"])
def test_the_map_takes_other_colours(full_workspace: Path, colour: str) -> None:
    app = open_in_app("map")
    app.selectbox(key="colour").set_value(colour).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1


def set_expanded(app: AppTest, key: str, is_open: bool = True) -> None:
    app.session_state[key] = is_open
    app.run()
    assert not app.exception


def test_train_shows_results_and_starts_the_chosen_training(full_workspace: Path) -> None:
    app = open_alone("train")
    assert "excluded from training" in get_text(app)
    drawn = {}
    for tab in ("Training", "All metrics", "Before and after"):
        app.session_state["results"] = tab
        app.run()
        drawn[tab] = [element.proto.id for element in app.get("plotly_chart")]
        if tab == "All metrics":
            metrics = app.dataframe[0].value
    assert [len(chart_ids) for chart_ids in drawn.values()] == [1, 0, 1]
    assert "curves" in drawn["Training"][0] and "metric-comparison" in drawn["Before and after"][0]
    assert list(metrics.columns) == ["Metric", "Before", "After, aligned audio", "After, raw audio"]
    app.segmented_control(key="train:method").set_value("soft_infonce").run()
    app.radio(key="train:objective").set_value("weighted_infonce")
    app.number_input(key="train:epochs").set_value(7)
    find_button(app, "Train").click().run()
    assert not app.exception
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == (
        *("train", "tiny", "--method", "soft-infonce"),
        *("--objective", "weighted_infonce", "--epochs", "7"),
    )


def test_train_trains_for_prediction_and_for_the_map_by_default(full_workspace: Path) -> None:
    app = open_alone("train")
    assert "kernel ridge for predictions on Listen, InfoNCE for the map" in get_text(app)
    find_button(app, "Train").click().run()
    assert not app.exception
    job = jobs.list_jobs()[0]
    job.cancel()
    assert (job.argv, job.title) == (("train", "tiny"), "Train alignments of tiny")


def test_train_names_the_three_default_trainings_of_a_corpus_of_sonicpi(
    empty_workspace: Path,
) -> None:
    corpus = Corpus.create("plain")
    corpus.set_corpus_setting("encoders", {"code": "sonicpi", "audio": "log-mel"})
    app = open_alone("train")
    assert not app.exception
    assert "joint kernel ridge for predictions on Listen, kernel ridge for Suggest" in get_text(app)


@pytest.mark.parametrize("label", ["1 · soft targets", "1 · soft InfoNCE"])
def test_bookmarks_under_an_older_label_open_the_alignment(
    full_workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, label: str
) -> None:
    shutil.copytree(full_workspace, tmp_path / "copy")
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "copy"))
    folder = tmp_path / "copy" / "corpora" / "tiny" / "alignments"
    (older,) = [path for path in folder.iterdir() if path.is_dir()]
    shutil.copytree(older, folder / older.name.replace("0001-", "0002-"))
    app = AppTest.from_file(str(PROJECT_FOLDER / "pages/train/page.py"), default_timeout=120)
    app.query_params["alignment"] = label
    app.run()
    assert not app.exception
    assert app.selectbox(key="alignment").value == older.name


def test_train_lists_and_compares_alignments(full_workspace: Path) -> None:
    app = open_alone("train")
    app.button_group(key="view").set_value("Side by side").run()
    assert app.dataframe[0].value["Alignment"].tolist() == ["1 · soft InfoNCE"]
    assert "Train a second alignment" in get_text(app)
    first = Corpus.open("tiny").load_newest_alignment()
    other = dataclasses.replace(
        first,
        id="0002-other",
        config={
            **first.config,
            "alignment": {
                **first.config["alignment"],
                "temperature": 0.5,
                "objective": "infonce",
            },
        },
    )
    from core.pipeline.trained_alignment_comparison import build_alignment_comparison_table

    table = build_alignment_comparison_table(
        {
            corpus_and_alignment_picker.format_alignment_label(alignment): alignment
            for alignment in (first, other)
        }
    )
    assert list(table.columns) == ["1 · soft InfoNCE", "2 · InfoNCE"]
    assert table.loc["Temperature"].tolist() == ["0.2", "0.5"]
    assert "Layers" not in table.index and "Debiased CKA after" in table.index
    assert not app.exception


def test_train_warns_where_two_alignments_were_evaluated_on_different_programs(
    trained_workspace: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_workspace / "corpora", tmp_path / "corpora")
    corpus = Corpus.open("tiny")
    first = corpus.load_newest_alignment()
    split = {**first.config["split"], "unseen_templates": ["another"]}
    history = first.load_training_history()
    config = {**first.config, "split": split}
    corpus.save_alignment(config, first.load_projection_head_weights(), first.metrics, history)
    app = open_alone("train")
    app.button_group(key="view").set_value("Side by side").run()
    assert any("different templates were held out" in item.value for item in app.warning)
    find_button(app, "Evaluate on the same programs").click().run()
    assert not app.exception
    text = get_text(app)
    assert "which none of these alignments was trained on" in text or "are needed" in text


def test_train_starts_a_sweep_after_an_estimate(full_workspace: Path) -> None:
    app = open_alone("train")
    app.button_group(key="view").set_value("Sweep").run()
    assert "24 configurations, 5 seeds each" in get_text(app)
    assert "No sweep of this corpus yet" in get_text(app)
    app.selectbox(key="sweep:grid").set_value("ablation")
    app.number_input(key="sweep:seeds").set_value(2)
    find_button(app, "Start the sweep").click().run()
    assert not app.exception
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == ("sweep", "tiny", "--grid", "ablation", "--seeds", "2")


def test_each_training_method_has_its_own_defaults(full_workspace: Path) -> None:
    app = open_alone("train")
    app.segmented_control(key="train:method").set_value("infonce").run()
    assert app.radio(key="train:infonce:objective").value == "infonce"
    set_expanded(app, "more_settings")
    app.number_input(key="train:infonce:cka_weight").set_value(0.5)
    app.number_input(key="train:infonce:whitening_components").set_value(64).run()
    set_expanded(app, "more_settings", False)  # Values of a closed expander still count.
    assert "train:infonce:whitening_components" not in [element.key for element in app.number_input]
    find_button(app, "Train").click().run()
    assert not app.exception
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == (
        "train",
        "tiny",
        "--method",
        "infonce",
        "--whitening-components",
        "64",
        "--cka-weight",
        "0.5",
    )


def test_every_field_of_the_config_has_a_control(full_workspace: Path) -> None:
    app = open_alone("train")
    app.segmented_control(key="train:method").set_value("soft_infonce").run()
    set_expanded(app, "more_settings")
    kinds = ("radio", "number_input", "segmented_control", "toggle")
    keys = {element.key for kind in kinds for element in app.get(kind)} - {None}
    fields = {key.removeprefix("train:") for key in keys if key.startswith("train:")}
    assert fields == set(AlignmentConfig().to_dict()) | {"method"}


def test_another_encoder_needs_embeddings_before_training(full_workspace: Path) -> None:
    app = open_alone("train")
    set_expanded(app, "encoders")
    app.selectbox(key="encoder:tiny:audio").set_value("log-mel").run()
    set_expanded(app, "encoders", False)
    assert find_button(app, "Train").disabled
    assert "not embedded by log" in get_text(app)
    find_button(app, "Embed corpus").click().run()
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == ("embed", "tiny", "--audio-encoder", "log-mel")


def test_train_holds_out_whole_templates(full_workspace: Path) -> None:
    app = open_alone("train")
    app.multiselect(key="holdout:tiny").set_value(["02_1_beeps"])
    find_button(app, "Train").click().run()
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == ("train", "tiny", "--unseen-templates", "02_1_beeps")


def test_an_alignment_without_metrics_can_be_evaluated(
    trained_workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained_workspace, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    record = Corpus.open("tiny").load_newest_alignment()
    (record.path / "metrics.json").write_text("{}")
    app = open_in_app("train")
    assert "This alignment has no training history" in get_text(app)
    assert find_button(app, "Evaluate")
    app.segmented_control(key="view").set_value("Side by side").run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 1


# -- a damaged or unfinished workspace --------------------------------------------------------


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("generate", "jobs")])
def test_a_damaged_corpus_shows_an_error(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "broken"
    folder.mkdir(parents=True)
    (folder / "corpus.sqlite").write_bytes(b"not a database at all" * 1000)
    app = open_in_app(page)
    assert app.error
    assert "broken" in app.error[0].value


def test_a_corpus_without_an_alignment_links_to_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core.sonicpi, "compute_render_id", compute_fake_render_id)
    fill_corpus(Corpus.create("tiny", seconds=0.5))
    assert find_button(open_in_app("home"), "Train on tiny")
    for page in ("map", "listen", "compare"):
        assert find_button(open_in_app(page), "Train an alignment")


def test_an_unfinished_corpus_is_finished_first(tmp_path: Path) -> None:
    Corpus.create("tiny").add_programs([Program("play 60\n", "one"), Program("play 61\n", "two")])
    app = open_in_app("home")
    assert "2 programs are not rendered yet" in get_text(app)
    assert find_button(app, "Resume build")


def test_a_missing_clip_shows_its_remedy(trained_workspace: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(trained_workspace / "corpora", tmp_path / "corpora")
    shutil.rmtree(tmp_path / "corpora/tiny/audio")
    app = open_in_app("listen")
    assert not list_players(app)
    assert "Build the corpus again" in get_text(app)


# -- formatting -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["[a](b)", "**bold**", "$x$", ":red[x]", "<b>", "# title", "`code`", "a_b_c", "1. x"]
)
def test_escaped_text_is_shown_unchanged(text: str) -> None:
    from markdown_it import MarkdownIt

    shown = MarkdownIt().render(markdown_and_errors.escape_markdown(text))
    assert shown.strip() == f"<p>{text.replace('<', '&lt;').replace('>', '&gt;')}</p>"


def test_long_text_is_cut_and_lines_are_joined() -> None:
    assert markdown_and_errors.escape_markdown("a\nb") == "a b"
    assert len(markdown_and_errors.escape_markdown("x" * 5000)) < 700


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (3, "a few seconds"),
        (44, "about 40 s"),
        (130, "about 2 min"),
        (7200, "about 2.0 h"),
    ],
)
def test_durations_are_formatted_roughly(seconds: float | None, text: str) -> None:
    assert markdown_and_errors.format_duration(seconds) == text
