"""Buttons that play a program in the Sonic Pi on this machine, and stop it."""

from __future__ import annotations

import streamlit as st

from core.sonicpi.live.play_and_stop import is_sonic_pi_allowed, play_in_sonic_pi, stop_sonic_pi
from pages.components import markdown_and_errors


def draw_sonic_pi_buttons(code: str, key: str) -> None:
    """Draw "Play in Sonic Pi" and "Stop"; nothing where sending is off.

    Sending is off in read-only mode and when the dashboard is open to other people.

    Parameters
    ----------
    code : str
        Program to play. It is sent only when the button is pressed.
    key : str
        Unique on the page.
    """
    if not is_sonic_pi_allowed():
        return
    with st.container(horizontal=True, gap="small", key=f"sonic-pi-{key}"):
        should_play = st.button(
            "Play in Sonic Pi",
            key=f"sonic-pi-play-{key}",
            icon=":material/cell_tower:",
            help="Runs this code in the Sonic Pi on this machine, with your permissions and"
            " outside of the sandbox.",
        )
        should_stop = st.button(
            "Stop",
            key=f"sonic-pi-stop-{key}",
            icon=":material/stop:",
            help="Stops all programs of Sonic Pi.",
        )
    with markdown_and_errors.catch_and_show_errors():
        if should_play:
            st.toast(f"{play_in_sonic_pi(code).format_name_with_warning()} plays this code.")
        elif should_stop:
            stop_sonic_pi()
            st.toast("Stopped all programs of Sonic Pi.")
