"""Loops for comparing versions of a program by ear: equal bars, equal loudness."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import EarshotError
from core.sonicpi import Clip
from core.suggest.program_literals_calls_and_blocks import ProgramOutline, build_program_outline

BEATS_PER_BAR = 4
DEFAULT_BPM = 60.0
MIN_BPM, MAX_BPM = 20.0, 400.0
MAX_LOOP_SECONDS = 32.0
TARGET_LOUDNESS_LUFS = -20.0
MAX_GAIN_DB = 12.0


@dataclass(frozen=True)
class LoopTiming:
    """Length of the loop of one version.

    Attributes
    ----------
    bpm : float
        Beats per minute.
    bars : int
        Bars of four beats.
    """

    bpm: float
    bars: int

    @property
    def seconds(self) -> float:
        """Length of the loop in seconds."""
        return self.bars * BEATS_PER_BAR * 60 / self.bpm


def find_program_tempo(outline: ProgramOutline | None) -> float:
    """Return the tempo that a program sets first, in beats per minute, 20 to 400; 60 without one.

    Parameters
    ----------
    outline : ProgramOutline or None
        None for a program that does not parse.
    """
    if outline is None:
        return DEFAULT_BPM
    for literal in outline.list_literals_with_roles("tempo"):
        if literal.function in ("use_bpm", "with_bpm") and isinstance(literal.value, (int, float)):
            return min(max(float(literal.value), MIN_BPM), MAX_BPM)
    return DEFAULT_BPM


def compute_loop_timings(sources: list[str], bars: int) -> list[LoopTiming]:
    """Return the loop of each version: all have the same number of bars.

    Parameters
    ----------
    sources : list of str
        Versions of a program.
    bars : int
        At least 1. Fewer are used when a loop would exceed `MAX_LOOP_SECONDS`.

    Raises
    ------
    EarshotError
        When `bars` is less than 1.

    Examples
    --------
    >>> timings = compute_loop_timings(["use_bpm 120; play 60", "use_bpm 60; play 60"], bars=4)
    >>> [(timing.bars, timing.seconds) for timing in timings]
    [(4, 8.0), (4, 16.0)]
    """
    if bars < 1:
        raise EarshotError(f"A loop of {bars} bars is impossible.", remedy="Give at least 1 bar.")
    tempos = [find_program_tempo(build_program_outline(source)) for source in sources]
    slowest = min(tempos, default=DEFAULT_BPM)
    longest = int(MAX_LOOP_SECONDS * slowest / (60 * BEATS_PER_BAR))
    return [LoopTiming(tempo, max(1, min(bars, longest))) for tempo in tempos]


@dataclass(frozen=True)
class ClipLoudness:
    """Loudness of a clip, and the factor that brings it to the common loudness.

    Attributes
    ----------
    lufs : float
        Integrated loudness by ITU-R BS.1770-4; -70 for silence.
    gain : float
        Linear, from 0 to 4 (12 dB). Where the clip's peak would exceed 1, the factor is smaller.
    """

    lufs: float
    gain: float


def measure_clip_loudness(clip: Clip) -> ClipLoudness:
    """Measure a clip's loudness and the gain that matches it to `TARGET_LOUDNESS_LUFS`."""
    # Imports scipy.
    from core.encoders.clip_descriptor_encoder import measure_integrated_loudness

    lufs = measure_integrated_loudness(clip)
    gain = 10 ** (min(TARGET_LOUDNESS_LUFS - lufs, MAX_GAIN_DB) / 20)
    return ClipLoudness(lufs, float(min(gain, 1 / max(clip.peak, 1e-6))))


def compute_loudness_gain(clip: Clip) -> float:
    """Return the factor that brings a clip to the common loudness without clipping.

    Returns
    -------
    float
        Linear, as `ClipLoudness.gain`.
    """
    return measure_clip_loudness(clip).gain
