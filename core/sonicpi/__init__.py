"""Sonic Pi without waiting: programs in, clips out, in a sandbox.

>>> from core.sonicpi import render
>>> clip = render("sample :loop_amen", seconds=2)
"""

from core.sonicpi.clip import SAMPLE_RATE, Clip, Event, Problem, RenderError, Rendering
from core.sonicpi.limits import Limits
from core.sonicpi.pool import render_many
from core.sonicpi.sandbox import sandbox_state
from core.sonicpi.single_render import events, render, render_result
from core.sonicpi.versions import RENDERER_VERSION, render_id, scsynth_version, sonic_pi_version

__all__ = [
    "RENDERER_VERSION",
    "SAMPLE_RATE",
    "Clip",
    "Event",
    "Limits",
    "Problem",
    "RenderError",
    "Rendering",
    "events",
    "render",
    "render_id",
    "render_many",
    "render_result",
    "sandbox_state",
    "scsynth_version",
    "sonic_pi_version",
]
