"""Audio players: a clip's waveform with play, loop and next, and buttons that play clips.

A player is only markup. `audio_player.js` plays one clip at a time, and fetches a clip when it
plays it.
"""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote
from weakref import WeakKeyDictionary

import streamlit as st

from core.corpus import does_clip_exist, get_local_clip_file
from core.errors import EarshotError
from core.plots.waveform_svg import (
    build_brightness_gradient,
    build_waveform_svg,
    compute_waveform_brightness,
    compute_waveform_envelope,
)
from core.sonicpi import Clip
from core.workspace import is_workspace_read_only
from pages.components import clip_http_routes, markdown_and_errors, session_keys

MAX_CACHED_WAVEFORMS = 2000
AUTOPLAY_DELAY_S = 0.2  # From drawing a player until its clip plays.

_player_component = st.components.v2.component(
    "earshot_player",
    # One script: a component has no modules of its own.
    js="\n".join(
        (Path(__file__).parent / name).read_text(encoding="utf-8")
        for name in ("audio_player.js", "loudness_matching.js", "audio_transport.js")
    ),
)


@dataclass(frozen=True)
class Waveform:
    """Drawing of a clip for its player.

    Attributes
    ----------
    svg : str
        Outline as SVG, quoted for a URL.
    gradient : str
        CSS gradient that shows the brightness.
    seconds : float
        Length of the clip.
    """

    svg: str
    gradient: str
    seconds: float


def add_audio_player_script_to_page() -> None:
    """Load the script that all players of a page share."""
    with st.container(key="player-script"):
        _player_component(key="player-component")


def request_autoplay(player_key: str) -> None:
    """Play a clip as soon as its player is drawn; for callbacks."""
    previous = session_keys.AUTOPLAY_REQUEST.get_value()
    number = previous.number + 1 if previous else 1
    session_keys.AUTOPLAY_REQUEST.set_value(session_keys.AutoplayRequest(player_key, number))


def wait_for_autoplay(player_key: str) -> None:
    """Wait once until a requested clip has started to play.

    Call it before drawing a chart: while a browser draws one, no clip starts.
    """
    request = session_keys.AUTOPLAY_REQUEST.get_value()
    if request is None or request.player_key != player_key:
        return
    if session_keys.AUTOPLAY_WAITED.get_value() != request.number:
        session_keys.AUTOPLAY_WAITED.set_value(request.number)
        time.sleep(AUTOPLAY_DELAY_S)


def stop_playback_and_show_block(key: str) -> None:
    """Stop what plays, and scroll the block in which this is drawn into view, once.

    Call it before slow work that replaces a clip, so that the old clip is not taken for the new.

    Parameters
    ----------
    key : str
        Key of the player that `request_autoplay` names afterwards.
    """
    request_autoplay(f"{key}-stop")
    attribute = _format_autoplay_attribute(f"{key}-stop")
    st.html(f'<span class="playback-stop"{attribute}></span>')


def draw_audio_file_player(audio_path: str | None, name: str, key: str) -> None:
    """Draw the player of a clip's file.

    Parameters
    ----------
    audio_path : str or None
        None for a program without a clip.
    name : str
        The program's name, for screen readers and the play history.
    key : str
        Unique on the page.
    """
    if audio_path is None or not does_clip_exist(audio_path):
        hint = "" if is_workspace_read_only() else " Build the corpus again to render it."
        st.caption(f":material/music_off: The clip is missing.{hint}")
        return
    try:
        audio_url = clip_http_routes.build_audio_url(audio_path, name)
        _draw_audio_player(audio_url, load_waveform(audio_path), name, key)
    except EarshotError as error:
        markdown_and_errors.show_error(error)


# A clip's file is named by what it was rendered from, so its content never changes.
@lru_cache(maxsize=MAX_CACHED_WAVEFORMS)
def load_waveform(audio_path: str) -> Waveform:
    """Return the drawing of a clip's file."""
    return build_waveform(Clip.load(get_local_clip_file(audio_path)))


def build_waveform(clip: Clip) -> Waveform:
    """Draw a clip: its envelope, coloured by brightness."""
    svg = quote(build_waveform_svg(compute_waveform_envelope(clip.samples)))
    brightness = compute_waveform_brightness(clip.samples, clip.sample_rate)
    return Waveform(svg, build_brightness_gradient(brightness), clip.seconds)


