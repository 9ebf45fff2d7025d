"""The synths, samples, FX, scales and chords that exist in a version of Sonic Pi."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal

from pydantic import ConfigDict, Field

from core.errors import find_similarly_spelled_words
from core.operations.operation_requests import Name, Request, SonicPiVersion
from core.operations.operation_results import Result
from core.programs.grammar.newer_sonic_pi_synth_options import LATER_SYNTH_OPTIONS
from core.programs.grammar.option_range_notation import SoundOption
from core.programs.grammar.synth_fx_and_sample_sets import FX_OPTIONS, SYNTH_OPTIONS
from core.sonicpi.newer_sonic_pi_sounds import (
    find_sonic_pi_version_that_added_sound,
    load_newer_sample_seconds,
    load_newer_synth_options,
)
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory

MAX_REFERENCE_NAMES = 50
PLAYER_NAME = "sample"
# Options that `sample` itself turns into options of the player, so that its table lacks them.
DERIVED_PLAYER_OPTIONS = (
    "beat_stretch",
    "pitch_stretch",
    "rpitch",
    "slice",
    "num_slices",
    "onset",
)
INTERNAL_FX = ("sound_out", "sound_out_stereo", "record")
OLDEST_VERSION = "3.2"

SoundKind = Literal["synth", "fx", "sample", "player", "scale", "chord"]


class ReferenceRequest(Request):
    """Names whose options are looked up, or none to list all names."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"names": ["tb303", "reverb"]}]})

    names: list[Name] = Field(
        [],
        max_length=MAX_REFERENCE_NAMES,
        description="Names of synths, FX, samples, scales or chords, without a colon; 'sample'"
        " for the options of all samples. Default: list every name.",
    )
    sonic_pi: SonicPiVersion = Field("3.2", description="Version of Sonic Pi: 3.2 is 3.2.2.")


class OptionReference(Result):
    """An option of a synth, FX or of samples."""

    name: str
    default: float | None = Field(description="Null if the table of Sonic Pi names none.")
    low: float | None = Field(description="Lower end of the range that is useful in music.")
    high: float | None = Field(description="Upper end of that range.")
    choices: list[str] = Field(description="Useful values where they are not a range.")


class SoundReference(Result):
    """A name that exists."""

    name: str
    kind: SoundKind
    since: str | None = Field(description="Version that added it; null: it is in 3.2.2.")
    seconds: float | None = Field(description="Length of a sample in seconds, else null.")
    semitones: list[float] = Field(
        description="Offsets of a chord from its root, or steps of a scale, else empty."
    )
    options: list[OptionReference] = Field(
        description="Options of a synth or FX. Those of samples are those of the name 'sample'."
    )


class UnknownSound(Result):
    """A name that does not exist in the version."""

    name: str
    similar: list[str] = Field(description="Names that exist and are spelled alike.")
    since: str | None = Field(description="Version of Sonic Pi that added it; null for none.")


class ReferenceResult(Result):
    """Names that exist in a version of Sonic Pi."""

    sonic_pi: str = Field(description="The version.")
    synths: list[str] = Field(description="All synths; empty when names were looked up.")
    fx: list[str] = Field(description="All FX, likewise.")
    samples: list[str] = Field(description="All built-in samples, likewise.")
    scales: list[str] = Field(description="All scales, likewise.")
    chords: list[str] = Field(description="All chords, likewise.")
    sounds: list[SoundReference] = Field(description="The names that were looked up.")
    unknown: list[UnknownSound] = Field(description="Looked-up names that do not exist.")


