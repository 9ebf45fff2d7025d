"""Every page in its states: nothing there, something there, something damaged."""

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
from core.pipeline import starter_corpus
from core.programs import Program
from core.workspace import PROJECT_FOLDER
from pages.components import formatting, selection
from tests.unit.pages.page_steps import (
    NASTY,
    alone,
    button,
    digest,
    fill,
    opened,
    players,
    words,
    write,
)

PAGES = ("home", "generate", "corpus", "train", "map", "listen", "compare", "studies", "jobs")


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


# -- nothing there ----------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_workspace_leads_on(page: str) -> None:
    app = opened(page)
    assert not app.error
    assert app.title[0].value
    if page not in ("home", "generate", "jobs"):
        assert "no corpus yet" in words(app)
        assert button(app, "Build the starter corpus on Home")


def test_home_estimates_the_starter_corpus_and_starts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_STARTER_TEMPLATES", "02_1_beeps")
    monkeypatch.setenv("EARSHOT_STARTER_PER_TEMPLATE", "2")
    app = opened("home")
    assert "2 programs" in words(app) and "free" in words(app)
    assert "preset is used" in words(app)
    button(app, "Build the starter corpus").click().run()
    assert not app.exception
    (job,) = jobs.list_jobs()
    try:
        assert job.argv == ("build", "starter", "--per-template", "2", "--templates", "02_1_beeps")
        assert "Build the starter corpus" in words(app)
        assert button(app, "Cancel")
    finally:
        job.cancel()
    # What was cancelled is shown with the way to go on.
    app.run()
    assert not app.exception
    assert button(app, "Build the starter corpus" if not starter_there() else "Resume build")


def starter_there() -> bool:
    from core.corpus import list_corpora

    return starter_corpus.STARTER_CORPUS_NAME in list_corpora()


def test_the_starter_corpus_is_all_templates_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("EARSHOT_STARTER_TEMPLATES", raising=False)
    monkeypatch.delenv("EARSHOT_STARTER_PER_TEMPLATE", raising=False)
    assert starter_corpus.create_starter_recipe().program_count == 27 * 8
    assert starter_corpus.create_starter_recipe().build_argv == (
        "build",
        "starter",
        "--per-template",
        "8",
    )


# -- something there --------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_full_workspace_shows_no_error(full: Path, page: str) -> None:
    app = opened(page)
    assert not app.error and not app.warning, words(app)


def test_home_leads_to_listening(full: Path) -> None:
    app = opened("home")
    assert button(app, "Find clips for code")
    assert "24 programs · 1 alignment, newest: 1 · soft InfoNCE" in words(app)
    assert "Clips you play appear here" in words(app)


def test_home_plays_what_was_heard_last_and_leads_to_it(full: Path) -> None:
    clip = Corpus.open("tiny").load_program(Corpus.open("tiny").load_programs()["program"][3])
    play_history.record_played_clip(Path(clip["audio"]), clip["name"])
    app = alone("home")
    assert len(players(app)) == 1 and NASTY not in words(app)
    (full / "heard" / "heard.json").unlink()
    assert not players(opened("home"))


def test_listen_finds_clips_with_code_and_sound(full: Path) -> None:
    app = opened("listen")
    assert len(players(app)) == 5
    assert len([code for code in app.code if NASTY in code.value and code.language == "ruby"]) == 5
    assert "similarity" in str([each.proto for each in app.get("markdown")])
    write(app, "")
    assert not app.exception and not players(app)
    assert "start from an example" in words(app)
    write(app, "sample :bd_haus")
    assert len(players(app)) == 5


def test_listen_takes_an_example_and_finds_more(full: Path) -> None:
    app = opened("listen")
    app.selectbox(key="example").set_value("Slow chords").run()
    assert ":prophet" in app.session_state["snippet"]
    app.select_slider(key="neighbour_count").set_value(10).run()
    assert len(players(app)) == 10


def test_what_was_typed_survives_another_page(full: Path) -> None:
    app = opened("listen")
    write(app, "play 61")
    app.switch_page("pages/train/page.py").run()
    app.switch_page("pages/listen/page.py").run()
    assert app.session_state["snippet"] == "play 61"


