"""Composition of grammar programs whose styles, tempos and synths are spread evenly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from core.programs.grammar.music_styles import MUSIC_STYLES
from core.programs.grammar.program_composer import get_music_style, iterate_composed_programs
from core.programs.program import Program, validate_count_and_seed
from core.programs.synth_families import list_synth_families
from core.programs.template_vocabulary import DEFAULT_SOUND_SET

CANDIDATES_PER_PROGRAM = 6
"""Programs that are composed for each that is kept. With more, tempos are spread more evenly."""
TEMPO_BAND_EDGES = (60, 80, 100, 120, 140, 160, 181)
"""Lower ends of the bands of tempo in beats per minute, and the end of the last."""


def compose_balanced_programs(
    count: int,
    seed: int,
    styles: Sequence[str] = (),
    *,
    sound_set: str = DEFAULT_SOUND_SET,
) -> list[Program]:
    """Compose distinct grammar programs with evenly spread styles, tempos and synth families.

    The styles take turns. For each program, its style composes several candidates, and the one
    whose tempo band and synth families are rarest so far is kept. The grammar alone gives half of
    its programs Sonic Pi's default tempo of 60.

    Parameters
    ----------
    count : int
        Number of programs, 0 to 1,000,000. A smaller count gives the first programs of a larger
        one.
    seed : int
        Any integer. The same seed gives the same programs on every machine.
    styles : sequence of str
        Keys of `MUSIC_STYLES` or template ids such as "grammar-acid". Empty: all styles.
    sound_set : {"3.2", "5"}
        Version of Sonic Pi whose synths and samples are used.

    Returns
    -------
    list of Program

    Raises
    ------
    EarshotError
        If a style does not exist, or count or seed is invalid.

    Examples
    --------
    >>> programs = compose_balanced_programs(4, seed=0, styles=["acid", "drone"])
    >>> [program.template for program in programs]
    ['composed-acid', 'composed-drone', 'composed-acid', 'composed-drone']
    """
    validate_count_and_seed(count, seed)
    style_names = list(dict.fromkeys(get_music_style(style).name for style in styles))
    streams = [
        iterate_composed_programs(seed, style, sound_set=sound_set)
        for style in style_names or MUSIC_STYLES
    ]
    tempo_counts: Counter[str] = Counter()
    family_counts: Counter[str] = Counter()
    programs: dict[str, Program] = {}
    while len(programs) < count:
        stream = streams[len(programs) % len(streams)]
        candidates = _compose_candidate_programs(stream, programs)
        program = min(
            candidates,
            key=lambda candidate: _measure_tempo_and_synth_frequency(
                candidate, tempo_counts, family_counts
            ),
        )
        programs[program.source] = program
        tempo_counts[get_tempo_band(_get_program_tempo(program))] += 1
        family_counts.update(list_synth_families(program.source))
    return list(programs.values())


def get_tempo_band(bpm: float) -> str:
    """Return the band of a tempo as text, for example "120-139"; "other" outside 60 to 180.

    Parameters
    ----------
    bpm : float
        Beats per minute.
    """
    for low, high in zip(TEMPO_BAND_EDGES, TEMPO_BAND_EDGES[1:]):
        if low <= bpm < high:
            return f"{low}-{high - 1}"
    return "other"


def _compose_candidate_programs(
    stream: Iterator[Program], programs: dict[str, Program]
) -> list[Program]:
    candidates: list[Program] = []
    while len(candidates) < CANDIDATES_PER_PROGRAM:
        candidate = next(stream)
        if candidate.source not in programs:
            candidates.append(candidate)
    return candidates


def _measure_tempo_and_synth_frequency(
    program: Program, tempo_counts: Counter[str], family_counts: Counter[str]
) -> float:
    """Return how frequent the program's tempo band and its rarest synth family are so far."""
    band = get_tempo_band(_get_program_tempo(program))
    families = list_synth_families(program.source)
    # A program without synths, such as one of drums alone, is neither rare nor frequent.
    family_total = max(1, family_counts.total())
    rarest_family = min(
        (family_counts[family] for family in families),
        default=family_total / len(family_counts or "1"),
    )
    tempo_share = tempo_counts[band] / max(1, tempo_counts.total())
    return (1.0 if band == "other" else tempo_share) + rarest_family / family_total


def _get_program_tempo(program: Program) -> float:
    return float(str(program.parameters["bpm"]))
