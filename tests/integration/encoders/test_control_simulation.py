"""The simulation follows `control` as the renderer does: levels over time within a few dB."""

import numpy as np
import pytest

from core.encoders.simulation.program_simulation import simulate_program
from core.encoders.simulation.third_octave_bands import (
    BAND_COUNT,
    FRAME_SECONDS,
    build_band_filters,
    compute_frame_spectra,
)
from core.sonicpi import render
from core.sonicpi.interpreter import interpret_program

SECONDS = 4.0
PROGRAMS = {
    "amp of an FX": "with_fx :level, amp: 0.02 do |l|\nsynth :noise, sustain: 4\n"
    "control l, amp: 1, amp_slide: 3\nend",
    "cutoff of an FX": "with_fx :rlpf, cutoff: 20 do |f|\nsynth :saw, note: 40, sustain: 4\n"
    "sleep 1\ncontrol f, cutoff: 110, cutoff_slide: 2\nend",
    "amp, cutoff and end of a synth": "s = synth :saw, note: 40, sustain: 4, cutoff: 50\nsleep 1\n"
    "control s, cutoff: 120, cutoff_slide: 1\nsleep 1.5\ncontrol s, amp: 0.1\nsleep 1\nkill s",
    "amp of a sample": "s = sample :ambi_drone\nsleep 2\ncontrol s, amp: 0.1",
    "amp of each FX in a loop": "live_loop :a do\nwith_fx :level do |l|\nsynth :noise, sustain: 2\n"
    "sleep 1\ncontrol l, amp: 0.1\nsleep 1\nend\nend",
    "volume of the main mixer": "set_volume! 0.1\nsynth :saw, note: 40, sustain: 4\nsleep 1\n"
    "set_volume! 1\nsleep 1\nset_mixer_control! amp: 0.05, amp_slide: 1\nsleep 1.5\nreset_mixer!",
    "filter of the main mixer": "synth :saw, note: 40, sustain: 4\nsleep 1\n"
    "set_mixer_control! hpf: 110, hpf_slide: 2",
}


def measure_half_second_levels(power):
    length = round(0.5 / FRAME_SECONDS)
    sums = power[:, :BAND_COUNT].sum(axis=1)
    means = [sums[first : first + length].mean() for first in range(0, len(sums) - length, length)]
    return 10 * np.log10(np.maximum(means, 1e-7))


@pytest.mark.parametrize("name", PROGRAMS)
def test_levels_over_time_are_those_of_the_clip(name):
    source = PROGRAMS[name]
    samples = render(source, SECONDS).samples
    power = sum(compute_frame_spectra(samples[:, side]) for side in (0, 1)) / 2
    measured = measure_half_second_levels(power @ build_band_filters())
    reading = interpret_program(source)
    simulated = measure_half_second_levels(
        simulate_program(reading.events, SECONDS, reading.mixer_changes).power
    )
    assert np.ptp(measured) > 8
    count = min(len(measured), len(simulated))
    differences = np.abs(measured[:count] - simulated[:count])
    assert np.median(differences) < 2.5 and differences.max() < 9
