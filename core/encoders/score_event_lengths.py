"""Lengths of score events, from the options that a program sets and the defaults of the sound."""

from __future__ import annotations

import math

from core.sonicpi.score_events import ScoreEvent
from core.sonicpi.sonic_pi_inventory import (
    get_builtin_sample_duration,
    get_default_synth_options,
    load_sonic_pi_inventory,
)

AUDIBLE_RANGE_NEPERS = math.log(1000)  # 60 dB


def merge_default_event_options(event: ScoreEvent) -> dict[str, float]:
    """Return an event's options with the defaults of its synth or of the sample player."""
    if event.kind == "sample":
        return {**load_sonic_pi_inventory()["player"], **event.options}
    return {**get_default_synth_options(event.name), **event.options}


def estimate_event_seconds(event: ScoreEvent, options: dict[str, float]) -> float:
    """Return the approximate length of an event in seconds, at least 0.02.

    Parameters
    ----------
    event : ScoreEvent
    options : dict of str to float
        With defaults.
    """
    envelope_seconds = sum(
        [max(0.0, options.get(stage, 0.0)) for stage in ("attack", "decay", "sustain", "release")]
    )
    if event.kind == "synth":
        has_curve = "decay_curve" in options
        return max(0.02, _estimate_decay_seconds(options) if has_curve else envelope_seconds)
    sample_seconds = get_builtin_sample_duration(event.name)
    rate = max(abs(options.get("rate", 1.0)), 0.01)
    part = abs(options.get("finish", 1.0) - options.get("start", 0.0))
    played_seconds = sample_seconds / rate * min(max(part, 0.001), 1.0)
    has_envelope = event.options.get("sustain", -1) >= 0
    return max(0.02, min(played_seconds, envelope_seconds) if has_envelope else played_seconds)


def _estimate_decay_seconds(options: dict[str, float]) -> float:
    """Return the time in which a synth with the option decay_curve fades by 60 dB.

    Parameters
    ----------
    options : dict of str to float
        With defaults; "decay" in seconds.

    Notes
    -----
    SuperCollider's envelope of curve c falls as exp(c t / decay), so that of a drum with the curve
    -250 ends long before its decay time.
    """
    decay, curve = options.get("decay", 0.0), abs(options.get("decay_curve", 0.0))
    return decay * min(1.0, AUDIBLE_RANGE_NEPERS / curve) if curve else decay
