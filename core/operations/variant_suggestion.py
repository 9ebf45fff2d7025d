"""Suggestion of variants of a program that differ in their predicted sound."""

from __future__ import annotations

from core.operations.corpus_opening import format_alignment_name, open_corpus_for_prediction
from core.operations.operation_requests import SuggestRequest
from core.operations.operation_results import (
    RenderedComparison,
    RenderFailure,
    SuggestedVariant,
    SuggestResult,
)
from core.operations.rendered_pick_order import (
    RenderedPick,
    order_picks_by_rendered_sound,
    require_clip_as_target,
)
from core.operations.search_result_conversion import (
    check_program_statically,
    convert_confidence_to_result,
    convert_forecast_to_result,
    convert_neighbour_to_result,
)
from core.operations.sound_target_choice import choose_sound_target
from core.search.aligned_corpus import AlignedCorpus
from core.search.silent_snippet_check import SilentSnippetError
from core.suggest.candidates import CandidateOptions, parse_line_ranges
from core.suggest.suggest_and_pick_variants import (
    Pick,
    SuggestOptions,
    suggest_and_return_all_candidates,
)
from core.workspace import require_writable_workspace


def suggest_variants(request: SuggestRequest) -> SuggestResult:
    """Suggest variants of a program that differ in their predicted sound.

    With `render`, the program and the picks are rendered, and the picks are ordered by their true
    sound.

    Parameters
    ----------
    request : SuggestRequest

    Returns
    -------
    SuggestResult
        Without picks if the program does not parse or would not sound.

    Raises
    ------
    EarshotError
        When the corpus, alignment or target is missing, or an encoder has another revision. With
        `render`, also when the target is no clip, or the workspace is read-only.
    RenderError
        With `render`, when the program itself fails or is silent.

    Examples
    --------
    >>> from core.operations import SuggestRequest, suggest_variants
    >>> request = SuggestRequest(program="play 60, cutoff: 90", candidate_count=30, pick_count=2)
    >>> [pick.rank for pick in suggest_variants(request).picks]
    [1, 2]
    """
    if request.render:
        require_writable_workspace("Rendering")
    aligned_corpus = open_corpus_for_prediction(request.corpus, request.alignment, "suggestion")
    options = _build_suggest_options(aligned_corpus, request)
    if request.render:
        require_clip_as_target(options.target)
    check = check_program_statically(request.program)
    picks: list[Pick] = []
    candidate_count = 0
    if check.status == "ok":
        try:
            suggestion = suggest_and_return_all_candidates(aligned_corpus, request.program, options)
            picks, candidate_count = suggestion.picks, len(suggestion.predicted.candidates)
        except SilentSnippetError as error:  # Variants need a program that parses to its end.
            check = check.model_validate(error.to_dict())
    return SuggestResult(
        **check.model_dump(),
        corpus=aligned_corpus.corpus.name,
        alignment=format_alignment_name(aligned_corpus),
        candidate_count=candidate_count,
        picks=(
            _render_and_order_picks(aligned_corpus, request.program, picks, options)
            if request.render and picks
            else [_convert_pick_to_result(pick) for pick in picks]
        ),
    )


def _render_and_order_picks(
    aligned_corpus: AlignedCorpus, program: str, picks: list[Pick], options: SuggestOptions
) -> list[SuggestedVariant]:
    rendered = order_picks_by_rendered_sound(aligned_corpus, program, picks, options.target)
    return [
        _convert_pick_to_result(item.pick, _convert_comparison_to_result(item)) for item in rendered
    ]


def _convert_comparison_to_result(item: RenderedPick) -> RenderedComparison:
    error = item.error
    return RenderedComparison(
        is_nearer=None if item.gain is None else item.gain > 0,
        gain=item.gain,
        error=None
        if error is None
        else RenderFailure(kind=error.kind, message=error.message, line=error.line),
    )


def _build_suggest_options(
    aligned_corpus: AlignedCorpus, request: SuggestRequest
) -> SuggestOptions:
    return SuggestOptions(
        candidate_count=request.candidate_count,
        pick_count=request.pick_count,
        mode=request.mode,
        target=choose_sound_target(aligned_corpus, request.mode, request.target),
        candidates=CandidateOptions(
            wildness=request.wildness,
            kept_lines=parse_line_ranges(request.kept_lines) if request.kept_lines else frozenset(),
            kinds=tuple(request.kinds),
            seed=request.seed,
            sound_set=request.sonic_pi,
        ),
    )


def _convert_pick_to_result(
    pick: Pick, rendered: RenderedComparison | None = None
) -> SuggestedVariant:
    return SuggestedVariant(
        rank=pick.rank,
        kind=pick.kind,
        change=pick.change.words,
        line=pick.change.line,
        code=pick.source,
        distance=pick.distance,
        confidence=convert_confidence_to_result(pick.confidence),
        forecast=convert_forecast_to_result(pick.predicted),
        neighbours=[convert_neighbour_to_result(neighbour) for neighbour in pick.neighbours],
        rendered=rendered,
    )
