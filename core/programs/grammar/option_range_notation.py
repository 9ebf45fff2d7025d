"""Options of synths and FX with their useful ranges, written as `name=lo..hi` or `name=a|b|c`."""

from __future__ import annotations

from dataclasses import dataclass

from core.programs.grammar.seeded_rng import SeededRandom


@dataclass(frozen=True)
class SoundOption:
    """An option of a synth or FX, with a range of numbers or with choices.

    Parameters
    ----------
    name : str
        Name of the option.
    lo, hi : float
        Range of a number.
    choices : tuple of str
        Values as Ruby code; empty for a number.
    """

    name: str
    lo: float = 0.0
    hi: float = 0.0
    choices: tuple[str, ...] = ()

    def write_random_option_value(self, rng: SeededRandom) -> str:
        """Draw a value and return it as Ruby code."""
        if self.choices:
            return rng.pick_option(self.choices)
        return f"{rng.sample_round_number(self.lo, self.hi):g}"


def parse_option_ranges(text: str) -> tuple[SoundOption, ...]:
    """Parse options that are separated by spaces."""
    options = []
    for part in text.split():
        name, _, values = part.partition("=")
        if ".." in values:
            lo, hi = map(float, values.split(".."))
            options.append(SoundOption(name, lo, hi))
        else:
            options.append(SoundOption(name, choices=tuple(values.split("|"))))
    return tuple(options)
