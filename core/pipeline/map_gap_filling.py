"""Fill a gap of a map: generate programs that are predicted to lie there, render and add them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.corpus import AlignmentRecord, Corpus
from core.errors import EarshotError
from core.pipeline.embed_missing_programs_and_clips import embed_missing_clips, embed_missing_code
from core.pipeline.map_extension import add_programs_to_map
from core.pipeline.render_missing_clips import render_missing_clips
from core.pipeline.simulation_of_missing_programs import (
    simulate_programs_that_joint_alignments_search,
)
from core.plots.map_before_and_after_alignment import rotate_after_map_to_before_map
from core.programs import (
    DEFAULT_SOUND_SET,
    Program,
    compose_balanced_programs,
    generate,
    list_templates,
)
from core.progress_callback import Progress, ignore_progress
from core.search.aligned_corpus import AlignedCorpus, open_aligned_corpus
from core.search.map_placement import place_sources_on_map
from core.workspace import require_writable_workspace

PROGRESS_STEP = "Looking for programs"
DEFAULT_GAP_SEED = 1_000_003
"""Far from the seeds of builds, which count the programs of their own seed."""
PROGRAM_COUNT = 4
MAX_PROGRAM_COUNT = 50
VARIANTS_PER_TEMPLATE = 5
GRAMMAR_PROGRAM_COUNT = 60
REFINED_SOURCE_COUNT = 3
VARIANTS_PER_REFINED_SOURCE = 24
PANELS = ("before", "after")


@dataclass(frozen=True)
class MapGap:
    """A place on a map that is to be filled.

    Attributes
    ----------
    x, y : float
        Position, as the map is shown: the picture after alignment is turned towards the one before.
    panel : {"before", "after"}
        The picture: "before" places programs by their code, "after" by their predicted sound.
    seed : int
        Seed of the programs that are tried.
    program_count : int
        Number of programs to find, 1 to 50.
    """

    x: float
    y: float
    panel: str = "after"
    seed: int = DEFAULT_GAP_SEED
    program_count: int = PROGRAM_COUNT

    def __post_init__(self) -> None:
        if self.panel not in PANELS:
            raise EarshotError(f"There is no picture {self.panel!r}.", remedy="before or after.")
        if not 1 <= self.program_count <= MAX_PROGRAM_COUNT:
            raise EarshotError(
                f"{self.program_count} programs cannot be added at once.",
                remedy=f"Give 1 to {MAX_PROGRAM_COUNT}.",
            )
        if not np.isfinite([self.x, self.y]).all():
            raise EarshotError(f"({self.x}, {self.y}) is no position on a map.")


@dataclass(frozen=True)
class GapCandidate:
    """A program that is predicted to lie in a gap.

    Attributes
    ----------
    program : Program
    positions : dict of str to (float, float)
        Predicted position by panel.
    distance : float
        Distance of the position from the gap, in units of the map.
    """

    program: Program
    positions: dict[str, tuple[float, float]]
    distance: float


@dataclass(frozen=True)
class GapFillReport:
    """Result of filling a gap.

    Attributes
    ----------
    corpus_name : str
    candidates : list of GapCandidate
        The programs that were found, nearest first.
    added_ids : list of str
        Ids of those that have a clip and are on the map now.
    """

    corpus_name: str
    candidates: list[GapCandidate]
    added_ids: list[str]

    def __str__(self) -> str:
        lines = [
            f"{self.corpus_name}: {len(self.added_ids)} of {len(self.candidates)} programs"
            " rendered and added to the map"
        ]
        lines += [
            f"{candidate.program.name}: predicted {candidate.distance:.2f} from the gap"
            for candidate in self.candidates
        ]
        return "\n".join(lines)


def load_displayed_map_points(corpus: Corpus, alignment: AlignmentRecord) -> pd.DataFrame:
    """Load a map as it is shown: without deleted programs, the after-map turned to the before-map.

    Raises
    ------
    EarshotError
        When the map is not computed yet.
    """
    points = alignment.load_alignment_map_points()
    if points is None:
        raise EarshotError(
            f"Alignment {alignment.id} has no map yet.",
            remedy=f"./run map {corpus.name} --alignment {alignment.id}",
        )
    points = points[points["program"].isin(corpus.load_programs()["program"])]
    return rotate_after_map_to_before_map(points.reset_index(drop=True))


def find_programs_for_map_gap(
    aligned_corpus: AlignedCorpus,
    points: pd.DataFrame,
    gap: MapGap,
    progress: Progress = ignore_progress,
) -> list[GapCandidate]:
    """Generate programs, and return those whose predicted positions are nearest to a gap.

    Variants of every template and grammar programs of every style are tried first, then more of
    the templates and styles that came nearest. Nothing is rendered.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    points : DataFrame
        The map as `load_displayed_map_points` returns it.
    gap : MapGap
    progress : Progress

    Returns
    -------
    list of GapCandidate
        `gap.program_count` programs that are not in the corpus, nearest first.
    """
    sound_set = str(aligned_corpus.corpus.settings.get("sound_set") or DEFAULT_SOUND_SET)
    existing_ids = set(aligned_corpus.corpus.load_programs()["program"])
    progress(PROGRESS_STEP, 0, 2)
    programs = _generate_programs_of_all_sources(gap.seed, sound_set)
    candidates = _rank_programs_by_distance_to_gap(
        aligned_corpus, points, gap, _select_programs_with_new_source(programs, existing_ids)
    )
    progress(PROGRESS_STEP, 1, 2)
    nearest_sources = list(dict.fromkeys(candidate.program.template for candidate in candidates))
    tried_ids = existing_ids | {candidate.program.id for candidate in candidates}
    refined = _generate_programs_of_sources(
        nearest_sources[:REFINED_SOURCE_COUNT], gap.seed + 1, sound_set
    )
    candidates += _rank_programs_by_distance_to_gap(
        aligned_corpus, points, gap, _select_programs_with_new_source(refined, tried_ids)
    )
    progress(PROGRESS_STEP, 2, 2)
    candidates.sort(key=lambda candidate: candidate.distance)
    return candidates[: gap.program_count]


def fill_map_gap(
    aligned_corpus: AlignedCorpus, gap: MapGap, progress: Progress = ignore_progress
) -> GapFillReport:
    """Find programs for a gap, render and embed them, and add them to the corpus and its map.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
        An alignment of the corpus itself, with a map.
    gap : MapGap
    progress : Progress

    Raises
    ------
    EarshotError
        When the workspace is read-only, there is no map, another process is writing, or the
        renderer or an encoder cannot be used. Clips that were finished stay.

    Examples
    --------
    >>> from core.corpus import Corpus
    >>> from core.search.aligned_corpus import open_aligned_corpus
    >>> aligned_corpus = open_aligned_corpus(Corpus.open("starter"))
    >>> report = fill_map_gap(aligned_corpus, MapGap(0.0, 0.0, program_count=1))
    >>> len(report.candidates)
    1
    """
    require_writable_workspace("Filling a gap of the map")
    corpus, alignment = aligned_corpus.corpus, aligned_corpus.record
    points = load_displayed_map_points(corpus, alignment)
    candidates = find_programs_for_map_gap(aligned_corpus, points, gap, progress)
    code_encoder, audio_encoder = aligned_corpus.code_encoder.id, aligned_corpus.audio_encoder.id
    with corpus.lock_for_writing(f"fill {corpus.name}"):
        corpus.add_programs([candidate.program for candidate in candidates])
        embed_missing_code(corpus, code_encoder, progress)
        render_missing_clips(corpus, [audio_encoder], progress=progress)
        embed_missing_clips(corpus, audio_encoder, progress)
        simulate_programs_that_joint_alignments_search(corpus, progress)
    extended_corpus = open_aligned_corpus(corpus, alignment.id)
    added_ids = add_programs_to_map(
        extended_corpus, [candidate.program.id for candidate in candidates]
    )
    return GapFillReport(corpus.name, candidates, added_ids)


def _generate_programs_of_all_sources(seed: int, sound_set: str) -> list[Program]:
    programs = [
        program
        for template in list_templates()
        for program in generate(template, VARIANTS_PER_TEMPLATE, seed, sound_set=sound_set)
    ]
    return programs + compose_balanced_programs(GRAMMAR_PROGRAM_COUNT, seed, sound_set=sound_set)


def _generate_programs_of_sources(
    template_ids: Sequence[str], seed: int, sound_set: str
) -> list[Program]:
    known_templates = {template.id for template in list_templates()}
    programs: list[Program] = []
    for template_id in template_ids:
        if template_id in known_templates:
            programs += generate(
                template_id, VARIANTS_PER_REFINED_SOURCE, seed, sound_set=sound_set
            )
        else:
            programs += compose_balanced_programs(
                VARIANTS_PER_REFINED_SOURCE, seed, [template_id], sound_set=sound_set
            )
    return programs


def _select_programs_with_new_source(
    programs: Sequence[Program], known_ids: set[str]
) -> list[Program]:
    """Return the programs that are not known, each source once."""
    counts = Counter(known_ids)
    new_programs = []
    for program in programs:
        counts[program.id] += 1
        if counts[program.id] == 1:
            new_programs.append(program)
    return new_programs


def _rank_programs_by_distance_to_gap(
    aligned_corpus: AlignedCorpus,
    points: pd.DataFrame,
    gap: MapGap,
    programs: Sequence[Program],
) -> list[GapCandidate]:
    """Return programs with their predicted positions, those nearest to the gap first."""
    if not programs:
        return []
    positions = place_sources_on_map(
        aligned_corpus, [program.source for program in programs], points
    )
    distances = np.hypot(*(positions[gap.panel] - [gap.x, gap.y]).T)
    candidates = [
        GapCandidate(
            program,
            {panel: (float(xy[row, 0]), float(xy[row, 1])) for panel, xy in positions.items()},
            float(distances[row]),
        )
        for row, program in enumerate(programs)
    ]
    return sorted(candidates, key=lambda candidate: candidate.distance)
