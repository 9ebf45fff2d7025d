"""Parts of a program's card: header, waveform, parameters, errors and differences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd
import streamlit as st

from core.errors import EarshotError
from core.programs.program_differences import (
    diff_parameter_values,
    diff_program_sources,
    extract_code_traits,
)
from core.sonicpi import RenderProblem
from pages.components import markdown_and_errors, page_cache


def look_up_program_title(name: str, template_id: str) -> str:
    """Return the title of a program's template; without a template, the program's name."""
    return page_cache.load_template_titles().get(template_id, template_id) or name


def draw_program_header(name: str, template_id: str, *badges: str) -> None:
    """Draw a program's name with its template, role and split."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        title = look_up_program_title(name, template_id)
        st.markdown(f"**{markdown_and_errors.escape_markdown(title)}**", width="content")
        for badge in badges:
            if badge:
                st.badge(markdown_and_errors.escape_markdown(badge), color="gray")
    st.caption(markdown_and_errors.escape_markdown(name))


def draw_closable_program_header(program: dict[str, Any], on_close: Callable[[], None]) -> None:
    """Draw a program's header and the button that closes its card.

    Parameters
    ----------
    program : dict
        A program, as `Corpus.load_program` returns it.
    on_close : callable
        Callback of the button.
    """
    with st.container(horizontal=True, vertical_alignment="top"):
        with st.container(gap="small"):
            draw_program_header(
                program["name"], program["template"], program["role"], program["split"]
            )
        st.button(
            "",
            icon=":material/close:",
            type="tertiary",
            on_click=on_close,
            help="Close",
            key="close",
        )


def draw_program_spectrogram(program: dict[str, Any]) -> None:
    """Draw the waveform and spectrogram of a program's clip, if it has one."""
    if program["audio"] is None:
        return
    try:
        figure = page_cache.plot_waveform_and_spectrogram(program["audio"])
    except EarshotError:  # The player above has shown the error.
        return
    measures = f"{program['seconds']:.1f} s, peak {program['peak']:.2f}, RMS {program['rms']:.3f}"
    st.plotly_chart(
        figure,
        key=f"spectrogram-{program['program']}",
        config={"displayModeBar": False},
        alt=f"Waveform and spectrogram of the clip: {measures}",
    )
    st.caption(
        f"Waveform and spectrogram: {measures}. Levels are in dB relative to a full-scale sine."
    )


def draw_parameter_values(values: dict[str, Any]) -> None:
    """Draw a program's parameters in an expander."""
    if values:
        with st.expander(markdown_and_errors.pluralize(len(values), "parameter"), type="compact"):
            lines = [f"{name}: {value}" for name, value in values.items()]
            st.code("\n".join(lines), language="yaml", wrap_lines=True)


def draw_render_warnings(warnings: Iterable[RenderProblem]) -> None:
    """Draw a render's warnings; errors that ended a thread stand out."""
    for warning in warnings:
        text = markdown_and_errors.escape_markdown(warning)
        if warning.is_thread_error:
            st.warning(f"This thread ended early. {text}", icon=":material/warning:")
        else:
            st.caption(f":material/info: {text}")


def draw_failed_source_line(source: str, line_number: int | None) -> None:
    """Draw one line of a program, the one that failed; nothing if there is no such line."""
    lines = source.splitlines()
    if line_number and 0 < line_number <= len(lines):
        st.code(lines[line_number - 1].strip(), language="ruby")


def draw_code_differences(
    first_source: str, second_source: str, column_names: tuple[str, str]
) -> None:
    """Draw the differences between two programs: what they use, and their lines."""
    differences = diff_parameter_values(
        extract_code_traits(first_source), extract_code_traits(second_source)
    )
    if differences:
        table = pd.DataFrame(differences, columns=["Trait", *column_names])
        st.table(table.set_index("Trait").replace("", "–"))
    line_differences = diff_program_sources(first_source, second_source)
    if line_differences:
        st.code(line_differences, language="diff", height=220)
    else:
        st.caption("The code is the same.")
