"""Requests that the HTTP API and the MCP server accept, with units and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

MAX_PROGRAMS = 200
MAX_PROGRAM_CHARS = 100_000
MAX_NEIGHBOURS = 100
MAX_RENDERED_PICKS = 12
"""Their rendering takes seconds, and one answer must not take minutes."""
MAX_CORPORA = 8
MAX_RENDER_SECONDS = 120.0
MAX_NAME_CHARS = 200
MAX_DESCRIBED_FIELDS = 3
AUDIO_FORMATS = ("flac", "wav", "ogg")

ProgramSource = Annotated[str, StringConstraints(max_length=MAX_PROGRAM_CHARS)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARS)]
SonicPiVersion = Literal["3.2", "5"]
PickingMode = Literal["diverse", "cover", "toward", "away"]
EditKind = Literal[
    "note",
    "rhythm",
    "synth",
    "sample",
    "fx",
    "envelope",
    "option",
    "tempo",
    "random",
    "layer",
]
AspectName = Literal["whole", "timbre", "rhythm", "pitch", "level"]
AspectWeight = Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)]

# Fields that several requests have.
Programs = Annotated[
    list[ProgramSource],
    Field(
        min_length=1,
        max_length=MAX_PROGRAMS,
        description=f"Sonic Pi code: 1 to {MAX_PROGRAMS} programs, which are not run.",
    ),
]
UnexecutedProgram = Annotated[ProgramSource, Field(description="Sonic Pi code, which is not run.")]
SearchedCorpora = Annotated[
    list[Name],
    Field(
        max_length=MAX_CORPORA,
        description="Names of the corpora to search. Default: the starter corpus, or the only one.",
    ),
]
SharedAlignment = Annotated[
    Name | None,
    Field(
        description="Id of an alignment of the first corpus, or CORPUS/ID for one of another"
        " corpus. Default: the one made for prediction."
    ),
]
NeighbourCount = Annotated[int, Field(ge=1, le=MAX_NEIGHBOURS)]
Mode = Annotated[
    PickingMode,
    Field(
        description="diverse: unlike the program and each other; cover: representative of all"
        " candidates; toward: nearest to the target; away: farthest from the program."
    ),
]
Target = Annotated[
    Name | None,
    Field(
        description="For the mode toward: words such as 'darker, busier', or the name or id of a"
        " program of the corpus."
    ),
]

_EXAMPLE_SOURCE = "use_synth :saw\nplay 60, cutoff: 90"
_OTHER_SOURCE = "sample :loop_amen"


class Request(BaseModel):
    """Base of all requests: unknown fields are refused, so that a misspelling is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CorpusRequest(Request):
    """A request that is answered with one corpus and its alignment."""

    corpus: Name | None = Field(
        None, description="Name of the corpus. Default: the starter corpus, or the only one."
    )
    alignment: Name | None = Field(
        None,
        description="Id of an alignment of the corpus, or CORPUS/ID for one of another corpus."
        " Default: the one made for prediction.",
    )


class PredictRequest(Request):
    """Programs whose sound is predicted: the nearest clips, confidence and forecast."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"programs": [_EXAMPLE_SOURCE], "neighbour_count": 3}]}
    )

    programs: Programs
    corpora: SearchedCorpora = []
    alignment: SharedAlignment = None
    neighbour_count: NeighbourCount = Field(5, description="Number of clips per program.")
    aspect_weights: dict[AspectName, AspectWeight] | None = Field(
        None,
        description="Weight of the similarity in timbre, rhythm, pitch and level, and of the"
        " alignment's (whole), each from 0 to 10, and 0 for those not named. Default: only the"
        " alignment's similarity.",
    )
    with_forecast: bool = Field(True, description="Whether to add the forecast of each program.")


class ForecastRequest(CorpusRequest):
    """Programs whose loudness, onset rate, register and other properties are predicted."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"programs": [_OTHER_SOURCE]}]})

    programs: Programs


