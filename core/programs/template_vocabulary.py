"""Words that templates can use: groups of synths and samples, scales, and note functions.

A template sees every group as a list: `pick("kick", kicks)`. The sound set decides which sounds are
in the groups: those of Sonic Pi 3.2.2, or also those of later versions. The same seed and sound set
give the same programs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.errors import EarshotError
from core.programs.newer_sonic_pi_sound_groups import (
    LATER_LOUDNESS_GAINS,
    LATER_SAMPLE_GROUPS,
    LATER_SYNTH_GROUPS,
)
from core.programs.template_parameters import format_ruby_value

SOUND_SETS = ("3.2", "5")
"""Versions of Sonic Pi whose synths and samples programs can be made of."""
DEFAULT_SOUND_SET = "3.2"

_SYNTH_GROUPS = {
    # Synths with a fast attack, audible as a melody even in short notes.
    "leads": "beep saw pulse square tri dsaw dpulse dtri fm prophet supersaw tb303 blade "
    "chiplead subpulse tech_saws pluck piano pretty_bell dull_bell mod_fm mod_saw mod_pulse "
    "mod_tri mod_beep hoover zawa",
    "plucked": "pluck piano pretty_bell dull_bell fm beep tri chiplead blade",
    "soft": "sine beep tri dtri fm pretty_bell dull_bell piano pluck blade hollow",
    # Synths that sustain a long note without becoming shrill.
    "pads": "hollow dark_ambience prophet blade dsaw supersaw tech_saws saw dtri growl "
    "dpulse fm mod_sine mod_tri subpulse",
    # Synths for chords of notes of any length.
    "keys": "piano beep sine saw pulse square tri dsaw dpulse dtri fm prophet supersaw tech_saws "
    "blade pluck pretty_bell dull_bell mod_sine mod_tri mod_beep mod_saw subpulse",
    "basses": "tb303 fm subpulse dsaw prophet saw pulse square tri dpulse chipbass zawa hoover "
    "supersaw tech_saws mod_saw mod_pulse mod_dsaw dtri beep sine",
    "noises": "noise pnoise bnoise gnoise cnoise",
    # Synths with the option cutoff.
    "filtered": "saw pulse subpulse square tri dsaw dpulse dtri fm mod_fm mod_saw mod_dsaw "
    "mod_sine mod_beep mod_tri mod_pulse tb303 supersaw hoover prophet zawa dark_ambience growl "
    "hollow blade tech_saws noise pnoise bnoise gnoise cnoise",
}

_SAMPLE_GROUPS = {
    "kicks": "bd_808 bd_ada bd_boom bd_fat bd_gas bd_haus bd_klub bd_mehackit bd_pure bd_sone "
    "bd_tek bd_zome bd_zum drum_bass_hard drum_bass_soft drum_heavy_kick elec_soft_kick "
    "elec_hollow_kick",
    "snares": "sn_dub sn_dolf sn_generic sn_zome drum_snare_hard drum_snare_soft elec_snare "
    "elec_hi_snare elec_lo_snare elec_mid_snare elec_filt_snare perc_snap perc_snap2",
    "hats": "drum_cymbal_closed drum_cymbal_pedal elec_tick elec_cymbal elec_twip elec_flip "
    "elec_ping perc_swash elec_pop elec_blip2",
    "cymbals": "drum_cymbal_open drum_cymbal_hard drum_cymbal_soft drum_splash_hard "
    "drum_splash_soft elec_cymbal",
    "toms": "drum_tom_hi_hard drum_tom_hi_soft drum_tom_mid_hard drum_tom_mid_soft "
    "drum_tom_lo_hard drum_tom_lo_soft elec_fuzz_tom",
    "blips": "elec_beep elec_bell elec_blip elec_blip2 elec_blup elec_bong elec_chime elec_flip "
    "elec_ping elec_plip elec_pop elec_tick elec_triangle elec_twang elec_twip elec_wood",
    "percussion": "drum_cowbell perc_snap perc_snap2 perc_swash perc_till elec_wood elec_bong "
    "elec_triangle elec_twang misc_crow misc_burp vinyl_scratch perc_impact1 perc_impact2 "
    "perc_door perc_bell perc_bell2 perc_swoosh",
    "tablas": "tabla_ghe1 tabla_ghe2 tabla_ghe3 tabla_ghe4 tabla_ghe5 tabla_ghe6 tabla_ghe7 "
    "tabla_ghe8 tabla_na tabla_na_o tabla_na_s tabla_ke1 tabla_ke2 tabla_ke3 tabla_re "
    "tabla_tas1 tabla_tas2 tabla_tas3 tabla_te1 tabla_te2 tabla_te_m tabla_te_ne tabla_tun1 "
    "tabla_tun2 tabla_tun3 tabla_dhec",
    "bass_hits": "bass_dnb_f bass_drop_c bass_hard_c bass_hit_c bass_thick_c bass_trance_c "
    "bass_voxy_c bass_voxy_hit_c bass_woodsy_c",
    "breaks": "loop_amen loop_amen_full loop_breakbeat loop_compus loop_garzul loop_industrial "
    "loop_mehackit1 loop_mehackit2 loop_mika loop_safari loop_tabla loop_weirdo loop_electric "
    "loop_perc1 loop_perc2 loop_3d_printer",
    "textures": "ambi_choir ambi_dark_woosh ambi_drone ambi_glass_hum ambi_glass_rub "
    "ambi_haunted_hum ambi_lunar_land ambi_piano ambi_sauna ambi_soft_buzz ambi_swoosh "
    "guit_e_fifths guit_e_slide guit_em9 guit_harmonics loop_drone_g_97 misc_cineboom "
    "vinyl_hiss vinyl_rewind vinyl_backspin drum_roll",
    "glitches": "glitch_bass_g glitch_perc1 glitch_perc2 glitch_perc3 glitch_perc4 glitch_perc5 "
    "glitch_robot1 glitch_robot2 mehackit_phone1 mehackit_phone2 mehackit_phone3 "
    "mehackit_phone4 mehackit_robot1 mehackit_robot2 mehackit_robot3 mehackit_robot4 "
    "mehackit_robot5 mehackit_robot6 mehackit_robot7",
}

# Factor on `amp` that makes a synth as loud as a beep, measured on notes of all lengths and
# registers, or a loop or texture as loud as -20 dB.
_LOUDNESS_GAINS = {
    "dark_ambience": 6.0,
    "hollow": 4.0,
    "blade": 2.5,
    "pluck": 3.0,
    "piano": 2.2,
    "tech_saws": 2.2,
    "chiplead": 2.0,
    "prophet": 1.8,
    "supersaw": 1.6,
    "dull_bell": 1.4,
    "pretty_bell": 1.4,
    "saw": 1.3,
    "mod_saw": 1.3,
    "subpulse": 1.3,
    "tb303": 1.2,
    "zawa": 0.9,
    "mod_dsaw": 0.9,
    "growl": 0.9,
    "hoover": 0.5,
    "gnoise": 0.7,
    "bnoise": 0.7,
    "loop_tabla": 2.8,
    "loop_electric": 2.2,
    "loop_compus": 2.0,
    "loop_weirdo": 1.8,
    "loop_3d_printer": 1.4,
    "loop_mehackit1": 1.3,
    "loop_perc2": 1.3,
    "loop_safari": 1.3,
    "loop_perc1": 0.7,
    "loop_mika": 0.6,
    "loop_industrial": 0.9,
    "loop_garzul": 0.5,
    "loop_breakbeat": 0.5,
    "loop_amen_full": 0.5,
    "loop_amen": 0.8,
    "loop_mehackit2": 0.9,
    "vinyl_hiss": 3.0,
    "guit_harmonics": 2.5,
    "ambi_haunted_hum": 1.8,
    "ambi_lunar_land": 1.8,
    "ambi_glass_hum": 1.4,
    "ambi_drone": 0.8,
    "ambi_piano": 0.5,
    "ambi_glass_rub": 0.5,
    "loop_drone_g_97": 0.5,
    "misc_cineboom": 0.8,
    "vinyl_rewind": 0.8,
    "vinyl_backspin": 0.7,
}

# Semitones above the tonic, as in Sonic Pi's `scale`.
SCALE_STEPS = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "minor_pentatonic": (0, 3, 5, 7, 10),
    "major_pentatonic": (0, 2, 4, 7, 9),
    "egyptian": (0, 2, 5, 7, 10),
    "blues_minor": (0, 3, 5, 6, 7, 10),
    "blues_major": (0, 2, 3, 4, 7, 9),
    "harmonic_minor": (0, 2, 3, 5, 7, 8, 11),
    "hungarian_minor": (0, 2, 3, 6, 7, 8, 11),
    "whole_tone": (0, 2, 4, 6, 8, 10),
    "hirajoshi": (0, 2, 3, 7, 8),
    "kumoi": (0, 2, 3, 7, 9),
    "iwato": (0, 1, 5, 6, 10),
    "pelog": (0, 1, 3, 7, 8),
    "bhairav": (0, 1, 4, 5, 7, 8, 11),
    "spanish": (0, 1, 4, 5, 7, 8, 10),
    "romanian_minor": (0, 2, 3, 6, 7, 9, 10),
    "prometheus": (0, 2, 4, 6, 11),
}

SHARP_NOTE_NAMES = "c cs d ds e f fs g gs a as b".split()


def degree_to_midi(tonic: int, scale: str, degree: int) -> int:
    """Return the MIDI note of a scale degree.

    Parameters
    ----------
    tonic : int
        MIDI note of degree 0.
    scale : str
        A key of `SCALE_STEPS`.
    degree : int
        Any integer; degrees outside one octave continue in the octaves above or below.
    """
    steps = SCALE_STEPS[scale]
    octave, step = divmod(degree, len(steps))
    return tonic + 12 * octave + steps[step]


def degrees_to_midi(tonic: int, scale: str, degrees: list[int]) -> list[int]:
    """Return the MIDI notes of scale degrees, as `degree_to_midi` does for one."""
    return [degree_to_midi(tonic, scale, degree) for degree in degrees]


def midi_to_symbol(midi: int) -> str:
    """Return the Sonic Pi symbol of a MIDI note: `:c4` for 60."""
    octave, pitch_class = divmod(midi, 12)
    return f":{SHARP_NOTE_NAMES[pitch_class]}{octave - 1}"


def midis_to_symbols(notes: list[int]) -> list[str]:
    """Return the Sonic Pi symbols of MIDI notes."""
    return [midi_to_symbol(midi) for midi in notes]


def format_ruby_symbols(names: list[str]) -> list[str]:
    """Return names as Ruby symbols, with a leading colon."""
    return [f":{name}" for name in names]


def compute_amp_of_equal_loudness(sound: str, level: float) -> float:
    """Return the `amp` that gives a synth or sample about the same loudness as the others.

    Parameters
    ----------
    sound : str
        Name of a synth or sample.
    level : float
        The `amp` at which a beep has the wanted loudness.
    """
    gain = _LOUDNESS_GAINS.get(sound) or LATER_LOUDNESS_GAINS.get(sound, 1.0)
    return round(level * gain, 2)


def format_call_option(name: str, value: object) -> str:
    """Return an option to append to the arguments of a call: `, cutoff: 90`."""
    return f", {name}: {format_ruby_value(value)}"


def format_ruby_offset_term(amount: int) -> str:
    """Return a Ruby term that adds an amount: ` + 5`, ` - 5`, or "" for 0."""
    return f" {'+' if amount > 0 else '-'} {abs(amount)}" if amount else ""


def validate_sound_set_name(name: str) -> str:
    """Return the name of a sound set unchanged.

    Raises
    ------
    EarshotError
        If there is no such set.
    """
    if name not in SOUND_SETS:
        raise EarshotError(
            f"There is no sound set {str(name)[:60]!r}.",
            remedy=f"Use one of: {', '.join(SOUND_SETS)}.",
        )
    return name


def build_sound_names_by_group(sound_set: str = DEFAULT_SOUND_SET) -> dict[str, list[str]]:
    """Return the synths and samples of a sound set by group.

    Parameters
    ----------
    sound_set : {"3.2", "5"}
        The groups of "5" begin with those of "3.2".

    Examples
    --------
    >>> build_sound_names_by_group("3.2")["noises"]
    ['noise', 'pnoise', 'bnoise', 'gnoise', 'cnoise']
    >>> "rodeo" in build_sound_names_by_group("5")["keys"]
    True
    """
    groups = {group: names.split() for group, names in (_SYNTH_GROUPS | _SAMPLE_GROUPS).items()}
    if validate_sound_set_name(sound_set) != DEFAULT_SOUND_SET:
        for group, names in (LATER_SYNTH_GROUPS | LATER_SAMPLE_GROUPS).items():
            groups[group] += names.split()
    return groups


def contains_name_of_newer_sound(values: Iterable[object]) -> bool:
    """Return whether one of the values of parameters is a sound that only the set "5" has."""
    later_names = {
        name
        for names in (LATER_SYNTH_GROUPS | LATER_SAMPLE_GROUPS).values()
        for name in names.split()
    }
    return any(name in later_names for value in values for name in _extract_names_from_value(value))


def _extract_names_from_value(value: object) -> list[str]:
    """Return the names in a value; a stored list is a text such as "saw, beep"."""
    if isinstance(value, (list, tuple)):
        return [name for member in value for name in _extract_names_from_value(member)]
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else []


def build_names_usable_in_templates() -> dict[str, Any]:
    """Return the groups and functions that a template can use, by their names in templates."""
    functions = {
        "pitch": degree_to_midi,
        "pitches": degrees_to_midi,
        "note_name": midi_to_symbol,
        "note_names": midis_to_symbols,
        "symbols": format_ruby_symbols,
        "loud": compute_amp_of_equal_loudness,
        "opt": format_call_option,
        "plus": format_ruby_offset_term,
    }
    scales = {"scales": list(SCALE_STEPS), "tonics": list(SHARP_NOTE_NAMES)}
    return build_sound_names_by_group() | scales | functions