def test_the_map_holds_no_code_and_a_pick_opens_the_card(full: Path) -> None:
    app = opened("map")
    chart = app.get("plotly_chart")[0].proto
    figure = json.loads(chart.spec)
    assert "play 4" not in chart.spec
    assert len(figure["data"]) == 4
    # The chart's callback runs in a browser only; the address is what it writes.
    program = Corpus.open("tiny").load_programs()["program"][3]
    app.query_params["program"] = program
    app.run()
    assert not app.exception
    assert len(players(app)) == 1
    assert any(code.value.startswith("play 43") for code in app.code)
    near = [each for each in app.button if each.key and each.key.startswith("neighbour-line-")]
    assert len(near) == 5
    near[0].click().run()
    assert not app.exception
    assert app.query_params["program"] != [program]
    button(app, "").click().run()
    assert not players(app)


@pytest.mark.parametrize("colour", ["role", "template", "split", "error", "parameter:note"])
def test_the_map_takes_other_colours(full: Path, colour: str) -> None:
    app = opened("map")
    app.selectbox(key="colour").set_value(colour).run()
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1


def unfold(app: AppTest, key: str, opened: bool = True) -> None:
    app.session_state[key] = opened
    app.run()
    assert not app.exception


def test_train_shows_before_and_after_and_starts_what_was_chosen(full: Path) -> None:
    app = alone("train")
    assert "excluded from training" in words(app)
    drawn = {}
    for tab in ("Training", "All metrics", "Before and after"):
        app.session_state["results"] = tab
        app.run()
        drawn[tab] = [each.proto.id for each in app.get("plotly_chart")]
        if tab == "All metrics":
            metrics = app.dataframe[0].value
    assert [len(each) for each in drawn.values()] == [1, 0, 1]
    assert "curves" in drawn["Training"][0] and "metric-comparison" in drawn["Before and after"][0]
    assert list(metrics.columns) == ["Metric", "Before", "After, aligned audio", "After, raw audio"]
    app.radio(key="train:objective").set_value("weighted_infonce")
    app.number_input(key="train:epochs").set_value(7)
    button(app, "Train").click().run()
    assert not app.exception
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == ("train", "tiny", "--objective", "weighted_infonce", "--epochs", "7")


@pytest.mark.parametrize("label", ["1 · soft targets", "1 · soft InfoNCE"])
def test_bookmarks_under_an_older_label_open_the_alignment(
    full: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, label: str
) -> None:
    shutil.copytree(full, tmp_path / "copy")
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path / "copy"))
    folder = tmp_path / "copy" / "corpora" / "tiny" / "alignments"
    (older,) = [path for path in folder.iterdir() if path.is_dir()]
    shutil.copytree(older, folder / older.name.replace("0001-", "0002-"))
    app = AppTest.from_file(str(PROJECT_FOLDER / "pages/train/page.py"), default_timeout=120)
    app.query_params["alignment"] = label
    app.run()
    assert not app.exception
    assert app.selectbox(key="alignment").value == older.name


def test_train_lists_alignments_and_lays_them_side_by_side(full: Path) -> None:
    app = alone("train")
    app.button_group(key="view").set_value("Side by side").run()
    assert app.dataframe[0].value["Alignment"].tolist() == ["1 · soft InfoNCE"]
    assert "Train a second alignment" in words(app)
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
    from core.pipeline.alignment_comparison import build_comparison_table

    table = build_comparison_table(
        {selection.format_alignment_label(each): each for each in (first, other)}
    )
    assert list(table.columns) == ["1 · soft InfoNCE", "2 · InfoNCE"]
    assert table.loc["Temperature"].tolist() == ["0.2", "0.5"]
    assert "Layers" not in table.index and "CKA after" in table.index
    assert not app.exception


def test_train_starts_a_sweep_after_an_estimate(full: Path) -> None:
    app = alone("train")
    app.button_group(key="view").set_value("Sweep").run()
    assert "24 configurations, 5 seeds each" in words(app)
    assert "No sweep of this corpus yet" in words(app)
    app.selectbox(key="sweep:grid").set_value("ablation")
    app.number_input(key="sweep:seeds").set_value(2)
    button(app, "Start the sweep").click().run()
    assert not app.exception
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == ("sweep", "tiny", "--grid", "ablation", "--seeds", "2")


