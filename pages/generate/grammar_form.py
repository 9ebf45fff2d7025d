"""Form of the page Generate that adds grammar programs to a corpus."""

from __future__ import annotations

import streamlit as st

from core import jobs, programs, sonicpi, workspace
from core.corpus import list_corpora
from core.pipeline.generate_and_add_missing_programs import ALL_STYLES
from pages.components import markdown_and_errors, session_keys
from pages.components.sonic_pi_version_choice import draw_sonic_pi_choice
from pages.generate.corpus_and_count_controls import (
    draw_corpus_and_program_count_controls,
    read_corpus_choice,
)
from pages.generate.generation_job import draw_generation_job, estimate_and_format_generation_cost

SOUND_SET_LABELS = {"3.2": "Of Sonic Pi 3.2", "5": "Also of later versions"}


def draw_grammar_form() -> None:
    """Draw the form that composes programs by the grammar and adds them to a corpus, as a job."""
    with st.expander(
        "Compose programs by the grammar",
        key=session_keys.IS_SHOWING_GRAMMAR_FORM.name,
        on_change="rerun",
        icon=":material/library_add:",
    ) as expander:
        if not expander.open:
            return
        st.caption(
            "The grammar composes whole pieces in styles from ambient to acid. Styles get equal"
            " shares; tempos and synths are spread evenly."
        )
        corpus_names = list_corpora()
        corpus_name, program_count, seed = _draw_corpus_count_and_seed_controls(corpus_names)
        _draw_style_control()
        is_existing = corpus_name in corpus_names
        if corpus_name and not is_existing:
            _draw_new_corpus_controls()
        cost = estimate_and_format_generation_cost(
            corpus_name if is_existing else None, program_count, seed, 0
        )
        st.caption(f"{cost} Those that the corpus has already stay.")
        escaped_name = markdown_and_errors.escape_markdown(corpus_name or "a corpus")
        st.button(
            f"{'Add to' if is_existing else 'Create'} {escaped_name}",
            key="add-grammar-programs",
            type="primary",
            icon=":material/library_add:",
            disabled=not corpus_name,
            on_click=_start_grammar_job,
        )
        if corpus_name:
            draw_generation_job(corpus_name)


def _draw_corpus_count_and_seed_controls(corpus_names: list[str]) -> tuple[str | None, int, int]:
    """Draw the choice of corpus, number of programs and seed; return them."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        corpus_name, program_count = draw_corpus_and_program_count_controls(
            corpus_names, session_keys.GRAMMAR_CORPUS, session_keys.GRAMMAR_COUNT
        )
        seed = st.number_input(
            "Seed",
            0,
            2**31,
            key=session_keys.GRAMMAR_SEED.name,
            persist_state="session",
            width=130,
            help="The same seed gives the same programs on every machine.",
        )
    return corpus_name, program_count, int(seed)


def _draw_style_control() -> None:
    st.multiselect(
        "Styles",
        list(programs.MUSIC_STYLES),
        key=session_keys.GRAMMAR_STYLES.name,
        persist_state="session",
        placeholder="All styles",
        format_func=lambda name: programs.MUSIC_STYLES[name].title,
    )


def _draw_new_corpus_controls() -> None:
    """Draw what a corpus keeps from its first program on: its set of sounds and its version."""
    with st.container(horizontal=True):
        key = session_keys.GRAMMAR_SOUND_SET
        st.segmented_control(
            "Synths and samples",
            programs.SOUND_SETS,
            # Streamlit warns about a default beside a value in the session.
            default=None if key.is_set() else programs.DEFAULT_SOUND_SET,
            required=True,
            key=key.name,
            persist_state="session",
            format_func=lambda name: SOUND_SET_LABELS.get(name, name),
        )
        draw_sonic_pi_choice(session_keys.GRAMMAR_SONIC_PI)


def _start_grammar_job() -> None:
    # A callback runs before the page draws what was typed last, so it reads the widgets' state.
    corpus_name = read_corpus_choice(session_keys.GRAMMAR_CORPUS) or ""
    program_count = int(session_keys.GRAMMAR_COUNT.get_value())
    with markdown_and_errors.catch_and_show_errors():
        workspace.validate_folder_name(corpus_name, "corpus")
        argv = [
            "build",
            corpus_name,
            *build_grammar_command_options_from_form(corpus_name in list_corpora()),
        ]
        title = (
            f"Add {markdown_and_errors.pluralize(program_count, 'grammar program')} to"
            f" {corpus_name}"
        )
        session_keys.GENERATION_JOB.set_value(jobs.start_job(argv, title).id)


def build_grammar_command_options_from_form(is_existing: bool) -> list[str]:
    """Return the form's values as options of `./run build`.

    Parameters
    ----------
    is_existing : bool
        Whether the corpus exists; it then keeps its own sounds and version of Sonic Pi.
    """
    options = [
        "--per-template",
        "0",
        "--grammar-programs",
        str(int(session_keys.GRAMMAR_COUNT.get_value())),
    ]
    options += ["--seed", str(int(session_keys.GRAMMAR_SEED.get_value()))]
    options += ["--styles", *(session_keys.GRAMMAR_STYLES.get_value() or [ALL_STYLES])]
    if is_existing:
        return options
    if session_keys.GRAMMAR_SOUND_SET.get_value() not in (None, programs.DEFAULT_SOUND_SET):
        options += ["--sounds", str(session_keys.GRAMMAR_SOUND_SET.get_value())]
    if session_keys.GRAMMAR_SONIC_PI.get_value() not in (None, sonicpi.DEFAULT_SONIC_PI):
        options += ["--sonic-pi", str(session_keys.GRAMMAR_SONIC_PI.get_value())]
    return options
