"""Versions of a program for the cards of page Suggest: the current one and the picks."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.suggest.candidate_sound_map import ScaledCandidateMap, build_candidate_map
from core.suggest.candidates import CandidateOptions
from core.suggest.sound_target import SoundTarget
from core.suggest.suggest_and_pick_variants import (
    Pick,
    SuggestOptions,
    suggest_and_return_all_candidates,
)
from pages.components.audition_player import AuditionVersion, CodeChange
from pages.components.page_cache import cache_until_inputs_change

if TYPE_CHECKING:
    from core.search.aligned_corpus import AlignedCorpus
    from core.suggest.candidates import Candidate
    from pages.suggest.suggestion_controls import SuggestionControls
    from pages.suggest.suggestion_state import SuggestionState

CANDIDATE_COUNT = 200
PICK_COUNT = 6
MAX_SUGGESTED_CHARS = 20_000


@dataclass(frozen=True)
class SuggestedVersions:
    """The cards' versions and the small map.

    Attributes
    ----------
    versions : tuple of AuditionVersion
        The current program first.
    points : tuple of (float, float)
        All candidates, in [-1, 1].
    candidate_map : ScaledCandidateMap
    dropped_words : str
        Candidates of the language model that were left out, by reason.
    """

    versions: tuple[AuditionVersion, ...]
    points: tuple[tuple[float, float], ...]
    candidate_map: ScaledCandidateMap
    dropped_words: str


@dataclass(frozen=True)
class SuggestionRequest:
    """What decides the suggestions beside the corpus and the target; a cache compares it.

    Attributes
    ----------
    source : str
    mode : str
    kinds : tuple of str
    wildness : float
    seed : int
    target_id : str
        Names the target: equal ids are equal targets.
    written : tuple of str
        Sources of the language model's candidates.
    """

    source: str
    mode: str
    kinds: tuple[str, ...]
    wildness: float
    seed: int
    target_id: str
    written: tuple[str, ...]


def suggest_versions(
    aligned_corpus: AlignedCorpus,
    alignment_id: str,
    controls: SuggestionControls,
    suggestion_state: SuggestionState,
    target: SoundTarget | None,
) -> SuggestedVersions:
    """Suggest versions of the current program.

    Parameters
    ----------
    aligned_corpus : AlignedCorpus
    alignment_id : str
        Of the alignment with which it was opened.
    controls : SuggestionControls
    suggestion_state : SuggestionState
    target : SoundTarget or None
        Of the mode "toward"; without one, the versions are diverse.

    Raises
    ------
    SilentSnippetError
        When the program does not parse, or nothing in it would sound.
    EarshotError
        When words are the target and the corpus has no forecast.
    """
    liked = suggestion_state.liked
    mode = controls.mode
    if liked is not None:
        vector = aligned_corpus.project_code_embeddings(aligned_corpus.embed_snippet(liked.source))[
            0
        ]
        mode, target = "toward", SoundTarget(liked.title, vector)
    elif mode == "toward" and target is None:
        mode = "diverse"
    request = SuggestionRequest(
        suggestion_state.tree.current.source,
        mode,
        controls.kinds,
        controls.wildness,
        suggestion_state.seed,
        "" if target is None else target.cache_key,
        tuple(candidate.source for candidate in suggestion_state.written),
    )
    corpus_key = (
        str(aligned_corpus.corpus.path),
        aligned_corpus.corpus.change_stamp,
        alignment_id,
    )
    return _suggest_cached_versions(
        corpus_key,
        request,
        aligned_corpus,
        target if mode == "toward" else None,
        suggestion_state.written,
        liked,
    )


@cache_until_inputs_change(32)
def _suggest_cached_versions(
    corpus_key: tuple[str, ...],  # noqa: ARG001 (the cache compares it)
    request: SuggestionRequest,
    _aligned_corpus: AlignedCorpus,
    _target: SoundTarget | None,
    _written: tuple[Candidate, ...],
    _liked: AuditionVersion | None,
) -> SuggestedVersions:
    options = SuggestOptions(
        CANDIDATE_COUNT,
        PICK_COUNT,
        request.mode,
        _target,
        CandidateOptions(request.wildness, kinds=request.kinds, seed=request.seed),
    )
    result = suggest_and_return_all_candidates(_aligned_corpus, request.source, options, _written)
    candidate_map = ScaledCandidateMap(build_candidate_map(result.predicted))
    points = candidate_map.candidate_points
    picks = [
        _build_version_of_pick(request.source, pick, points[row])
        for pick, row in zip(result.picks, result.picked_rows)
    ]
    if _liked is not None:  # It stays comparable beside those that should sound like it.
        picks = [pick for pick in picks if pick.source != _liked.source]
        picks = [_liked, *picks][:PICK_COUNT]
    forecast = _aligned_corpus.forecast_sound_properties(request.source)
    current = AuditionVersion(
        request.source,
        "Current version",
        forecast="" if forecast is None else forecast.words,
        place=(0.0, 0.0),
    )
    return SuggestedVersions(
        (current, *picks),
        tuple(points),
        candidate_map,
        result.dropped.format_dropped_candidate_counts(),
    )


def _build_version_of_pick(source: str, pick: Pick, place: tuple[float, float]) -> AuditionVersion:
    note = f"distance {pick.distance:.2f}"
    if pick.confidence is not None:
        note += f", confidence {pick.confidence.level}"
    return AuditionVersion(
        pick.source,
        pick.change.words,
        pick.change.line,
        pick.change.before,
        pick.change.after,
        "" if pick.predicted is None else pick.predicted.words,
        note,
        place,
        list_code_changes(source, pick),
    )


def list_code_changes(source: str, pick: Pick) -> tuple[CodeChange, ...]:
    """Return what a pick changes in the program, for the editor.

    A program of a language model names no ranges: its changed lines are compared.
    """
    if pick.replaced_ranges:
        return tuple(
            CodeChange(before.start, before.end, pick.source[after.start : after.end])
            for before, after in zip(pick.replaced_ranges, pick.changed_ranges)
        )
    old_lines, new_lines = source.splitlines(True), pick.source.splitlines(True)
    starts = [0, *np.cumsum([len(line) for line in old_lines]).tolist()]
    matcher = difflib.SequenceMatcher(None, old_lines, new_lines, autojunk=False)
    return tuple(
        CodeChange(starts[first], starts[last], "".join(new_lines[new_first:new_last]))
        for tag, first, last, new_first, new_last in matcher.get_opcodes()
        if tag != "equal"
    )