def test_train_by_the_papers_method_starts_from_its_own_defaults(full: Path) -> None:
    app = alone("train")
    app.segmented_control(key="train:method").set_value("infonce").run()
    assert app.radio(key="train:infonce:objective").value == "infonce"
    unfold(app, "more_settings")
    app.number_input(key="train:infonce:cka_weight").set_value(0.5)
    app.number_input(key="train:infonce:whitening_components").set_value(64).run()
    unfold(app, "more_settings", False)  # what was set in there counts all the same
    assert "train:infonce:whitening_components" not in [each.key for each in app.number_input]
    button(app, "Train").click().run()
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


def test_every_field_of_the_config_has_a_control(full: Path) -> None:
    app = alone("train")
    unfold(app, "more_settings")
    kinds = ("radio", "number_input", "segmented_control", "toggle")
    keys = {each.key for kind in kinds for each in app.get(kind)} - {None}
    fields = {key.removeprefix("train:") for key in keys if key.startswith("train:")}
    assert fields == set(AlignmentConfig().to_dict()) | {"method"}


def test_train_embeds_by_another_encoder_before_it_trains_on_it(full: Path) -> None:
    app = alone("train")
    unfold(app, "encoders")
    app.selectbox(key="encoder:tiny:audio").set_value("log-mel").run()
    unfold(app, "encoders", False)
    assert button(app, "Train").disabled
    assert "not embedded by log" in words(app)
    button(app, "Embed corpus").click().run()
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == ("embed", "tiny", "--audio-encoder", "log-mel")


def test_train_holds_out_whole_templates(full: Path) -> None:
    app = alone("train")
    app.multiselect(key="holdout:tiny").set_value(["02_1_beeps"])
    button(app, "Train").click().run()
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == ("train", "tiny", "--unseen-templates", "02_1_beeps")


def test_an_alignment_of_which_little_was_kept_is_shown_and_can_be_judged(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    record = Corpus.open("tiny").load_newest_alignment()
    (record.path / "metrics.json").write_text("{}")
    app = opened("train")
    assert "This alignment has no training history" in words(app)
    assert button(app, "Evaluate")
    app.segmented_control(key="view").set_value("Side by side").run()
    assert not app.exception
    assert len(app.dataframe[0].value) == 1


# -- something damaged ------------------------------------------------------------------------


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("generate", "jobs")])
def test_a_damaged_corpus_is_named_not_traced(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "broken"
    folder.mkdir(parents=True)
    (folder / "corpus.sqlite").write_bytes(b"not a database at all" * 1000)
    app = opened(page)
    assert app.error
    assert "broken" in app.error[0].value


def test_a_corpus_without_an_alignment_leads_to_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        core.sonicpi, "compute_render_id", lambda source, seconds=18.0: digest(source)
    )
    fill(Corpus.create("tiny", seconds=0.5))
    assert button(opened("home"), "Train on tiny")
    for page in ("map", "listen", "compare"):
        assert button(opened(page), "Train an alignment")


def test_a_corpus_that_is_half_made_is_finished_first(tmp_path: Path) -> None:
    Corpus.create("tiny").add_programs([Program("play 60\n", "one"), Program("play 61\n", "two")])
    app = opened("home")
    assert "2 programs are not rendered yet" in words(app)
    assert button(app, "Resume build")


def test_a_clip_that_is_gone_says_how_to_get_it(made: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(made / "corpora", tmp_path / "corpora")
    shutil.rmtree(tmp_path / "corpora/tiny/audio")
    app = opened("listen")
    assert not players(app)
    assert "Build the corpus again" in words(app)


# -- text stays text --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["[a](b)", "**bold**", "$x$", ":red[x]", "<b>", "# title", "`code`", "a_b_c", "1. x"]
)
def test_plain_text_shows_as_it_is(text: str) -> None:
    from markdown_it import MarkdownIt

    shown = MarkdownIt().render(formatting.escape_markdown(text))
    assert shown.strip() == f"<p>{text.replace('<', '&lt;').replace('>', '&gt;')}</p>"


def test_long_text_is_cut_and_lines_are_joined() -> None:
    assert formatting.escape_markdown("a\nb") == "a b"
    assert len(formatting.escape_markdown("x" * 5000)) < 700


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (3, "a few seconds"),
        (44, "about 40 s"),
        (130, "about 2 min"),
        (7200, "about 2.0 h"),
    ],
)
def test_durations_are_said_in_words(seconds: float | None, said: str) -> None:
    assert formatting.format_duration(seconds) == said
