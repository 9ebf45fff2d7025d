"""The page Generate: the gallery, a template's parameters, and what it asks a job to make."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import core.sonicpi
from core import jobs, programs
from core.cli.parsing import parse_fixed_values
from core.corpus import Corpus
from core.pipeline import gallery
from core.sonicpi import Clip, RenderProblem, RenderResult
from core.workspace import PROJECT_FOLDER

BEEPS = "02_1_beeps"
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, (22_050, 2)).astype(np.float32)


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def page(template: str = "", target: str = "") -> AppTest:
    """The page; a new name for a corpus is typed in a browser only, so `target` is there before."""
    app = AppTest.from_file(str(PROJECT_FOLDER / "pages/generate/page.py"), default_timeout=120)
    if target:
        app.session_state["generate:corpus"] = target
    if template:
        app.query_params["template"] = template
    app.run()
    assert not app.exception, app.exception
    return app


def players(app: AppTest) -> int:
    return sum('class="player"' in each.proto.body for each in app.get("html"))


def press(app: AppTest, label: str) -> AppTest:
    next(each for each in app.button if each.label == label).click().run()
    assert not app.exception, app.exception
    return app


def way(app: AppTest, parameter: str, value: str) -> AppTest:
    app.button_group(key=f"sampling:{BEEPS}:{parameter}").set_value(value).run()
    assert not app.exception, app.exception
    return app


def captions(app: AppTest) -> str:
    return "\n".join(each.value for each in app.caption)


# -- the gallery ------------------------------------------------------------------------------


def test_all_templates_stand_in_the_gallery_and_a_job_renders_them() -> None:
    app = page()
    openers = [each for each in app.button if each.label == "Open"]
    assert len(openers) == len(programs.list_templates()) == 27
    assert captions(app).count("Not rendered yet") == 27 and not players(app)
    press(app, "Render gallery clips")
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == ("gallery",)


def test_a_clip_of_the_gallery_or_of_a_corpus_is_played() -> None:
    (template, _, own), (_, program, _) = cached = gallery.list_first_variants()[:2]
    Clip(NOISE).save(gallery.get_gallery_folder() / f"{own}.flac")
    corpus = Corpus.create("tiny", seconds=18.0)
    corpus.add_programs([program])
    corpus.put_rendering(program.id, RenderResult(Clip(NOISE)), 18.0)
    assert [each.clip_path is not None for each in gallery.list_gallery_items(cached)] == [
        True,
        True,
    ]
    app = page()
    assert players(app) == 2
    # What is chosen by role is all that is shown.
    app.button_group(key="role").set_value(template.role).run()
    roles = [each.role for each in programs.list_templates()]
    assert len([each for each in app.button if each.label == "Open"]) == roles.count(template.role)


def test_only_what_is_lacking_is_rendered_and_each_clip_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def render_many(sources, seconds):
        for index, source in enumerate(sources):
            asked.append(source)
            failed = RenderResult(None, RenderProblem("runtime", "no", 1))
            yield index, failed if index == 2 else RenderResult(Clip(NOISE))

    monkeypatch.setattr(core.sonicpi, "render_many", render_many)
    for expected in (27, 1):
        asked.clear()
        with pytest.raises(core.errors.EarshotError, match="02_2_amp_and_pan-0000.*no"):
            monkeypatch.setattr(core.sonicpi, "render_many", render_many)
            gallery.render_gallery()
        assert len(asked) == expected
        if expected == 27:
            # The one that failed is alone the next time, and fails again.
            once = render_many

            def render_many(sources, seconds, once=once):
                for index, _ in once(sources, seconds):
                    yield index, RenderResult(None, RenderProblem("runtime", "no", 1))

    assert sum(each.clip_path is None for each in gallery.list_gallery_items()) == 1


def test_where_sonic_pi_is_missing_the_templates_are_there_and_the_way_to_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(source: str, seconds: float = 18.0) -> str:
        raise core.errors.EarshotError("Sonic Pi is missing.", remedy="Install it.")

    st.cache_resource.clear()
    monkeypatch.setattr(core.sonicpi, "compute_render_id", missing)
    app = page()
    assert "Sonic Pi is missing" in app.error[0].value and "Install it" in app.error[0].value
    assert len([each for each in app.button if each.label == "Open"]) == 27


# -- one template -----------------------------------------------------------------------------


def test_a_template_is_opened_from_the_gallery_and_left_again() -> None:
    app = page()
    app.button(key=f"open-template-{BEEPS}").click().run()
    assert app.title[0].value == "First beeps" and app.code[0].language == "ruby"
    press(app, "All templates")
    assert app.title[0].value == "Generate programs"
    assert page(BEEPS).title[0].value == "First beeps"


def test_fixing_begins_with_what_is_drawn_and_random_lets_go() -> None:
    app = page(BEEPS)
    before = app.code[0].value
    way(app, "synth", "fixed")
    assert app.code[0].value == before
    drawn = app.selectbox(key=f"sampling_value:fixed:{BEEPS}:synth").value
    app.selectbox(key=f"sampling_value:fixed:{BEEPS}:synth").set_value("saw").run()
    assert ":saw" in app.code[0].value and drawn != "saw"
    press(app, "Next variant")
    assert ":saw" in app.code[0].value
    press(app, "Reset to random")
    assert ":saw" not in app.code[0].value


def test_a_range_narrows_what_is_drawn() -> None:
    app = way(page(BEEPS), "tonic", "range")
    low = int(app.slider(key=f"sampling_value:range:{BEEPS}:tonic").min)
    app.slider(key=f"sampling_value:range:{BEEPS}:tonic").set_value((low, low)).run()
    assert not app.warning
    template = programs.get_template(BEEPS)
    shown = template.render({"tonic": programs.NumberRange(low, low)})
    assert app.code[0].value.strip() == shown.source.strip()


def test_what_cannot_be_is_refused_in_words() -> None:
    app = page(BEEPS)
    lists = [
        each.name for each in programs.get_template(BEEPS).list_parameters() if each.kind == "walk"
    ]
    name = next(each for each in lists if app.button_group(key=f"sampling:{BEEPS}:{each}"))
    way(app, name, "fixed")
    app.text_input(key=f"sampling_value:fixed:{BEEPS}:{name}").set_value("loud, louder").run()
    assert not app.exception
    assert "cannot be" in app.error[0].value


def test_many_are_made_by_a_job_that_sets_what_was_set() -> None:
    Corpus.create("mine")
    app = way(way(page(BEEPS), "synth", "range"), "tonic", "range")
    app.multiselect(key=f"sampling_value:range:{BEEPS}:synth").set_value(["saw", "beep"])
    app.slider(key=f"sampling_value:range:{BEEPS}:tonic").set_value((50, 55)).run()
    app.number_input(key="generate:seed").set_value(7)
    app.number_input(key="generate:count").set_value(12).run()
    assert "12 programs with seed 7 and 2 parameters set" in captions(app)
    assert "of disk" in captions(app)
    press(app, "Add to mine")
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv[:8] == (
        "build",
        "mine",
        "--templates",
        BEEPS,
        "--per-template",
        "12",
        "--seed",
        "7",
    )
    given = parse_fixed_values(job.argv[9::2])[BEEPS]
    assert given == {
        "synth": programs.ChoiceSubset(("saw", "beep")),
        "tonic": programs.NumberRange(50, 55),
    }
    assert len(programs.generate(BEEPS, 12, 7, given)) == 12


def test_a_name_that_cannot_be_is_refused_before_a_job() -> None:
    app = page(BEEPS, "../up")
    press(app, "Create " + r"\.\.\/up")
    assert "cannot be the name" in app.error[0].value
    assert not jobs.list_jobs()


def test_a_damaged_corpus_keeps_nobody_from_the_template(tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "broken"
    folder.mkdir(parents=True)
    (folder / "corpus.sqlite").write_bytes(b"not a database at all" * 1000)
    app = page(BEEPS)
    assert "broken" in app.error[0].value
    assert app.code[0].value and any(each.label == "Render and play" for each in app.button)
