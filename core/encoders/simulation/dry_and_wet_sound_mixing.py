"""Mix of the dry and the wet sound of an FX, and sums of sounds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from core.encoders.simulation.third_octave_bands import BAND_COUNT

# Their output is in phase with the input.
IN_PHASE_FX = frozenset(
    "distortion tanh krush bitcrusher compressor normaliser level mono pan eq band_eq slicer"
    " tremolo lpf hpf bpf rlpf rhpf rbpf nlpf nhpf nbpf nrlpf nrhpf nrbpf".split()
)


@dataclass(frozen=True, eq=False)
class MixedSound:
    """Sum of events.

    Attributes
    ----------
    power : float32 [frames, bands + 1]
        As in `SimulatedEvent`, over the whole clip.
    widths, floors : float32 [bands]
        Of the events, weighted by their energy.
    side_share : float
    """

    power: np.ndarray
    widths: np.ndarray
    floors: np.ndarray
    side_share: float


def scale_sound_power(sound: MixedSound, factor: float | np.ndarray) -> MixedSound:
    """Return a sound with power times a factor, or times one per frame: float [frames]."""
    is_one = not isinstance(factor, np.ndarray) and factor == 1
    return sound if is_one else replace(sound, power=_scale_all_powers(sound.power, factor))


def _scale_all_powers(power: np.ndarray, factor: float | np.ndarray) -> np.ndarray:
    scaled: np.ndarray = power * np.asarray(factor, np.float32).reshape(-1, 1)
    return scaled


def mix_dry_and_wet(
    name: str, dry: MixedSound, wet: MixedSound, mix: float | np.ndarray
) -> MixedSound:
    """Return the mix of an FX by equal power, as of Sonic Pi's FX; one value, or float [frames]."""
    if wet is dry or name == "level" or (not isinstance(mix, np.ndarray) and mix >= 1):
        return wet
    dry_gain, wet_gain = np.cos(mix * (math.pi / 2)), np.sin(mix * (math.pi / 2))
    if name == "reverb":  # Freeverb, which gets the same mix, passes on a part of the dry sound.
        dry_gain, wet_gain = dry_gain + wet_gain * (1 - mix), wet_gain * mix
    unmixed_power = dry.power
    dry, wet = scale_sound_power(dry, dry_gain**2), scale_sound_power(wet, wet_gain**2)
    mixed = add_two_sounds(dry, wet)
    # The amplitudes of what is in phase add up rather than the powers.
    if name == "echo":  # Its output has the input as well.
        return replace(
            mixed, power=mixed.power + _scale_all_powers(unmixed_power, 2 * dry_gain * wet_gain)
        )
    if name in IN_PHASE_FX:
        return replace(mixed, power=mixed.power + 2 * np.sqrt(dry.power * wet.power))
    return mixed


def add_two_sounds(first: MixedSound, second: MixedSound) -> MixedSound:
    """Return the sum of two versions of one sound."""
    energies = _sum_sound_energy(first), _sum_sound_energy(second)
    share = energies[1] / (energies[0] + energies[1] + 1e-12)
    side_share = share * second.side_share + (1 - share) * first.side_share
    return replace(second, power=first.power + second.power, side_share=side_share)


def _sum_sound_energy(sound: MixedSound) -> float:
    return float(sound.power[:, :BAND_COUNT].sum())
