"""Edits of synths and samples: others of the same family, and of other families."""

from __future__ import annotations

from core.programs.synth_families import SYNTH_NAMES_BY_FAMILY, get_synth_family
from core.programs.template_vocabulary import build_sound_names_by_group
from core.sonicpi.sonic_pi_inventory import load_sonic_pi_inventory
from core.suggest.code_edit import CodeEdit, replace_literal_value
from core.suggest.program_literals_calls_and_blocks import Literal, ProgramOutline

# Groups of `core.programs.template_vocabulary` that hold samples.
SAMPLE_GROUPS = (
    "kicks snares hats cymbals toms blips percussion tablas bass_hits breaks textures glitches"
).split()
# The synths that a program can play without further options.
SYNTH_GROUPS = "leads plucked pads keys basses noises".split()
DRUM_GROUPS = frozenset("kicks snares hats cymbals toms percussion blips tablas".split())


def list_synth_edits(outline: ProgramOutline, sound_set: str) -> list[CodeEdit]:
    """Return edits that play another synth, those of the same family first.

    Parameters
    ----------
    outline : ProgramOutline
    sound_set : {"3.2", "5"}
        Version of Sonic Pi whose synths are used.
    """
    groups = build_sound_names_by_group(sound_set)
    names = sorted({name for group in SYNTH_GROUPS for name in groups[group]})
    edits = []
    for literal in outline.list_literals_with_roles("synth"):
        family = get_synth_family(str(literal.value))
        relatives = [name for name in SYNTH_NAMES_BY_FAMILY.get(family or "", ()) if name in names]
        ordered = [*relatives, *(name for name in names if name not in relatives)]
        edits += [
            replace_literal_value(
                "synth", literal, _format_name_like_literal(name, literal), "synth"
            )
            for name in ordered
            if name != literal.value
        ]
    return edits


def list_sample_edits(outline: ProgramOutline, sound_set: str) -> list[CodeEdit]:
    """Return edits that play another sample, those of the same group first.

    Parameters
    ----------
    outline : ProgramOutline
    sound_set : {"3.2", "5"}
        Version of Sonic Pi whose samples are used.
    """
    groups = build_sound_names_by_group(sound_set)
    group_by_name = {name: group for group in SAMPLE_GROUPS for name in groups[group]}
    edits = []
    for literal in outline.list_literals_with_roles("sample"):
        name = str(literal.value)
        if name not in load_sonic_pi_inventory()["samples"] and name not in group_by_name:
            continue  # A file of the author's own, or a filter.
        group = group_by_name.get(name, "")
        # A drum stands for a drum more often than for a texture of ten seconds.
        is_drum = group in DRUM_GROUPS
        ordered = sorted(
            group_by_name,
            key=lambda other: (
                group_by_name[other] != group,
                (group_by_name[other] in DRUM_GROUPS) != is_drum,
            ),
        )
        edits += [
            replace_literal_value(
                "sample", literal, _format_name_like_literal(other, literal), "sample"
            )
            for other in ordered
            if other != name
        ]
    return edits


def _format_name_like_literal(name: str, literal: Literal) -> str:
    """Return a name as the symbol or string that the literal is."""
    quote = literal.text[0]
    if quote in "\"'":
        return f"{quote}{name}{quote}"
    return f":{name}" if quote == ":" else name  # A member of %i[…] or %w[…] has no colon.
