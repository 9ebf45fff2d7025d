"""Sliders: the values that a literal of a program can take, within Sonic Pi's own ranges."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass

from core.programs.grammar.seeded_rng import SeededRandom
from core.sonicpi.sonic_pi_inventory import get_option_bounds
from core.suggest.candidates import CandidateOptions, list_single_program_edits
from core.suggest.code_edit import format_number_like_literal
from core.suggest.musical_key import convert_to_midi_note, format_note_like
from core.suggest.program_literals_calls_and_blocks import Literal, ProgramOutline
from core.suggest.sensible_option_values import RATIO_OPTIONS, ValueRange, find_value_range

MAX_LINEAR_STEPS = 130
RATIO_STEPS = 60
NOTE_SPAN, MIN_NOTE, MAX_NOTE = 24, 24, 127
MAX_INTERVAL = 24
MIN_BPM, MAX_BPM = 30, 240
DURATIONS_IN_BEATS = (0.125, 0.25, 0.375, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8)
COUNTS = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32)
DURATION_ROLES = ("sleep", "duration")


@dataclass(frozen=True)
class LiteralSlider:
    """A literal, and the values between which a slider moves it.

    Attributes
    ----------
    literal : Literal
    name : str
        What it sets: "cutoff", "note", "sleep".
    values : tuple of str
        Ruby code, from the lowest value to the highest. Names stand in the order in which
        suggestions list them. The literal's own code is among them.
    """

    literal: Literal
    name: str
    values: tuple[str, ...]

    @property
    def position(self) -> int:
        """Index of the literal's own code among the values."""
        return self.values.index(self.literal.text)

    def find_nearest_position(self, text: str) -> int | None:
        """Return the index of the value nearest to a literal's code; None if there is none.

        Examples
        --------
        >>> literal = Literal(0, 2, 1, "90", 90)
        >>> LiteralSlider(literal, "cutoff", ("0", "50", "90")).find_nearest_position("60")
        1
        """
        if text in self.values:
            return self.values.index(text)
        if not _is_number(text) or not all(map(_is_number, self.values)):
            return None
        differences = [abs(float(value) - float(text)) for value in self.values]
        return differences.index(min(differences))


def list_literal_sliders(outline: ProgramOutline) -> list[LiteralSlider]:
    """Return a slider for each literal whose meaning is known, in the order of the program.

    An option goes as far as Sonic Pi allows. Where Sonic Pi sets no limit, it goes as far as
    programs usually do.

    Examples
    --------
    >>> from core.suggest.program_literals_calls_and_blocks import build_program_outline
    >>> outline = build_program_outline("use_synth :saw; play 60, cutoff: 90, pan: 0.5")
    >>> sliders = {slider.name: slider for slider in list_literal_sliders(outline)}
    >>> sliders["cutoff"].values[0], sliders["cutoff"].values[-1], sliders["pan"].values[0]
    ('0', '130', '-1.0')
    """
    texts_by_start = _list_texts_of_edits(outline)
    sliders = []
    for literal in outline.literals:
        values = _list_number_values_of_slider(literal) or _list_note_names(outline, literal)
        texts = values or texts_by_start.get(literal.start, [])
        distinct = list(dict.fromkeys(texts))
        if literal.text not in distinct:
            distinct = _insert_own_text(distinct, literal.text)
        if len(distinct) > 1:
            name = literal.option or literal.role
            sliders.append(LiteralSlider(literal, name, tuple(distinct)))
    return sliders


def _list_texts_of_edits(outline: ProgramOutline) -> dict[int, list[str]]:
    """Return the other code that suggestions put at each literal, by its first character."""
    texts: dict[int, list[str]] = defaultdict(list)
    for edit in list_single_program_edits(outline, CandidateOptions(), SeededRandom("sliders")):
        if edit.site.startswith("literal "):
            texts[edit.replacements[0].start].append(edit.replacements[0].text)
    return {
        start: sorted(items, key=float) if all(_is_number(text) for text in items) else items
        for start, items in texts.items()
    }


