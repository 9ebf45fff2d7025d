"""Options of the main mixer, through which all sound of a program passes."""

from __future__ import annotations

from collections.abc import Sequence

from core.sonicpi.sound_options_and_control_changes import OptionChange

MAX_VOLUME = 5.0
SLIDE_SECONDS = 0.02
# Of Sonic Pi 3.2.2. The mixer's slides are in seconds at every tempo.
DEFAULT_MIXER_OPTIONS = {
    **{f"{name}_slide": SLIDE_SECONDS for name in ("pre_amp", "hpf", "lpf", "amp")},
    "pre_amp": 1.0,
    "hpf": 0.0,
    "hpf_bypass": 0.0,
    "lpf": 135.5,
    "lpf_bypass": 0.0,
    "force_mono": 0.0,
    "limiter_bypass": 0.0,
    "amp": 1.0,
}


def is_mixer_silent(changes: Sequence[OptionChange]) -> bool:
    """Return whether the mixer lets nothing of the clip pass.

    Parameters
    ----------
    changes : sequence of OptionChange
        On the axis of `ScoreEvent.time`, where the clip begins at 0; in any order.
    """
    options = dict(DEFAULT_MIXER_OPTIONS)
    is_silent = False
    for change in sorted(changes, key=lambda change: change.seconds):
        options |= change.values
        is_off = options["pre_amp"] <= 0 or options["amp"] <= 0
        if change.seconds > 0 and not (is_silent and is_off):
            return False
        is_fading = max(options["pre_amp_slide"], options["amp_slide"]) > SLIDE_SECONDS
        is_silent = is_off and (is_silent or not is_fading)
    return is_silent
