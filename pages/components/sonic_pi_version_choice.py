"""The choice of the version of Sonic Pi whose sound a new corpus has."""

from __future__ import annotations

import streamlit as st

from core import sonicpi
from pages.components.session_keys import SessionKey

LABELS = {"3.2": "Sonic Pi 3.2", "5": "Sonic Pi 5"}


def draw_sonic_pi_choice(key: SessionKey[str | None]) -> str:
    """Draw the choice, and return the version: one of `sonicpi.SONIC_PI_CHOICES`."""
    choice = st.segmented_control(
        "Sound of",
        sonicpi.SONIC_PI_CHOICES,
        # Streamlit warns about a default beside a value in the session.
        default=None if key.is_set() else sonicpi.DEFAULT_SONIC_PI,
        required=True,
        key=key.name,
        persist_state="session",
        format_func=LABELS.__getitem__,
        help="Seven synths, the limiter and `set_volume!` differ. The sound of 3.2 was compared"
        " with recordings. Synths and samples of later versions play with both.",
    )
    return choice or sonicpi.DEFAULT_SONIC_PI