def draw_clip_play_button(audio_path: str, name: str, key: str) -> None:
    """Draw a button that plays a clip's file, for lists.

    Parameters
    ----------
    audio_path, name, key : str
        As for `draw_audio_file_player`.
    """
    title = _escape_html_attribute(name)
    source = _escape_html_attribute(clip_http_routes.build_audio_url(audio_path, name))
    st.html(
        f'<div class="play-button" role="group" aria-label="Clip of {title}" data-src="{source}"'
        f' data-player-key="{_escape_html_attribute(key)}"><button type="button" class="play"'
        f' title="Play" aria-label="Play {title}"><span aria-hidden="true">play_arrow</span>'
        "</button></div>",
        width="content",
    )


# The FLAC bytes and waveform of each clip in memory, for as long as the clip exists: a page draws
# the same clip again on every run.
_encoded_clips: WeakKeyDictionary[Clip, tuple[bytes, Waveform]] = WeakKeyDictionary()


def draw_clip_player(clip: Clip, name: str, key: str) -> None:
    """Draw the player of a clip in memory."""
    if clip not in _encoded_clips:
        _encoded_clips[clip] = clip.encode_audio_file(".flac"), build_waveform(clip)
    flac_bytes, waveform = _encoded_clips[clip]
    audio_url = clip_http_routes.cache_audio_and_build_url(flac_bytes, name)
    _draw_audio_player(audio_url, waveform, name, key)


def draw_playlist_button(
    player_keys: Sequence[str], label: str, seconds_per_clip: float, key: str
) -> None:
    """Draw a button that plays the clips of other players one after the other.

    Parameters
    ----------
    player_keys : sequence of str
        Keys of the players.
    label : str
    seconds_per_clip : float
        How much of each clip is played.
    key : str
        The button's own key, for `request_autoplay`.
    """
    keys = _escape_html_attribute(" ".join(player_keys))
    st.html(
        f'<button type="button" class="playlist-button" data-player-keys="{keys}"'
        f' data-seconds-per-clip="{seconds_per_clip:g}"{_format_autoplay_attribute(key)}>'
        f'<span aria-hidden="true">playlist_play</span>{html.escape(label)}</button>'
    )


def _format_autoplay_attribute(key: str) -> str:
    """Return the attribute that makes the script play a player; "" if nobody requested it."""
    request = session_keys.AUTOPLAY_REQUEST.get_value()
    if request is None or request.player_key != key:
        return ""
    return f' data-autoplay="{request.number}"'


def _draw_audio_player(audio_url: str, waveform: Waveform, name: str, key: str) -> None:
    title = _escape_html_attribute(name)
    # Streamlit's sanitizer removes SVG elements, so the waveform is a CSS mask.
    st.html(
        f'<div class="player" role="group" aria-label="Clip of {title}"'
        f' data-player-key="{_escape_html_attribute(key)}"'
        f' data-src="{_escape_html_attribute(audio_url)}"'
        f' data-seconds="{waveform.seconds:.3f}"{_format_autoplay_attribute(key)}>'
        f'<button type="button" class="play" aria-label="Play {title}" title="Play (space)">'
        '<span aria-hidden="true">play_arrow</span></button>'
        f'<div class="waveform" role="img" aria-label="Waveform of {title}"'
        ' title="Colour shows brightness: blue is dark, orange is bright"'
        f" style=\"--outline: url('data:image/svg+xml,{waveform.svg}');"
        f' --brightness: {waveform.gradient}"></div>'
        '<span class="time">0:00 /'
        f" {markdown_and_errors.format_playback_time(waveform.seconds)}</span>"
        '<button type="button" class="loop" aria-pressed="false" aria-label="Loop"'
        ' title="Loop"><span aria-hidden="true">repeat</span></button>'
        '<button type="button" class="next" aria-label="Next clip" title="Next (arrow down)">'
        '<span aria-hidden="true">skip_next</span></button></div>'
    )


def _escape_html_attribute(text: str) -> str:
    return html.escape(text, quote=True)
