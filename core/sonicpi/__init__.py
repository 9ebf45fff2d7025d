"""Sonic Pi renderer: programs to clips, faster than real time and in a sandbox.

>>> from core.sonicpi import render
>>> clip = render("sample :loop_amen", seconds=2)
"""

from core.sonicpi.audio_clip_and_render_result import (
    SAMPLE_RATE,
    Clip,
    OscMessage,
    RenderError,
    RenderProblem,
    RenderResult,
)
from core.sonicpi.render_limits import RenderLimits
from core.sonicpi.render_pool import render_programs_in_parallel
from core.sonicpi.renderer_versions_and_render_id import (
    DEFAULT_SONIC_PI,
    RENDERER_VERSION,
    SONIC_PI_CHOICES,
    compute_render_id,
    get_scsynth_version,
    get_sonic_pi_version,
)
from core.sonicpi.sandbox import check_sandbox
from core.sonicpi.single_render import collect_osc_messages, render, try_render

__all__ = [
    "DEFAULT_SONIC_PI",
    "RENDERER_VERSION",
    "SONIC_PI_CHOICES",
    "SAMPLE_RATE",
    "Clip",
    "OscMessage",
    "RenderLimits",
    "RenderProblem",
    "RenderError",
    "RenderResult",
    "collect_osc_messages",
    "render",
    "compute_render_id",
    "render_programs_in_parallel",
    "try_render",
    "check_sandbox",
    "get_scsynth_version",
    "get_sonic_pi_version",
]
