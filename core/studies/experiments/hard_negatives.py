"""Change a program a little, so that it sounds otherwise: a hard negative."""

from __future__ import annotations

import re
from collections.abc import Callable

from core.programs.grammar import instruments
from core.programs.grammar.rng import Dice
from core.programs.tokens import Token, joined, significant, tokens

_NOTE = re.compile(r":([a-gA-G][sb]?)(\d)\Z")
_SAMPLES = {name: group for group, members in instruments.SAMPLE_GROUPS.items() for name in members}
# Of these, whatever their options are, another one can take the place.
_VOICES = (
    "beep saw pulse square tri sine fm prophet blade pluck piano dsaw pretty_bell chiplead hollow"
).split()

Change = Callable[[list[Token], Dice], list[Token] | None]


def perturb(source: str, seed: int) -> str:
    """Return the program with one change that can be heard.

    Parameters
    ----------
    source : str
        Sonic Pi code.
    seed : int
        Any whole number: the same one gives the same change.

    Notes
    -----
    The change is one of: another synth, another sample, another octave, other rests,
    a sample backwards or at another speed, another tempo. Code that is never reached may
    be what was changed; nothing is run here.
    """
    dice = Dice(f"perturb/{seed}/{source}")
    row = tokens(source)
    for change in dice.shuffled(_CHANGES):
        changed = change(row, dice)
        if changed is not None and joined(changed) != source:
            return joined(changed)
    return f"use_synth :{dice.pick(_VOICES[1:])}\nuse_bpm {dice.pick((40, 90, 110))}\n{source}"


def _replaced(row: list[Token], new: dict[int, str]) -> list[Token]:
    return [Token(token.kind, new.get(index, token.text)) for index, token in enumerate(row)]


def _told(row: list[Token], *words: str) -> list[int]:
    """Return the places of tokens that follow one of the words: `use_synth :saw`, `(:saw)` too."""
    found = []
    for index in range(len(row)):
        before = significant(row, index, -1)
        if before.text == "(":
            before = significant(row, row.index(before, max(0, index - 3)), -1)
        if before.text in words:
            found.append(index)
    return found


def _another_synth(row: list[Token], dice: Dice) -> list[Token] | None:
    places = [i for i in _told(row, "use_synth", "synth", "with_synth") if row[i].kind == "symbol"]
    if not places:
        return None
    place = dice.pick(places)
    old = row[place].text
    new = dice.pick([name for name in _VOICES if f":{name}" != old])
    return _replaced(row, {i: f":{new}" for i in places if row[i].text == old})


def _another_sample(row: list[Token], dice: Dice) -> list[Token] | None:
    places = [i for i, t in enumerate(row) if t.kind == "symbol" and t.text[1:] in _SAMPLES]
    if not places:
        return None
    old = row[dice.pick(places)].text
    group = instruments.SAMPLE_GROUPS[_SAMPLES[old[1:]]]
    if dice.chance(0.5):
        group = instruments.SAMPLE_GROUPS[dice.pick(list(instruments.SAMPLE_GROUPS))]
    new = dice.pick([name for name in group if f":{name}" != old])
    return _replaced(row, {i: f":{new}" for i in places if row[i].text == old})


def _another_octave(row: list[Token], dice: Dice) -> list[Token] | None:
    shift = dice.pick((-1, 1))
    new: dict[int, str] = {}
    for index, token in enumerate(row):
        match = _NOTE.match(token.text) if token.kind == "symbol" else None
        if match and 2 <= int(match[2]) + shift <= 6:
            new[index] = f":{match[1]}{int(match[2]) + shift}"
    for index in _told(row, "play", "note:"):
        if row[index].text.isdigit() and 36 <= int(row[index].text) + 12 * shift <= 96:
            new[index] = str(int(row[index].text) + 12 * shift)
    return _replaced(row, new) if new else None


def _other_rests(row: list[Token], dice: Dice) -> list[Token] | None:
    places = [
        i for i in _told(row, "sleep", "wait") if row[i].kind == "number" and float(row[i].text) > 0
    ]
    places = [i for i in places if significant(row, i, 1).text not in ("/", "*", ".", "+", "-")]
    if not places:
        return None
    factor = dice.pick((0.5, 1.5, 2.0, 0.75))
    return _replaced(row, {i: f"{max(0.0625, float(row[i].text) * factor):g}" for i in places})


def _backwards(row: list[Token], dice: Dice) -> list[Token] | None:
    rates = [i for i in _told(row, "rate:") if row[i].kind == "number"]
    if rates:
        place = dice.pick(rates)
        value = float(row[place].text)
        return _replaced(
            row, {place: dice.pick((f"-{row[place].text}", f"{value * 0.5:g}", f"{value * 2:g}"))}
        )
    places = [i for i in _told(row, "sample") if row[i].text[1:] in _SAMPLES]
    if not places or any(token.text in ("rate:", ":rate") for token in row):
        return None
    place = dice.pick(places)
    return _replaced(row, {place: f"{row[place].text}, rate: {dice.pick(('-1', '0.5', '1.7'))}"})


def _another_tempo(row: list[Token], dice: Dice) -> list[Token] | None:
    places = [i for i in _told(row, "use_bpm") if row[i].kind == "number"]
    if not places:
        return None
    return _replaced(
        row, {i: f"{float(row[i].text) * dice.pick((0.6, 0.75, 1.35, 1.6)):.0f}" for i in places}
    )


_CHANGES: tuple[Change, ...] = (
    _another_synth,
    _another_sample,
    _another_octave,
    _other_rests,
    _backwards,
    _another_tempo,
)
