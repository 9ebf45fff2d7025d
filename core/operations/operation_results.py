"""Results of the operations: what the HTTP API and the MCP server return, with units and ranges."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["ok", "no_sound", "syntax"]
_STATUS_DESCRIPTION = (
    "ok; no_sound: nothing in the program would sound; syntax: nothing before a syntax error"
    " would, or a candidate to rank has a syntax error. Only ok comes with a prediction; with a"
    " line, it is one of the part before a syntax error."
)
_DISTANCE_DESCRIPTION = (
    "Cosine distance of the predicted sound from that of the program, from 0 (the same) to 2; null"
    " without a program."
)


class Result(BaseModel):
    """Base of all results."""

    model_config = ConfigDict(frozen=True)


class ProgramCheck(Result):
    """Whether a program would sound, as the static reader sees it."""

    status: Status = Field(description=_STATUS_DESCRIPTION)
    line: int | None = Field(description="Line of a syntax error, from 1.")
    message: str = Field(description="Why nothing would sound, or a note beside the prediction.")


class ConfidenceResult(Result):
    """Calibrated confidence of a prediction."""

    probability: float = Field(
        description="Estimated probability, 0 to 1, that the clips resemble the true sound."
    )
    level: Literal["high", "medium", "low"] = Field(description="High from 2/3, medium from 1/3.")
    calibration_program_count: int = Field(
        description="Number of held-out programs on which the confidence was calibrated."
    )


class NeighbourResult(Result):
    """A program of a corpus whose clip was found."""

    rank: int = Field(description="1 is the nearest.")
    similarity: float = Field(description="Cosine similarity, -1 to 1.")
    corpus: str
    program: str = Field(description="Id of the program.")
    name: str = Field(description="Name of the program.")
    template: str = Field(description="Template that it was made from, or empty.")
    code: str = Field(description="Source of the program.")
    clip_path: str = Field(description="File of its clip on the machine that answers.")
    match: str = Field(
        description="Aspects in which its clip matches the prediction, as in 'same rhythm;"
        " darker'. Empty where clips are not measured."
    )


class PropertyResult(Result):
    """Forecast of one measured property."""

    value: float = Field(description="Predicted value, in the unit.")
    low: float = Field(description="Lower end of the interval, in the unit.")
    high: float = Field(description="Upper end of the interval, in the unit.")
    unit: str = Field(description="LUFS, dBFS, Hz, MIDI, BPM, onsets/s, % and others.")


class ForecastResult(Result):
    """Forecast of the properties of a clip."""

    words: str = Field(description="Summary, as in 'loud, -9 LUFS; 6 onsets/s; low; dark'.")
    coverage: float = Field(
        description="Share of held-out programs whose true value lies in the interval, 0 to 1."
    )
    calibration_program_count: int
    properties: dict[str, PropertyResult] = Field(
        description="By name: loudness, peak, silence, onset_rate, tempo, register, brightness,"
        " noisiness, stereo_width, and the level of each sixth of the clip."
    )


class Prediction(ProgramCheck):
    """Predicted sound of one program."""

    neighbours: list[NeighbourResult] = Field(description="Nearest clips first.")
    confidence: ConfidenceResult | None = Field(
        description="Null where the alignment is not calibrated."
    )
    forecast: ForecastResult | None = Field(
        description="Null where too few clips of the corpus are measured."
    )


class PredictResult(Result):
    """Predicted sound of every program of a request."""

    corpora: list[str] = Field(description="The corpora that were searched.")
    alignment: str = Field(description="CORPUS/ID of the alignment.")
    predictions: list[Prediction] = Field(description="In the order of the programs.")


class ProgramForecast(ProgramCheck):
    """Forecast of one program."""

    forecast: ForecastResult | None = Field(
        description="Null where nothing would sound, or too few clips of the corpus are measured."
    )


class ForecastsResult(Result):
    """Forecast of every program of a request."""

    corpus: str
    alignment: str = Field(description="CORPUS/ID of the alignment.")
    forecasts: list[ProgramForecast] = Field(description="In the order of the programs.")


class RenderFailure(Result):
    """Why a program has no clip."""

    kind: str
    message: str
    line: int | None = Field(description="Line of the program, from 1.")


class RenderedComparison(Result):
    """Comparison of the true sound of a variant with the target."""

    is_nearer: bool | None = Field(
        description="Whether its clip is nearer to the target than the clip of the program; null"
        " if its rendering failed."
    )
    gain: float | None = Field(description="By how much, as a difference of cosines, -2 to 2.")
    error: RenderFailure | None


class SuggestedVariant(Result):
    """A suggested variant of a program."""

    rank: int = Field(description="1 was picked first; with render, 1 is truly nearest.")
    kind: str = Field(description="What changes; several kinds are joined by +.")
    change: str = Field(description="The change in words, as in 'cutoff 100 → 70'.")
    line: int = Field(description="First changed line, from 1.")
    code: str = Field(description="The whole changed program.")
    distance: float = Field(description=_DISTANCE_DESCRIPTION)
    confidence: ConfidenceResult | None
    forecast: ForecastResult | None
    neighbours: list[NeighbourResult] = Field(description="Clips nearest to the variant.")
    rendered: RenderedComparison | None = Field(description="Null without render.")


class SuggestResult(ProgramCheck):
    """Suggested variants of a program."""

    corpus: str
    alignment: str = Field(description="CORPUS/ID of the alignment.")
    candidate_count: int = Field(description="Number of variants that were compared.")
    picks: list[SuggestedVariant] = Field(description="Best first.")


class RankedCandidate(Result):
    """A candidate with its rank."""

    rank: int = Field(description="1 is the best.")
    index: int = Field(description="Position in the list of candidates, from 0.")
    code: str = Field(description="The candidate.")
    distance: float | None = Field(description=_DISTANCE_DESCRIPTION)
    target_relevance: float | None = Field(
        description="For the mode toward, higher is nearer: cosine to the target's clip, or mean"
        " movement in the directions of the words, in standard deviations over programs."
    )
    forecast: ForecastResult | None


class RefusedCandidate(ProgramCheck):
    """A candidate that does not parse or makes no sound."""

    index: int = Field(description="Position in the list of candidates, from 0.")


class RankResult(Result):
    """Candidates ranked or picked by their predicted sound."""

    corpus: str
    alignment: str = Field(description="CORPUS/ID of the alignment.")
    ranking: list[RankedCandidate] = Field(description="Best first.")
    refused: list[RefusedCandidate] = Field(
        description="Candidates that do not parse or make no sound."
    )


class AspectComparison(Result):
    """Similarity of two predicted sounds in one aspect."""

    similarity: float = Field(description="Cosine similarity, -1 to 1.")
    percentile: float = Field(
        description="Share of the corpus that is less similar to the first program, 0 to 100 %."
    )


class CompareResult(Result):
    """Comparison of the predicted sounds of two programs."""

    corpus: str
    alignment: str = Field(description="CORPUS/ID of the alignment.")
    first: ProgramForecast
    second: ProgramForecast
    whole: AspectComparison | None = Field(
        description="Similarity in the shared space; null if one of the programs is silent."
    )
    aspects: dict[str, AspectComparison] = Field(
        description="By aspect: timbre, rhythm, pitch, level. Empty where the clips of the corpus"
        " are not measured."
    )
    words: str = Field(
        description="How the second differs from the first, as in 'same rhythm; darker'."
    )


class RenderWarning(Result):
    """A warning of a program that was rendered."""

    kind: str
    message: str
    line: int | None = Field(description="Line of the program, from 1.")
    seconds: float | None = Field(description="Time at which a thread ended, in seconds.")


class RenderedClip(Result):
    """A rendered clip and its file."""

    path: str = Field(description="File of the clip on the machine that answers.")
    mime_type: str
    seconds: float = Field(description="Length in seconds.")
    sample_rate: int = Field(description="Frames per second, in Hz.")
    peak: float = Field(description="Largest absolute sample, 0 to 1.")
    warnings: list[RenderWarning]


class SoundSearchResult(Result):
    """Programs that sound like a sound file."""

    corpora: list[str] = Field(description="The corpora that were searched.")
    alignment: str = Field(description="CORPUS/ID of the alignment.")
    seconds: float = Field(description="Length of the sound in seconds.")
    neighbours: list[NeighbourResult] = Field(description="Nearest first.")
    confidence: ConfidenceResult | None = Field(
        description="Of the direction audio->code; else null."
    )


class AlignmentSummary(Result):
    """An alignment of a corpus."""

    id: str
    method: str = Field(
        description="Objective: infonce, soft-infonce, kernel-ridge or joint-kernel-ridge."
    )
    created: str = Field(description="Time of its training, UTC, ISO 8601.")
    is_prediction_default: bool


class CorpusSummary(Result):
    """A corpus of the workspace."""

    name: str
    program_count: int
    clip_count: int
    failed_count: int = Field(description="Programs that could not be rendered.")
    clip_seconds: float = Field(description="Length of every clip in seconds.")
    sonic_pi: str = Field(description="Version of Sonic Pi whose sound the clips have.")
    encoders: dict[str, int] = Field(description="Number of embeddings by encoder.")
    alignments: list[AlignmentSummary]
    error: str | None = Field(description="Why the corpus cannot be read; null if it can.")


class JobSummary(Result):
    """A background job."""

    id: str
    title: str
    command: str = Field(description="The command that runs it again.")
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    step: str = Field(description="Current step; empty before the first report.")
    done: int = Field(description="Finished units of the current step.")
    total: int = Field(description="All units of the current step.")
    remaining_seconds: float | None = Field(description="Estimated rest of the step, in seconds.")
    created: datetime = Field(description="UTC.")
    error: str | None = Field(description="Why it failed, and the remedy.")