def _list_number_values_of_slider(literal: Literal) -> list[str]:
    """Return the values of a number, ascending; empty for other literals."""
    value = literal.value
    if not isinstance(value, (int, float)):
        return []
    if literal.role == "option":
        numbers = _list_option_numbers(literal)
    elif literal.role in ("note", "tonic") and MIN_NOTE <= value <= MAX_NOTE:
        lowest, highest = max(value - NOTE_SPAN, MIN_NOTE), min(value + NOTE_SPAN, MAX_NOTE)
        numbers = [float(note) for note in range(math.ceil(lowest), math.floor(highest) + 1)]
    elif literal.role == "interval" and abs(value) <= MAX_INTERVAL:
        # An operator may stand before the number, so its sign stays.
        sign = -1 if value < 0 else 1
        numbers = sorted(float(sign * semitones) for semitones in range(MAX_INTERVAL + 1))
    elif literal.role == "tempo" and value > 0:
        bounds = min(MIN_BPM, value), max(MAX_BPM, value)
        numbers = _list_round_numbers_between(*bounds, smallest_step=1)
    elif literal.role in DURATION_ROLES and value > 0:
        numbers = list(DURATIONS_IN_BEATS)
    elif literal.role == "count" and isinstance(value, int) and value > 0:
        numbers = [float(count) for count in COUNTS]
    else:
        return []
    return [format_number_like_literal(number, literal.text) for number in numbers]


def _list_option_numbers(literal: Literal) -> list[float]:
    useful = find_value_range(literal)
    low, high = get_option_bounds(literal.sound, literal.option)
    value = float(literal.value)
    if useful is not None and useful.choices:
        return sorted(useful.choices)
    if useful is None and (low is None or high is None):
        return []
    useful = useful or ValueRange(low or 0.0, high or 0.0)
    if high is None and literal.option in RATIO_OPTIONS and value > 0:
        ratios = _list_numbers_spaced_by_ratio(
            min(value / 8, useful.low), max(value * 4, useful.high)
        )
        return ratios if low != 0 else [0.0, *ratios]
    lowest = min(useful.low, value) if low is None else low
    highest = max(useful.high, value) if high is None else high
    return _list_round_numbers_between(lowest, highest)


def _list_round_numbers_between(
    low: float, high: float, smallest_step: float = 0.001
) -> list[float]:
    """Return multiples of a round step from a lowest to a highest number, both among them."""
    exponent = math.floor(math.log10(max((high - low) / MAX_LINEAR_STEPS, smallest_step)))
    step = next(
        factor * 10**exponent
        for factor in (1, 2, 5, 10, 20)
        if (high - low) / (factor * 10**exponent) <= MAX_LINEAR_STEPS
        and factor * 10**exponent >= smallest_step
    )
    first = math.floor(low / step) + 1
    inner = [round(index * step, 6) for index in range(first, math.ceil(high / step))]
    return [low, *inner, high]


def _list_numbers_spaced_by_ratio(low: float, high: float) -> list[float]:
    """Return numbers of two digits, equally far from each other as ratios."""
    ratio = (high / low) ** (1 / RATIO_STEPS)
    return [float(f"{low * ratio**index:.2g}") for index in range(RATIO_STEPS + 1)]


def _list_note_names(outline: ProgramOutline, literal: Literal) -> list[str]:
    """Return the names of the notes around a note that is written as a name."""
    if literal.role not in ("note", "tonic") or isinstance(literal.value, (int, float)):
        return []
    midi = convert_to_midi_note(literal.value)
    if midi is None:
        return []
    notes = range(max(round(midi) - NOTE_SPAN, 0), min(round(midi) + NOTE_SPAN, MAX_NOTE) + 1)
    # The own spelling counts: :eb3 and :ds3 are one note.
    return [
        literal.text
        if note == round(midi)
        else format_note_like(note, literal.text, outline.source)
        for note in notes
    ]


def _insert_own_text(texts: list[str], text: str) -> list[str]:
    """Insert a number at its place among others, and any other text before them."""
    if not _is_number(text) or not all(_is_number(item) for item in texts):
        return [text, *texts]
    return sorted([*texts, text], key=float)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
