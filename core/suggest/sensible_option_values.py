"""Sensible values of the options of synths, samples and FX."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from core.programs.grammar.newer_sonic_pi_synth_options import LATER_SYNTH_OPTIONS
from core.programs.grammar.option_range_notation import SoundOption, parse_option_ranges
from core.programs.grammar.synth_fx_and_sample_sets import FX_OPTIONS, SYNTH_OPTIONS
from core.suggest.program_literals_calls_and_blocks import Literal

ENVELOPE_OPTIONS = frozenset(
    "attack decay sustain release attack_level decay_level sustain_level env_curve".split()
)
# Options of every sound, where the synth, sample or FX has no range of its own.
COMMON_OPTIONS = {
    option.name: option
    for option in parse_option_ranges(
        "amp=0.1..2 pan=-1..1 attack=0..2 decay=0..1 sustain=0..2 release=0.05..4 "
        "attack_level=0.2..1 decay_level=0.2..1 sustain_level=0.2..1 env_curve=1|2|3|4|6|7 "
        "cutoff=50..125 lpf=50..125 hpf=20..100 res=0.1..0.9 rate=0.25|0.5|0.75|1|1.5|2|-1|-0.5 "
        "start=0..0.7 finish=0.2..1 beat_stretch=1|2|4|8 pitch_stretch=2|4|8 "
        "rpitch=-12|-7|-5|0|5|7|12 pitch=-12|-5|0|7|12 num_slices=4|8|16 slice=0|1|2|3|4|5 "
        "detune=0.05..0.9 depth=0.2..4 divisor=0.5|1|2|3|4 mod_phase=0.05..1.5 mod_range=2..24 "
        "pulse_width=0.1..0.9 mix=0..1 phase=0.0625..2 room=0.1..0.99 damp=0.1..0.9 "
        "distort=0.1..0.9 feedback=0.1..0.8 bits=3..12 pre_amp=0.3..1.5 wave=0|1|2|3 "
        "vibrato_rate=1..10 vibrato_depth=0.05..0.5 coef=0.1..0.6 sub_amp=0.2..1.2 "
        "ring=0.1..0.9 vel=0.1..0.9 hard=0.1..0.9 probability=0..0.6 krunch=2..12 centre=50..100 "
        "freq=20..100 transpose=-12|-7|0|7|12 mod_amp=0.3..1 cutoff_min=30..70 cutoff_max=80..125"
    )
}
# Factors on a value whose option has no known range, and on times: ratios matter there.
FACTORS = (0.25, 0.5, 0.75, 1.5, 2.0, 4.0)
RATIO_OPTIONS = frozenset("attack decay sustain release phase decay mod_phase amp".split())
FIXED_OPTIONS = frozenset(
    "on seed slide amp_slide pitch_slide tuning path compress pre_mix kill_delay max_phase".split()
)
STEP_COUNT = 5


@dataclass(frozen=True)
class ValueRange:
    """Sensible range of a literal.

    Attributes
    ----------
    low, high : float
    choices : tuple of float
        The only values, or empty where every number of the range is sensible.
    is_ratio : bool
        Whether ratios matter rather than differences.
    """

    low: float
    high: float
    choices: tuple[float, ...] = ()
    is_ratio: bool = False

    def list_values_over_range(self, count: int = STEP_COUNT) -> list[float]:
        """Return values over the whole range, ascending."""
        if self.choices:
            return sorted(self.choices)
        if self.is_ratio and self.low > 0:
            ratio = (self.high / self.low) ** (1 / (count - 1))
            return [self.low * ratio**step for step in range(count)]
        return [self.low + (self.high - self.low) * step / (count - 1) for step in range(count)]


@cache
def _get_options_of_sound(function: str, sound: str) -> dict[str, SoundOption]:
    table = FX_OPTIONS if function == "with_fx" else {**SYNTH_OPTIONS, **LATER_SYNTH_OPTIONS}
    return {option.name: option for option in table.get(sound, ())}


def find_value_range(literal: Literal) -> ValueRange | None:
    """Return the sensible range of a number that is an option's value; None for other literals."""
    name = literal.option
    if literal.role != "option" or not isinstance(literal.value, (int, float)):
        return None
    if name in FIXED_OPTIONS or name.endswith(("_slide", "_slide_shape", "_slide_curve")):
        return None
    value = float(literal.value)
    option = _get_options_of_sound(literal.function, literal.sound).get(name)
    option = option or COMMON_OPTIONS.get(name)
    if option is None:
        if value == 0:
            return None
        low, high = sorted((value * FACTORS[0], value * FACTORS[-1]))
        return ValueRange(low, high, is_ratio=value > 0)
    if option.choices:
        try:
            return ValueRange(0, 0, tuple(float(choice) for choice in option.choices))
        except ValueError:
            return None
    if name in RATIO_OPTIONS and value > 0:
        return ValueRange(value * FACTORS[0], value * FACTORS[-1], is_ratio=True)
    return ValueRange(option.lo, option.hi)


def list_addable_options(function: str, sound: str) -> list[SoundOption]:
    """Return the options that can be added to a call of a function with a sound."""
    if function == "with_fx":
        return list(FX_OPTIONS.get(sound, ()))
    names = "lpf hpf rate pan" if function == "sample" else "pan"
    options_of_synth = SYNTH_OPTIONS.get(sound, ()) if function != "sample" else ()
    return [*options_of_synth, *(COMMON_OPTIONS[name] for name in names.split())]
