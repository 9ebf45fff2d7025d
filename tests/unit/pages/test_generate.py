"""Tests of the page Generate: the gallery, a template's parameters, and its jobs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

import core.sonicpi
from core import jobs, programs
from core.cli.argument_parsing import parse_fixed_template_parameters
from core.corpus import Corpus
from core.pipeline import template_gallery_rendering
from core.sonicpi import Clip, RenderProblem, RenderResult
from core.workspace import PROJECT_FOLDER
from pages.generate import grammar_form, variant_audition

BEEPS = "02_1_beeps"
NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, (22_050, 2)).astype(np.float32)


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARSHOT_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def open_page(template: str = "", target: str = "") -> AppTest:
    """Open the page. A new name can only be typed in a browser, so `target` is set before."""
    app = AppTest.from_file(str(PROJECT_FOLDER / "pages/generate/page.py"), default_timeout=120)
    if target:
        app.session_state["generate:corpus"] = target
    if template:
        app.query_params["template"] = template
    app.run()
    assert not app.exception, app.exception
    return app


def count_players(app: AppTest) -> int:
    return sum('class="player"' in element.proto.body for element in app.get("html"))


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception
    return app


def set_sampling(app: AppTest, parameter: str, value: str) -> AppTest:
    app.button_group(key=f"sampling:{BEEPS}:{parameter}").set_value(value).run()
    assert not app.exception, app.exception
    return app


def get_captions(app: AppTest) -> str:
    return "\n".join(element.value for element in app.caption)


# -- the gallery ------------------------------------------------------------------------------


def test_the_gallery_shows_all_templates_and_renders_them_as_a_job() -> None:
    app = open_page()
    openers = [button for button in app.button if button.label == "Open"]
    assert len(openers) == len(programs.list_templates()) == 27
    assert get_captions(app).count("Not rendered yet") == 27 and not count_players(app)
    press(app, "Render gallery clips")
    job = jobs.list_jobs()[0]
    job.cancel()
    assert job.argv == ("gallery",)


def test_the_gallery_plays_its_own_clips_and_those_of_a_corpus() -> None:
    (template, _, render_id), (_, program, _) = cached = (
        template_gallery_rendering.list_first_template_variants()[:2]
    )
    Clip(NOISE).save(template_gallery_rendering.get_gallery_folder() / f"{render_id}.flac")
    corpus = Corpus.create("tiny", seconds=18.0)
    corpus.add_programs([program])
    corpus.store_render_result(program.id, RenderResult(Clip(NOISE)), 18.0)
    assert [
        item.clip_path is not None for item in template_gallery_rendering.list_gallery_items(cached)
    ] == [
        True,
        True,
    ]
    app = open_page()
    assert count_players(app) == 2
    # The filter by role shows only templates of that role.
    app.button_group(key="role").set_value(template.role).run()
    roles = [template.role for template in programs.list_templates()]
    assert len([button for button in app.button if button.label == "Open"]) == roles.count(
        template.role
    )


def test_only_missing_clips_are_rendered_and_each_is_saved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rendered_sources = []

    def render_programs_in_parallel(sources, seconds):
        for index, source in enumerate(sources):
            rendered_sources.append(source)
            failed = RenderResult(None, RenderProblem("runtime", "no", 1))
            yield index, failed if index == 2 else RenderResult(Clip(NOISE))

    monkeypatch.setattr(core.sonicpi, "render_programs_in_parallel", render_programs_in_parallel)
    for expected in (27, 1):
        rendered_sources.clear()
        with pytest.raises(core.errors.EarshotError, match="02_2_amp_and_pan-0000.*no"):
            monkeypatch.setattr(
                core.sonicpi, "render_programs_in_parallel", render_programs_in_parallel
            )
            template_gallery_rendering.render_missing_gallery_clips()
        assert len(rendered_sources) == expected
        if expected == 27:
            # The next call renders only the one that failed, which fails again.
            once = render_programs_in_parallel

            def render_programs_in_parallel(sources, seconds, once=once):
                for index, _ in once(sources, seconds):
                    yield index, RenderResult(None, RenderProblem("runtime", "no", 1))

    assert (
        sum(item.clip_path is None for item in template_gallery_rendering.list_gallery_items()) == 1
    )


def test_without_sonic_pi_the_gallery_shows_the_templates_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(source: str, seconds: float = 18.0) -> str:
        raise core.errors.EarshotError("Sonic Pi is missing.", remedy="Install it.")

    st.cache_resource.clear()
    monkeypatch.setattr(core.sonicpi, "compute_render_id", missing)
    app = open_page()
    assert "Sonic Pi is missing" in app.error[0].value and "Install it" in app.error[0].value
    assert len([button for button in app.button if button.label == "Open"]) == 27


# -- one template -----------------------------------------------------------------------------


def test_a_template_opens_from_the_gallery_and_closes() -> None:
    app = open_page()
    app.button(key=f"open-template-{BEEPS}").click().run()
    assert app.title[0].value == "First beeps" and app.code[0].language == "ruby"
    press(app, "All templates")
    assert app.title[0].value == "Generate programs"
    assert open_page(BEEPS).title[0].value == "First beeps"


def test_a_fixed_value_starts_at_the_sampled_one_and_reset_releases_it() -> None:
    app = open_page(BEEPS)
    before = app.code[0].value
    set_sampling(app, "synth", "fixed")
    assert app.code[0].value == before
    drawn = app.selectbox(key=f"sampling_value:fixed:{BEEPS}:synth").value
    app.selectbox(key=f"sampling_value:fixed:{BEEPS}:synth").set_value("saw").run()
    assert ":saw" in app.code[0].value and drawn != "saw"
    press(app, "Next variant")
    assert ":saw" in app.code[0].value
    press(app, "Reset to random")
    assert ":saw" not in app.code[0].value


def test_a_range_restricts_sampling() -> None:
    app = set_sampling(open_page(BEEPS), "tonic", "range")
    low = int(app.slider(key=f"sampling_value:range:{BEEPS}:tonic").min)
    app.slider(key=f"sampling_value:range:{BEEPS}:tonic").set_value((low, low)).run()
    assert not app.warning
    template = programs.get_template(BEEPS)
    shown = template.render({"tonic": programs.NumberRange(low, low)})
    assert app.code[0].value.strip() == shown.source.strip()


def test_an_invalid_value_shows_an_error() -> None:
    app = open_page(BEEPS)
    specs = programs.get_template(BEEPS).list_template_parameters()
    names = [spec.name for spec in specs if spec.kind == "walk"]
    name = next(name for name in names if app.button_group(key=f"sampling:{BEEPS}:{name}"))
    set_sampling(app, name, "fixed")
    app.text_input(key=f"sampling_value:fixed:{BEEPS}:{name}").set_value("loud, louder").run()
    assert not app.exception
    assert "cannot be" in app.error[0].value


def test_a_job_generates_variants_with_the_fixed_values() -> None:
    Corpus.create("mine")
    app = set_sampling(set_sampling(open_page(BEEPS), "synth", "range"), "tonic", "range")
    app.multiselect(key=f"sampling_value:range:{BEEPS}:synth").set_value(["saw", "beep"])
    app.slider(key=f"sampling_value:range:{BEEPS}:tonic").set_value((50, 55)).run()
    app.number_input(key="generate:seed").set_value(7)
    app.number_input(key="generate:count").set_value(12).run()
    assert "12 programs with seed 7 and 2 parameters set" in get_captions(app)
    assert "of disk" in get_captions(app)
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
    fixed_values = parse_fixed_template_parameters(job.argv[9::2])[BEEPS]
    assert fixed_values == {
        "synth": programs.ChoiceSubset(("saw", "beep")),
        "tonic": programs.NumberRange(50, 55),
    }
    assert len(programs.generate(BEEPS, 12, 7, fixed_values)) == 12


def test_the_version_of_sonic_pi_is_a_choice_for_new_corpora_only() -> None:
    app = open_page(BEEPS, "fresh")
    assert app.segmented_control(key="generate:sonic-pi").value == "3.2"
    Corpus.create("mine")
    app = open_page(BEEPS, "mine")
    assert "generate:sonic-pi" not in [control.key for control in app.segmented_control]


def test_an_invalid_corpus_name_starts_no_job() -> None:
    app = open_page(BEEPS, "../up")
    press(app, "Create " + r"\.\.\/up")
    assert "cannot be the name" in app.error[0].value
    assert not jobs.list_jobs()


def test_a_damaged_corpus_does_not_block_the_template(tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "broken"
    folder.mkdir(parents=True)
    (folder / "corpus.sqlite").write_bytes(b"not a database at all" * 1000)
    app = open_page(BEEPS)
    assert "broken" in app.error[0].value
    assert app.code[0].value and any(button.label == "Render and play" for button in app.button)


def open_grammar_form(**values: object) -> AppTest:
    """Open the page with the form of the grammar expanded and its widgets set."""
    app = AppTest.from_file(str(PROJECT_FOLDER / "pages/generate/page.py"), default_timeout=120)
    app.session_state["grammar"] = True
    for name, value in values.items():
        app.session_state[f"grammar:{name}"] = value
    app.run()
    assert not app.exception, app.exception
    return app


def start_grammar_job(app: AppTest) -> tuple[str, ...]:
    app.button(key="add-grammar-programs").click().run()
    assert not app.exception, app.exception
    job = jobs.list_jobs()[0]
    job.cancel()
    return job.argv


def test_grammar_programs_of_chosen_styles_are_added_to_an_existing_corpus() -> None:
    Corpus.create("old")
    app = open_grammar_form(count=20, seed=3, styles=["acid", "dub"], sounds="5")
    assert "20 programs with seed 3" in get_captions(app)
    # A corpus that exists keeps its sounds: there is no choice.
    assert "grammar:sounds" not in [element.key for element in app.segmented_control]
    assert start_grammar_job(app) == (
        *("build", "old", "--per-template", "0", "--grammar-programs", "20", "--seed", "3"),
        *("--styles", "acid", "dub"),
    )


def test_a_new_corpus_of_grammar_programs_may_have_later_sounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = open_grammar_form(corpus="pieces")
    sounds = app.segmented_control(key="grammar:sounds")
    assert sounds.value == "3.2" and [button.label for button in app.button if button.key]
    values = {"count": 14, "sounds": "5", "sonic-pi": "5"}
    monkeypatch.setattr(st, "session_state", {f"grammar:{key}": v for key, v in values.items()})
    assert grammar_form.build_grammar_command_options_from_form(is_existing=False) == [
        *("--per-template", "0", "--grammar-programs", "14", "--seed", "0"),
        *("--styles", "all", "--sounds", "5", "--sonic-pi", "5"),
    ]


def test_the_grammar_form_is_closed_at_first_and_refuses_an_invalid_name() -> None:
    assert "add-grammar-programs" not in [button.key for button in open_page().button]
    app = open_grammar_form(corpus="../away")
    app.button(key="add-grammar-programs").click().run()
    assert app.error and not jobs.list_jobs()


# -- the audition of variants -----------------------------------------------------------------


def test_the_next_variants_differ_from_the_shown_one_and_each_other() -> None:
    template = programs.get_template(BEEPS)
    shown = template.render({}, 3, 0)
    variants = variant_audition.list_next_variants(template, {}, shown, 1)
    assert len(variants) == 6 and min(variants) >= 1
    assert len({shown.source, *(variant.source for variant in variants.values())}) == 7
    for number, variant in variants.items():
        assert variant.source == template.render({}, 3, number).source
    # Where all parameters are fixed, there is nothing to compare.
    fixed = dict(shown.parameters)
    assert variant_audition.list_next_variants(template, fixed, shown, 1) == {}


def test_variants_are_auditioned_only_when_it_is_switched_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EARSHOT_READ_ONLY", "1")  # Starts no render workers.
    app = open_page(BEEPS)
    count = len(app.get("bidi_component"))
    next(item for item in app.toggle if item.label == "Audition variants").set_value(True).run()
    assert not app.exception, app.exception
    assert len(app.get("bidi_component")) == count + 1
