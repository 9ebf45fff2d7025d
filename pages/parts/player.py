"""A clip to hear: its outline with the position, play, loop and next, at the clip's own level.

A player is markup only; `sound.js` plays what it names, one sound at a time, and fetches
nothing before it is asked to.
"""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote
from weakref import WeakKeyDictionary

import streamlit as st

from core import plots
from core.errors import EarshotError
from core.sonicpi import Clip
from pages.parts import cached, say, sounds

BEGINS = 0.2  # seconds from a player's coming to its clip's beginning

_rules = st.components.v2.component(
    "earshot_sound", js=(Path(__file__).parent / "sound.js").read_text(encoding="utf-8")
)


def rules() -> None:
    """Load what all players of a page share: one sound at a time, space and arrows."""
    with st.container(key="sound"):
        _rules(key="sound-rules")


def start(key: str) -> None:
    """Have the clip of that key play as soon as it is drawn; for callbacks."""
    turn = st.session_state.get("start", {}).get("turn", 0) + 1
    st.session_state["start"] = {"clip": f"clip-{key}", "turn": turn}


def let_begin(key: str) -> None:
    """Wait, once, for a clip that was asked to play: call it before what a browser is long busy
    with, a chart above all, for while it draws that no clip begins to sound."""
    asked = st.session_state.get("start", {})
    if asked.get("clip") == f"clip-{key}" and st.session_state.get("begun") != asked["turn"]:
        st.session_state["begun"] = asked["turn"]
        time.sleep(BEGINS)


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
        svg, seconds = cached.waveform(path)
        _draw(sounds.address(path, name), svg, seconds, name, key)
    except EarshotError as error:
        say.show_error(error)


def small(path: str, name: str, key: str) -> None:
    """Draw a button that plays a clip's file, for lists; the keys walk to it as to a player.

    Parameters
    ----------
    path, name, key : str
        As of `clip_file`.
    """
    title = html.escape(name, quote=True)
    source = html.escape(sounds.address(path, name), quote=True)
    with st.container(key=f"clip-{key}", width="content"):
        st.html(
            f'<div class="player-small" role="group" aria-label="Clip of {title}"'
            f' data-src="{source}"><button type="button" class="play" title="Play"'
            f' aria-label="Play {title}"><span aria-hidden="true">play_arrow</span></button></div>',
            width="content",
        )


# What a page draws again and again: a clip's file and outline, for as long as the clip is there.
_encoded: WeakKeyDictionary[Clip, tuple[bytes, str]] = WeakKeyDictionary()


def clip(sound: Clip, name: str, key: str) -> None:
    """Draw the player of a clip in memory."""
    if sound not in _encoded:
        svg = plots.waveform_svg(plots.envelope(sound.samples))
        _encoded[sound] = sound.encode(".flac"), svg
    flac, svg = _encoded[sound]
    _draw(sounds.keep(flac, name), svg, sound.seconds, name, key)


def one_after_the_other(keys: Sequence[str], label: str, seconds: float, key: str) -> None:
    """Draw a button that plays the clips of other players, so many seconds of each.

    Parameters
    ----------
    keys : sequence of str
        Theirs.
    label : str
    seconds : float
    key : str
        Its own; `start` takes it as well.
    """
    clips = html.escape(" ".join(f"clip-{each}" for each in keys), quote=True)
    with st.container(key=f"clip-{key}"):
        st.html(
            f'<button type="button" class="row-of-clips" data-clips="{clips}"'
            f' data-part="{seconds:g}"{_marked(key)}><span aria-hidden="true">playlist_play</span>'
            f"{html.escape(label)}</button>"
        )


def _marked(key: str) -> str:
    """The mark of what is to start as soon as it is there."""
    asked = st.session_state.get("start", {})
    return f' data-start="{asked["turn"]}"' if asked.get("clip") == f"clip-{key}" else ""


def _draw(address: str, svg: str, seconds: float, name: str, key: str) -> None:
    title = html.escape(name, quote=True)
    starts = _marked(key)
    # The outline is a mask, since the page's sanitiser lets no SVG through.
    with st.container(key=f"clip-{key}"):
        st.html(
            f'<div class="player" role="group" aria-label="Clip of {title}"'
            f' data-src="{html.escape(address, quote=True)}" data-seconds="{seconds:.3f}"{starts}>'
            f'<button type="button" class="play" aria-label="Play {title}" title="Play (space)">'
            '<span aria-hidden="true">play_arrow</span></button>'
            f'<div class="waveform" role="img" aria-label="Outline of the sound of {title}"'
            f" style=\"--outline: url('data:image/svg+xml,{quote(svg)}')\"></div>"
            f'<span class="time">0:00 / {clock(seconds)}</span>'
            '<button type="button" class="loop" aria-pressed="false" aria-label="Loop"'
            ' title="Loop"><span aria-hidden="true">repeat</span></button>'
            '<button type="button" class="next" aria-label="Next clip" title="Next (arrow down)">'
            '<span aria-hidden="true">skip_next</span></button></div>'
        )


def clock(seconds: float) -> str:
    """Return "0:18"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