class SuggestRequest(CorpusRequest):
    """A program of which variants are suggested that differ in their predicted sound."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "program": _EXAMPLE_SOURCE,
                    "pick_count": 3,
                    "candidate_count": 60,
                    "mode": "toward",
                    "target": "darker, busier",
                }
            ]
        }
    )

    program: ProgramSource = Field(
        description="Sonic Pi code, which is run only with render, in the sandbox."
    )
    pick_count: int = Field(6, ge=1, le=100, description="Number of variants to return.")
    candidate_count: int = Field(
        60,
        ge=1,
        le=2000,
        description="Number of variants from which the picks are chosen; 60 take under a second.",
    )
    mode: Mode = "diverse"
    target: Target = None
    wildness: float = Field(
        0.0,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Changes per variant: 0 for one, 1 for up to six.",
    )
    kept_lines: str | None = Field(
        None, max_length=MAX_NAME_CHARS, description="Lines that no change touches, as in 3-7,12."
    )
    kinds: list[EditKind] = Field(
        [], max_length=10, description="Kinds of changes. Default: all kinds."
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="The same seed gives the same candidates.")
    sonic_pi: SonicPiVersion = Field(
        "3.2", description="Version of Sonic Pi whose synths, samples and FX the variants use."
    )
    render: bool = Field(
        False,
        description="With the mode toward and a clip as target: run the program and the picks in"
        " the sandbox, and order the picks by their true sound. Takes seconds, for at most"
        f" {MAX_RENDERED_PICKS} picks.",
    )

    @model_validator(mode="after")
    def _limit_rendered_picks(self) -> Self:
        if self.render and self.pick_count > MAX_RENDERED_PICKS:
            raise ValueError(f"With render, pick_count is at most {MAX_RENDERED_PICKS}.")
        return self


class RankRequest(CorpusRequest):
    """Candidates that are ranked by their predicted sound, without rendering any."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "program": _EXAMPLE_SOURCE,
                    "candidates": ["play 40", _OTHER_SOURCE, "use_synth :prophet; play 72"],
                    "mode": "toward",
                    "target": "darker",
                }
            ]
        }
    )

    candidates: list[ProgramSource] = Field(
        min_length=1,
        max_length=MAX_PROGRAMS,
        description=f"Sonic Pi code: 1 to {MAX_PROGRAMS} whole programs, which are not run.",
    )
    program: ProgramSource | None = Field(
        None,
        description="The program that the candidates would replace. Distances are measured from"
        " it. The mode away needs it.",
    )
    mode: Mode = "diverse"
    target: Target = None
    pick_count: int | None = Field(
        None, ge=1, le=MAX_PROGRAMS, description="Number of candidates to return. Default: all."
    )


class CompareRequest(CorpusRequest):
    """Two programs whose predicted sounds are compared."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"first": _EXAMPLE_SOURCE, "second": _OTHER_SOURCE}]}
    )

    first: UnexecutedProgram
    second: UnexecutedProgram


class RenderRequest(Request):
    """A program that is run in the sandbox and rendered to a clip."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"program": _EXAMPLE_SOURCE, "seconds": 4, "audio_format": "flac"}]
        }
    )

    program: ProgramSource = Field(description="Sonic Pi code. It runs only in the sandbox.")
    seconds: float = Field(
        18.0,
        gt=0,
        le=MAX_RENDER_SECONDS,
        allow_inf_nan=False,
        description="Length of the clip in seconds.",
    )
    audio_format: Literal["flac", "wav", "ogg"] = Field(
        "flac", description="Format of the file: FLAC and WAV with 16 bits per sample, or Ogg."
    )
    sonic_pi: SonicPiVersion = Field(
        "3.2", description="Version of Sonic Pi whose sound the clip has."
    )


class SoundSearchRequest(Request):
    """Corpora in which the programs nearest to a sound file are searched."""

    corpora: SearchedCorpora = []
    alignment: SharedAlignment = None
    neighbour_count: NeighbourCount = Field(5, description="Number of programs.")
    direction: Literal["audio->code", "audio->audio"] = Field(
        "audio->audio",
        description="audio->audio compares the sound with the clips; audio->code compares it with"
        " the code of the programs, in the shared space.",
    )


def describe_invalid_fields(errors: Sequence[Mapping[str, Any]]) -> str:
    """Describe the invalid fields of a request in one line.

    Parameters
    ----------
    errors : sequence of mapping
        As `pydantic.ValidationError.errors` returns them.

    Returns
    -------
    str
        Such as "programs.0: Input should be a valid string."; the first three fields.
    """
    texts = []
    for error in errors[:MAX_DESCRIBED_FIELDS]:
        path = ".".join(str(part)[:80] for part in error["loc"])
        texts.append(f"{path}: {error['msg']}." if path else f"{error['msg']}.")
    # A key may hold half a character, which no answer can be encoded with.
    return " ".join(texts).encode("utf-8", "replace").decode("utf-8")
