"""A clip to hear: its outline, and the browser's own player at the clip's own level."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core import plots
from core.errors import EarshotError
from core.sonicpi import Clip
from pages.parts import cached, say

MIME = {".flac": "audio/flac", ".ogg": "audio/ogg", ".wav": "audio/wav", ".mp3": "audio/mpeg"}


def clip_file(path: str | None, name: str, key: str, *, autoplay: bool = False) -> None:
    """Draw the player of a clip's file.

    Parameters
    ----------
    path : str or None
        None for a program that has no clip.
    name : str
        The program's, for who cannot see the outline.
    key : str
        Unique on the page.
    autoplay : bool
        Browsers obey only after a click somewhere on the page.
    """
    if path is None or not Path(path).is_file():
        st.caption(":material/music_off: The clip is not there. Building the corpus again makes it.")
        return
    try:
        svg = cached.waveform(path, f"Outline of the sound of {name}")
    except EarshotError as error:
        say.show_error(error)
        return
    with st.container(key=f"clip-{key}"):
        st.html(svg)
        st.audio(
            path, format=MIME.get(Path(path).suffix, "audio/flac"), autoplay=autoplay,
            alt=f"Clip of {name}",
        )  # fmt: skip


def clip(sound: Clip, name: str, key: str) -> None:
    """Draw the player of a clip in memory."""
    with st.container(key=f"clip-{key}"):
        st.html(plots.waveform_svg(plots.envelope(sound.samples), f"Outline of the sound of {name}"))
        # Encoded: numpy samples would be levelled to full scale, and loudness would lie.
        st.audio(sound.encode(".flac"), format=MIME[".flac"], alt=f"Clip of {name}")