def look_up_sonic_pi_names(request: ReferenceRequest) -> ReferenceResult:
    """Return the options of synths, FX and samples, or list every name that exists.

    Parameters
    ----------
    request : ReferenceRequest

    Examples
    --------
    >>> from core.operations.sonic_pi_reference import ReferenceRequest, look_up_sonic_pi_names
    >>> result = look_up_sonic_pi_names(ReferenceRequest(names=["saw", "sawtooth"]))
    >>> result.sounds[0].kind, result.unknown[0].similar
    ('synth', ['saw'])
    """
    table = _build_reference_table(request.sonic_pi)
    by_kind: dict[str, list[str]] = {}
    for kind, name in table:
        by_kind.setdefault(kind, []).append(name)
    names = [name.strip().lstrip(":") for name in request.names]
    sounds = [entry for name in names for (_, key), entry in table.items() if key == name]
    sound_names = {entry.name for entry in sounds}
    return ReferenceResult(
        sonic_pi="3.2.2" if request.sonic_pi == OLDEST_VERSION else request.sonic_pi,
        synths=[] if names else sorted(by_kind["synth"]),
        fx=[] if names else sorted(by_kind["fx"]),
        samples=[] if names else sorted(by_kind["sample"]),
        scales=[] if names else sorted(by_kind["scale"]),
        chords=[] if names else sorted(by_kind["chord"]),
        sounds=sounds,
        unknown=[
            UnknownSound(
                name=name,
                similar=find_similarly_spelled_words(name, {key for _, key in table}),
                since=find_sonic_pi_version_that_added_sound(name),
            )
            for name in dict.fromkeys(names)
            if name not in sound_names
        ],
    )


@cache
def _build_reference_table(sonic_pi: str) -> dict[tuple[SoundKind, str], SoundReference]:
    """Return every name of a version, by kind and name."""
    inventory = load_sonic_pi_inventory()
    synths, samples = dict(inventory["synths"]), dict(inventory["samples"])
    ranges = dict(SYNTH_OPTIONS)
    if sonic_pi != OLDEST_VERSION:
        synths |= load_newer_synth_options()
        samples |= load_newer_sample_seconds()
        ranges |= LATER_SYNTH_OPTIONS
    fx = {name: table for name, table in inventory["fx"].items() if name not in INTERNAL_FX}
    entries = [
        *(
            _build_sound_reference(name, "synth", table, ranges[name])
            for name, table in synths.items()
        ),
        *(
            _build_sound_reference(name, "fx", table, FX_OPTIONS.get(name, ()))
            for name, table in fx.items()
        ),
        *(
            _build_sound_reference(name, "sample", {}, (), seconds)
            for name, seconds in samples.items()
        ),
        _build_sound_reference(
            PLAYER_NAME, "player", inventory["player"] | dict.fromkeys(DERIVED_PLAYER_OPTIONS), ()
        ),
        *(
            _build_sound_reference(name, "scale", {}, (), semitones=steps)
            for name, steps in inventory["scales"].items()
        ),
        *(
            _build_sound_reference(name, "chord", {}, (), semitones=offsets)
            for name, offsets in inventory["chords"].items()
        ),
    ]
    return {(entry.kind, entry.name): entry for entry in entries}


def _build_sound_reference(
    name: str,
    kind: SoundKind,
    defaults: Mapping[str, float | None],
    ranges: Iterable[SoundOption],
    seconds: float | None = None,
    semitones: Iterable[float] = (),
) -> SoundReference:
    range_by_name = {option.name: option for option in ranges}
    names = dict.fromkeys([*defaults, *range_by_name])
    return SoundReference(
        name=name,
        kind=kind,
        since=find_sonic_pi_version_that_added_sound(name),
        seconds=seconds,
        semitones=list(semitones),
        options=[
            _build_option_reference(option, defaults.get(option), range_by_name.get(option))
            for option in names
        ],
    )


def _build_option_reference(
    name: str, default: float | None, option_range: SoundOption | None
) -> OptionReference:
    is_numeric = option_range is not None and not option_range.choices
    return OptionReference(
        name=name,
        default=default,
        low=option_range.lo if option_range is not None and is_numeric else None,
        high=option_range.hi if option_range is not None and is_numeric else None,
        choices=list(option_range.choices) if option_range is not None else [],
    )
