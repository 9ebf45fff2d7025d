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

AUTOPLAY_DELAY_S = 0.2  # seconds from a player's coming to its clip's beginning

_player_component = st.components.v2.component(
    "earshot_sound", js=(Path(__file__).parent / "audio_player.js").read_text(encoding="utf-8")
)


def load_player_script() -> None:
    """Load what all players of a page share: one sound at a time, space and arrows."""
    with st.container(key="sound"):
        _player_component(key="sound-rules")


def request_autoplay(player_key: str) -> None:
    """Have the clip of that key play as soon as it is drawn; for callbacks."""
    turn = st.session_state.get("start", {}).get("turn", 0) + 1
    st.session_state["start"] = {"clip": player_key, "turn": turn}


def wait_for_autoplay(player_key: str) -> None:
    """Wait, once, for a clip that was asked to play: call it before what a browser is long busy
    with, a chart above all, for while it draws that no clip begins to sound."""
    asked = st.session_state.get("start", {})
    if asked.get("clip") == player_key and st.session_state.get("begun") != asked["turn"]:
        st.session_state["begun"] = asked["turn"]
        time.sleep(AUTOPLAY_DELAY_S)


def draw_file_player(audio_path: str | None, name: str, key: str) -> None:
    """Draw the player of a clip's file.

    Parameters
    ----------
    audio_path : str or None
        None for a program that has no clip.
    name : str
        The program's, for who cannot see the outline.
    key : str
        Unique on the page.
    """
    if audio_path is None or not Path(audio_path).is_file():
        st.caption(
            ":material/music_off: The clip is not there. Building the corpus again makes it."
        )
        return
    try:
        outline, seconds = cache.load_waveform_svg(audio_path)
        _draw_player(audio_server.build_audio_url(audio_path, name), outline, seconds, name, key)
    except EarshotError as error:
        formatting.show_error(error)


def draw_play_button(audio_path: str, name: str, key: str) -> None:
    """Draw a button that plays a clip's file, for lists; the keys walk to it as to a player.

    Parameters
    ----------
    audio_path, name, key : str
        As of `clip_file`.
    """
    title = _escape_attribute(name)
    source = _escape_attribute(audio_server.build_audio_url(audio_path, name))
    st.html(
        f'<div class="player-small" role="group" aria-label="Clip of {title}"'
        f' data-src="{source}" data-clip="{_escape_attribute(key)}"><button type="button" class="play"'
        f' title="Play" aria-label="Play {title}"><span aria-hidden="true">play_arrow</span>'
        "</button></div>",
        width="content",
    )


# What a page draws again and again: a clip's file and outline, for as long as the clip is there.
_encoded_clips: WeakKeyDictionary[Clip, tuple[bytes, str]] = WeakKeyDictionary()


def draw_clip_player(clip: Clip, name: str, key: str) -> None:
    """Draw the player of a clip in memory."""
    if clip not in _encoded_clips:
        _encoded_clips[clip] = clip.encode(".flac"), cache.encode_waveform_svg(clip)
    flac, outline = _encoded_clips[clip]
    _draw_player(audio_server.cache_audio_bytes(flac, name), outline, clip.seconds, name, key)


def draw_playlist_button(player_keys: Sequence[str], label: str, seconds_per_clip: float, key: str) -> None:
    """Draw a button that plays the clips of other players, so many seconds of each.

    Parameters
    ----------
    player_keys : sequence of str
        Theirs.
    label : str
    seconds_per_clip : float
    key : str
        Its own; `start` takes it as well.
    """
    st.html(
        f'<button type="button" class="row-of-clips" data-clips="{_escape_attribute(" ".join(player_keys))}"'
        f' data-part="{seconds_per_clip:g}"{_format_autoplay_attribute(key)}><span aria-hidden="true">playlist_play</span>'
        f"{html.escape(label)}</button>"
    )


def _format_autoplay_attribute(key: str) -> str:
    """The mark of what is to start as soon as it is there."""
    asked = st.session_state.get("start", {})
    return f' data-start="{asked["turn"]}"' if asked.get("clip") == key else ""


def _draw_player(audio_url: str, waveform_svg: str, seconds: float, name: str, key: str) -> None:
    title = _escape_attribute(name)
    starts = _format_autoplay_attribute(key)
    # The outline is a mask, since the page's sanitiser lets no SVG through.
    st.html(
        f'<div class="player" role="group" aria-label="Clip of {title}" data-clip="{_escape_attribute(key)}"'
        f' data-src="{_escape_attribute(audio_url)}" data-seconds="{seconds:.3f}"{starts}>'
        f'<button type="button" class="play" aria-label="Play {title}" title="Play (space)">'
        '<span aria-hidden="true">play_arrow</span></button>'
        f'<div class="waveform" role="img" aria-label="Outline of the sound of {title}"'
        f" style=\"--outline: url('data:image/svg+xml,{waveform_svg}')\"></div>"
        f'<span class="time">0:00 / {format_playback_time(seconds)}</span>'
        '<button type="button" class="loop" aria-pressed="false" aria-label="Loop"'
        ' title="Loop"><span aria-hidden="true">repeat</span></button>'
        '<button type="button" class="next" aria-label="Next clip" title="Next (arrow down)">'
        '<span aria-hidden="true">skip_next</span></button></div>'
    )


def _escape_attribute(text: str) -> str:
    """As the value of an attribute."""
    return html.escape(text, quote=True)


def format_playback_time(seconds: float) -> str:
    """Return "0:18"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
