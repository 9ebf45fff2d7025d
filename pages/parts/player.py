"""A clip to hear: its outline, and the browser's own player at the clip's own level."""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import quote

import streamlit as st

from core import plots
from core.errors import EarshotError
from core.sonicpi import Clip
from pages.parts import cached, say

_rules = st.components.v2.component(
    "earshot_sound", js=(Path(__file__).parent / "sound.js").read_text(encoding="utf-8")
)
MIME = {".flac": "audio/flac", ".ogg": "audio/ogg", ".wav": "audio/wav", ".mp3": "audio/mpeg"}


def rules() -> None:
    """Load what all players of a page share: one sound at a time, and what `start` asked for."""
    with st.container(key="sound"):
        _rules(key="sound-rules", data=st.session_state.get("start"))


def start(key: str) -> None:
    """Have the clip of that key play as soon as it is drawn; for callbacks."""
    turn = st.session_state.get("start", {}).get("turn", 0) + 1
    st.session_state["start"] = {"clip": f"clip-{key}", "turn": turn}


def clip_file(path: str | None, name: str, key: str) -> None:
    """Draw the player of a clip's file.

    Parameters
    ----------
    path : str or None
        None for a program that has no clip.
    name : str
        The program's, for who cannot see the outline.
    key : str
        Unique on the page.
    """
    if path is None or not Path(path).is_file():
        st.caption(
            ":material/music_off: The clip is not there. Building the corpus again makes it."
        )
        return
    try:
        svg = cached.waveform(path)
    except EarshotError as error:
        say.show_error(error)
        return
    with st.container(key=f"clip-{key}"):
        outline(svg, name)
        st.audio(path, format=MIME.get(Path(path).suffix, "audio/flac"), alt=f"Clip of {name}")


def clip(sound: Clip, name: str, key: str) -> None:
    """Draw the player of a clip in memory."""
    with st.container(key=f"clip-{key}"):
        outline(plots.waveform_svg(plots.envelope(sound.samples)), name)
        # Encoded: numpy samples would be levelled to full scale, and loudness would lie.
        st.audio(sound.encode(".flac"), format=MIME[".flac"], alt=f"Clip of {name}")


def outline(svg: str, name: str) -> None:
    """Draw an outline that `sound.js` colours as far as the clip was played."""
    # As a mask, since the page's sanitiser lets no SVG through; the colour is the style's.
    st.html(
        f'<div class="waveform" role="img" aria-label="Outline of the sound of {html.escape(name)}"'
        f" style=\"--outline: url('data:image/svg+xml,{quote(svg)}')\"></div>"
    )
