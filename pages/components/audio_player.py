"""A clip to hear: its outline with the position, play, loop and next, at the clip's own level.

A player is markup only; `audio_player.js` plays what it names, one sound at a time, and fetches
nothing before it is asked to.
"""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakKeyDictionary

import streamlit as st

from core.errors import EarshotError
from core.sonicpi import Clip
from pages.components import cache, formatting, audio_server

BEGINS = 0.2  # seconds from a player's coming to its clip's beginning

_rules = st.components.v2.component(
    "earshot_sound", js=(Path(__file__).parent / "audio_player.js").read_text(encoding="utf-8")
)


def rules() -> None:
    """Load what all players of a page share: one sound at a time, space and arrows."""
    with st.container(key="sound"):
        _rules(key="sound-rules")


def start(key: str) -> None:
    """Have the clip of that key play as soon as it is drawn; for callbacks."""
    turn = st.session_state.get("start", {}).get("turn", 0) + 1
    st.session_state["start"] = {"clip": key, "turn": turn}


def let_begin(key: str) -> None:
    """Wait, once, for a clip that was asked to play: call it before what a browser is long busy
    with, a chart above all, for while it draws that no clip begins to sound."""
    asked = st.session_state.get("start", {})
    if asked.get("clip") == key and st.session_state.get("begun") != asked["turn"]:
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
        outline, seconds = cache.waveform(path)
        _draw(audio_server.address(path, name), outline, seconds, name, key)
    except EarshotError as error:
        formatting.show_error(error)


def small(path: str, name: str, key: str) -> None:
    """Draw a button that plays a clip's file, for lists; the keys walk to it as to a player.

    Parameters
    ----------
    path, name, key : str
        As of `clip_file`.
    """
    title = _escaped(name)
    source = _escaped(audio_server.address(path, name))
    st.html(
        f'<div class="player-small" role="group" aria-label="Clip of {title}"'
        f' data-src="{source}" data-clip="{_escaped(key)}"><button type="button" class="play"'
        f' title="Play" aria-label="Play {title}"><span aria-hidden="true">play_arrow</span>'
        "</button></div>",
        width="content",
    )


# What a page draws again and again: a clip's file and outline, for as long as the clip is there.
_encoded: WeakKeyDictionary[Clip, tuple[bytes, str]] = WeakKeyDictionary()


def clip(sound: Clip, name: str, key: str) -> None:
    """Draw the player of a clip in memory."""
    if sound not in _encoded:
        _encoded[sound] = sound.encode(".flac"), cache.outline(sound)
    flac, outline = _encoded[sound]
    _draw(audio_server.keep(flac, name), outline, sound.seconds, name, key)


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
    st.html(
        f'<button type="button" class="row-of-clips" data-clips="{_escaped(" ".join(keys))}"'
        f' data-part="{seconds:g}"{_marked(key)}><span aria-hidden="true">playlist_play</span>'
        f"{html.escape(label)}</button>"
    )


def _marked(key: str) -> str:
    """The mark of what is to start as soon as it is there."""
    asked = st.session_state.get("start", {})
    return f' data-start="{asked["turn"]}"' if asked.get("clip") == key else ""


def _draw(address: str, outline: str, seconds: float, name: str, key: str) -> None:
    title = _escaped(name)
    starts = _marked(key)
    # The outline is a mask, since the page's sanitiser lets no SVG through.
    st.html(
        f'<div class="player" role="group" aria-label="Clip of {title}" data-clip="{_escaped(key)}"'
        f' data-src="{_escaped(address)}" data-seconds="{seconds:.3f}"{starts}>'
        f'<button type="button" class="play" aria-label="Play {title}" title="Play (space)">'
        '<span aria-hidden="true">play_arrow</span></button>'
        f'<div class="waveform" role="img" aria-label="Outline of the sound of {title}"'
        f" style=\"--outline: url('data:image/svg+xml,{outline}')\"></div>"
        f'<span class="time">0:00 / {clock(seconds)}</span>'
        '<button type="button" class="loop" aria-pressed="false" aria-label="Loop"'
        ' title="Loop"><span aria-hidden="true">repeat</span></button>'
        '<button type="button" class="next" aria-label="Next clip" title="Next (arrow down)">'
        '<span aria-hidden="true">skip_next</span></button></div>'
    )


def _escaped(text: str) -> str:
    """As the value of an attribute."""
    return html.escape(text, quote=True)


def clock(seconds: float) -> str:
    """Return "0:18"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
