"""Menu of a program: put its code into the editor, show it on the map, download clip and code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.corpus import does_clip_exist, get_local_clip_file
from pages.components import (
    code_editor,
    page_switch,
    session_keys,
    sonic_pi_buttons,
    suggest_button,
)
from pages.components.corpus_and_alignment_picker import open_page_with_corpus

if TYPE_CHECKING:
    from core.programs import Program
    from core.sonicpi import Clip


@dataclass(frozen=True)
class ProgramToUse:
    """A program that a menu offers actions for.

    Attributes
    ----------
    corpus_name, program_id : str
        "" for a program that is in no corpus, and therefore on no map.
    name, source : str
    audio_path : str or None
        Its clip; None for a program without one.
    clip : Clip or None
        Its clip where it is in no file.
    """

    corpus_name: str
    program_id: str
    name: str
    source: str
    audio_path: str | None
    clip: Clip | None = None

    @classmethod
    def from_new_program(cls, program: Program, clip: Clip | None = None) -> ProgramToUse:
        """Return a program that is in no corpus yet, with its clip if it was rendered."""
        return cls("", "", program.name, program.source, None, clip)


def draw_program_actions_popover(program: ProgramToUse, key: str) -> None:
    """Draw a button that opens the actions of a program, for cards without room for them."""
    with st.popover("Use it …", icon=":material/more_horiz:", key=f"more-{key}"):
        draw_program_actions(program, key)


def draw_program_actions(program: ProgramToUse, key: str) -> None:
    """Draw the buttons of what can be done with a program.

    Parameters
    ----------
    program : ProgramToUse
    key : str
        Unique on the page.
    """
    with st.container(horizontal=True, gap="small", key=f"program-actions-{key}"):
        is_used = st.button(
            "Use this code",
            icon=":material/edit:",
            key=f"use-{key}",
            help="Puts the code into the editor of Listen. Ctrl+Z in the editor takes it back.",
            on_click=use_program_source,
            args=(program.source,),
        )
        if is_used and session_keys.CURRENT_PAGE.get_value() != "listen":
            page_switch.switch_to_page("pages/listen/page.py")
        suggest_button.draw_suggest_button(program.source, key)
        is_elsewhere_on_map = program.program_id and session_keys.CURRENT_PAGE.get_value() != "map"
        if is_elsewhere_on_map and st.button(
            "Show on map", icon=":material/map:", key=f"map-{key}"
        ):
            session_keys.PROGRAM.set_value(program.program_id)
            session_keys.MAP_PANEL.set_value("program")
            open_page_with_corpus("pages/map/page.py", program.corpus_name)
        _draw_clip_download(program, key)
        st.download_button(
            "Code",
            program.source,
            f"{program.name}.rb",
            "text/plain",
            icon=":material/download:",
            on_click="ignore",
            key=f"code-{key}",
            help="Download the code.",
        )
    sonic_pi_buttons.draw_sonic_pi_buttons(program.source, key)


def _draw_clip_download(program: ProgramToUse, key: str) -> None:
    """Draw the button that downloads the clip; nothing for a program without one."""
    clip = program.clip
    read_clip: Callable[[], bytes]
    if clip is not None:
        suffix = ".flac"
        read_clip = clip.encode_audio_file
    elif program.audio_path is not None and does_clip_exist(program.audio_path):
        audio_path = Path(program.audio_path)
        suffix = audio_path.suffix
        read_clip = partial(_read_clip_file, audio_path)
    else:
        return
    st.download_button(
        "Clip",
        read_clip,  # Called only when the button is pressed.
        f"{program.name}{suffix}",
        icon=":material/download:",
        on_click="ignore",
        key=f"clip-{key}",
        help="Download the clip.",
    )


def _read_clip_file(path: Path) -> bytes:
    return get_local_clip_file(path).read_bytes()


def use_program_source(source: str) -> None:
    """Put a program's code into the editor of Listen and show it; for callbacks."""
    code_editor.set_editor_code(source)
    session_keys.SEARCH_MODE.set_value("code")
