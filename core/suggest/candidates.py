"""Candidates: variants of a program, each made by one edit or a few, all different."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from core.errors import EarshotError
from core.programs.grammar.seeded_rng import SeededRandom
from core.programs.template_vocabulary import DEFAULT_SOUND_SET
from core.suggest.code_edit import (
    EDIT_KINDS,
    CodeEdit,
    Replacement,
    apply_source_replacements,
    do_edits_overlap,
)
from core.suggest.fx_edits import list_fx_edits
from core.suggest.layer_edits import list_layer_edits
from core.suggest.note_edits import list_note_edits
from core.suggest.option_edits import list_option_edits
from core.suggest.program_literals_calls_and_blocks import ProgramOutline
from core.suggest.rhythm_edits import list_rhythm_edits
from core.suggest.synth_and_sample_edits import list_sample_edits, list_synth_edits
from core.suggest.tempo_and_random_edits import list_random_edits, list_tempo_edits

MAX_EXTRA_EDITS = 5
"""Edits besides the first at a wildness of 1."""
MAX_DRAWS_PER_CANDIDATE = 20
NEW_LAYER_COUNT = 16
# How often each kind is drawn. A change of the synth is heard more than one of an option, and a
# program has far more options.
KIND_WEIGHTS = {
    "note": 1.0,
    "rhythm": 1.2,
    "synth": 1.2,
    "sample": 1.2,
    "fx": 1.6,
    "envelope": 1.0,
    "option": 1.2,
    "tempo": 0.4,
    "random": 0.5,
    "layer": 0.8,
}


@dataclass(frozen=True)
class CandidateOptions:
    """How candidates are made.

    Attributes
    ----------
    wildness : float
        0 for one change per candidate, 1 for up to 6 changes.
    kept_lines : frozenset of int
        Lines, from 1, that no change touches.
    kinds : tuple of str
        Kinds of changes; empty for all.
    seed : int
        The same seed gives the same candidates.
    sound_set : {"3.2", "5"}
        Version of Sonic Pi whose synths, samples and FX are used.

    Raises
    ------
    EarshotError
        When the wildness is not in [0, 1] or a kind does not exist.
    """

    wildness: float = 0.0
    kept_lines: frozenset[int] = frozenset()
    kinds: tuple[str, ...] = ()
    seed: int = 0
    sound_set: str = DEFAULT_SOUND_SET

    def __post_init__(self) -> None:
        if not 0 <= self.wildness <= 1:
            raise EarshotError(
                f"The wildness is {self.wildness:g}.", remedy="Give a number from 0 to 1."
            )
        for kind in self.kinds:
            if kind not in EDIT_KINDS:
                raise EarshotError(
                    f"There is no kind of change {kind!r}.",
                    remedy=f"Use one of: {', '.join(EDIT_KINDS)}.",
                )


@dataclass(frozen=True)
class SourceChange:
    """The lines in which a candidate differs from the program.

    Attributes
    ----------
    line : int
        First changed line of the program, from 1.
    before, after : str
        The changed lines; "" where lines are only added or removed.
    words : str
        "cutoff 100 → 70 in live_loop :bass".
    """

    line: int
    before: str
    after: str
    words: str


@dataclass(frozen=True)
class Candidate:
    """A variant of a program.

    Attributes
    ----------
    source : str
    kind : str
        One of `EDIT_KINDS`; several are joined by "+".
    change : SourceChange
    replacements : tuple of Replacement
        What was replaced in the program; empty where that is not known.
    """

    source: str
    kind: str
    change: SourceChange
    replacements: tuple[Replacement, ...] = ()


def iterate_candidates(
    outline: ProgramOutline, options: CandidateOptions | None = None
) -> Iterator[Candidate]:
    """Yield distinct candidates of a program until there are no more.

    Whether a candidate parses and sounds is not checked here.

    Parameters
    ----------
    outline : ProgramOutline
    options : CandidateOptions, optional
    """
    options = options or CandidateOptions()
    rng = SeededRandom(f"suggest/{options.seed}/{outline.source}")
    edits = list_single_program_edits(outline, options, rng)
    sources = {outline.source}
    for first in _draw_weighted_random_edits(edits, rng):
        chosen = [first]
        for _ in range(int(rng.sample_uniform(0, 1, 6) * (1 + options.wildness * MAX_EXTRA_EDITS))):
            other = rng.pick_option(edits)
            if not any(_do_edits_conflict(other, edit) for edit in chosen):
                chosen.append(other)
        candidate = apply_edits_to_make_candidate(outline.source, chosen)
        if candidate.source not in sources:
            sources.add(candidate.source)
            yield candidate


def list_single_program_edits(
    outline: ProgramOutline, options: CandidateOptions, rng: SeededRandom
) -> list[CodeEdit]:
    """Return all single edits of a program that the options allow."""
    edits = [
        *list_note_edits(outline),
        *list_rhythm_edits(outline),
        *list_synth_edits(outline, options.sound_set),
        *list_sample_edits(outline, options.sound_set),
        *list_option_edits(outline, rng),
        *list_fx_edits(outline, rng),
        *list_tempo_edits(outline),
        *list_random_edits(outline, rng),
        *list_layer_edits(outline, rng, options.sound_set, NEW_LAYER_COUNT),
    ]
    return [
        edit
        for edit in edits
        if (not options.kinds or edit.kind in options.kinds)
        and not any(edit.first_line <= line <= edit.last_line for line in options.kept_lines)
    ]


def _draw_weighted_random_edits(edits: list[CodeEdit], rng: SeededRandom) -> Iterator[CodeEdit]:
    """Yield all edits: the kinds by weight, then the sites of a kind with equal probability."""
    by_kind: dict[str, dict[str, list[CodeEdit]]] = defaultdict(lambda: defaultdict(list))
    for edit in edits:
        by_kind[edit.kind][edit.site].append(edit)
    while by_kind:
        kind = rng.pick_option_by_weight({name: KIND_WEIGHTS[name] for name in by_kind})
        sites = by_kind[kind]
        site = rng.pick_option(list(sites))
        remaining = sites[site]
        yield remaining.pop(rng.sample_integer(0, len(remaining) - 1))
        if not remaining:
            del sites[site]
        if not sites:
            del by_kind[kind]


def _do_edits_conflict(first: CodeEdit, second: CodeEdit) -> bool:
    return first.site == second.site or do_edits_overlap(first.replacements, second.replacements)


def apply_edits_to_make_candidate(source: str, edits: list[CodeEdit]) -> Candidate:
    """Return the candidate that edits make of a program."""
    replacements = tuple(item for edit in edits for item in edit.replacements)
    changed = apply_source_replacements(source, replacements)
    kinds = sorted({edit.kind for edit in edits}, key=EDIT_KINDS.index)
    words = "; ".join(edit.words for edit in edits)
    change = build_source_change(source, changed, words)
    return Candidate(changed, "+".join(kinds), change, replacements)


def build_source_change(before: str, after: str, words: str) -> SourceChange:
    r"""Return the lines in which two sources differ.

    Examples
    --------
    >>> build_source_change("play 60\nsleep 1\n", "play 64\nsleep 1\n", "note 60 → 64")
    SourceChange(line=1, before='play 60', after='play 64', words='note 60 → 64')
    """
    old, new = before.split("\n"), after.split("\n")
    limit = min(len(old), len(new))
    start = 0
    while start < limit and old[start] == new[start]:
        start += 1
    end = 0
    while end < limit - start and old[len(old) - 1 - end] == new[len(new) - 1 - end]:
        end += 1
    return SourceChange(
        start + 1,
        "\n".join(old[start : len(old) - end]),
        "\n".join(new[start : len(new) - end]),
        words,
    )


def parse_line_ranges(text: str) -> frozenset[int]:
    """Return the lines of a text such as "3-7,12".

    Raises
    ------
    EarshotError
        If the text has another form.

    Examples
    --------
    >>> sorted(parse_line_ranges("3-5,12"))
    [3, 4, 5, 12]
    """
    lines: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last:
            raise EarshotError(
                f"{text[:60]!r} names no lines.", remedy="Write lines such as 3-7,12, from 1."
            )
        lines.update(range(first, last + 1))
    return frozenset(lines)
