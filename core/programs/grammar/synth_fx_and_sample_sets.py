"""Synths, FX and samples of Sonic Pi with the useful ranges of their options.

An option is written `name=lo..hi` or `name=a|b|c`. Groups of synths and samples extend those of
`core.programs.template_vocabulary`, which are narrower than what programmers use.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from core.programs.grammar.newer_sonic_pi_synth_options import LATER_SYNTH_OPTIONS
from core.programs.grammar.option_range_notation import SoundOption, parse_option_ranges
from core.programs.newer_sonic_pi_sound_groups import DRUM_SYNTHS_BY_ROLE
from core.programs.template_vocabulary import (
    DEFAULT_SOUND_SET,
    build_sound_names_by_group,
    compute_amp_of_equal_loudness,
)

_CUTOFF_OPTION = "cutoff=55..125"
_RESONANCE_OPTION = "res=0.1..0.9"
_PULSE_WIDTH_OPTION = "pulse_width=0.1..0.9"
_MODULATION_OPTIONS = (
    f"{_CUTOFF_OPTION} mod_phase=0.08..1.5 mod_range=2..24 mod_pulse_width=0.2..0.8 "
    "mod_phase_offset=0.1..0.9 mod_invert_wave=0|1 mod_wave=0|1|2|3"
)
SYNTH_OPTIONS: dict[str, tuple[SoundOption, ...]] = {
    name: parse_option_ranges(text)
    for name, text in {
        "dull_bell": "",
        "pretty_bell": "",
        "beep": "",
        "sine": "",
        "saw": _CUTOFF_OPTION,
        "pulse": f"{_CUTOFF_OPTION} {_PULSE_WIDTH_OPTION}",
        "square": _CUTOFF_OPTION,
        "tri": f"{_CUTOFF_OPTION} {_PULSE_WIDTH_OPTION}",
        "subpulse": f"{_CUTOFF_OPTION} {_PULSE_WIDTH_OPTION} sub_amp=0.3..1.2 "
        "sub_detune=-12|-24|-7|-12.1",
        "dsaw": f"{_CUTOFF_OPTION} detune=0.05..0.9",
        "dtri": f"{_CUTOFF_OPTION} detune=0.05..0.9",
        "dpulse": f"{_CUTOFF_OPTION} detune=0.05..0.9 {_PULSE_WIDTH_OPTION} dpulse_width=0.1..0.9",
        "fm": "cutoff=65..125 divisor=0.5|1|2|3|4|1.5 depth=0.2..3.5",
        "mod_fm": f"{_MODULATION_OPTIONS} divisor=1|2|3 depth=0.3..3",
        "mod_saw": _MODULATION_OPTIONS,
        "mod_dsaw": f"{_MODULATION_OPTIONS} detune=0.05..0.8",
        "mod_sine": _MODULATION_OPTIONS,
        "mod_beep": _MODULATION_OPTIONS,
        "mod_tri": _MODULATION_OPTIONS,
        "mod_pulse": f"{_MODULATION_OPTIONS} {_PULSE_WIDTH_OPTION}",
        "chiplead": "width=0|1|2 note_resolution=0.1|0|1",
        "chipbass": "note_resolution=0.1|0|1",
        "tb303": f"cutoff=60..120 cutoff_min=30..60 res=0.4..0.95 wave=0|1|2 {_PULSE_WIDTH_OPTION} "
        "cutoff_attack=0.01..0.3 cutoff_release=0.1..0.8 cutoff_sustain=0.05..0.4",
        "supersaw": f"cutoff=65..130 {_RESONANCE_OPTION}",
        "hoover": f"cutoff=70..130 {_RESONANCE_OPTION}",
        "prophet": f"cutoff=60..120 {_RESONANCE_OPTION}",
        "zawa": f"{_CUTOFF_OPTION} {_RESONANCE_OPTION} phase=0.1..3 phase_offset=0..0.9 "
        f"wave=0|1|2|3 invert_wave=0|1 range=6..36 disable_wave=0|1 {_PULSE_WIDTH_OPTION}",
        "dark_ambience": "cutoff=70..125 res=0.2..0.9 detune1=5|7|12|24 detune2=12|19|24|36 "
        "noise=0|1|2|3|4 ring=0.1..0.9 room=20..120 reverb_time=10..120",
        "growl": "cutoff=70..130 res=0.2..0.8",
        "tech_saws": f"cutoff=65..130 {_RESONANCE_OPTION}",
        "hollow": "cutoff=75..120 res=0.7..0.98 noise=0|1|2|3|4 norm=0|1",
        "blade": "cutoff=70..120 vibrato_rate=1..10 vibrato_depth=0.05..0.5 vibrato_delay=0.1..1.5 "
        "vibrato_onset=0.05..0.8",
        "piano": "vel=0.1..0.9 hard=0.1..0.9 stereo_width=0..1",
        "pluck": "noise_amp=0.4..1 max_delay_time=0.125|0.2|0.5 pluck_decay=10..90 coef=0.1..0.6",
        "noise": "cutoff=60..120 res=0.1..0.8",
        "pnoise": "cutoff=60..120 res=0.1..0.8",
        "bnoise": "cutoff=70..125 res=0.1..0.8",
        "gnoise": "cutoff=60..120 res=0.1..0.8",
        "cnoise": "cutoff=60..115 res=0.1..0.7",
        "chipnoise": "freq_band=0..15",
    }.items()
}
_MIX_OPTION = "mix=0.2..0.9"
_WAVE_OPTIONS = "wave=0|1|2|3 invert_wave=0|1 phase_offset=0.1..0.9 pulse_width=0.2..0.8"
_FILTER_OPTION = "cutoff=65..120"
_SLICER_OPTIONS = (
    f"phase=0.125|0.25|0.5|0.75|1 {_WAVE_OPTIONS} amp_min=0.05..0.4 amp_max=0.7..1 "
    "probability=0.1..0.6 prob_pos=0|1|0.5 seed=1..99 smooth=0.02..0.2 smooth_up=0.02..0.2 "
    "smooth_down=0.02..0.2"
)
FX_OPTIONS: dict[str, tuple[SoundOption, ...]] = {
    name: parse_option_ranges(text)
    for name, text in {
        "reverb": "room=0.2..0.99 mix=0.1..0.9 damp=0.1..0.9",
        "gverb": "room=5..60 release=1..6 spread=0.1..0.9 damp=0.2..0.9 pre_damp=0.2..0.8 "
        "dry=0.5..1 ref_level=0.2..0.6 tail_level=0.1..0.5 mix=0.2..0.7",
        "echo": f"phase=0.125|0.25|0.375|0.5|0.75|1 decay=0.5..6 max_phase=2|4 {_MIX_OPTION}",
        "ping_pong": "phase=0.125|0.25|0.375|0.5|0.75 feedback=0.2..0.8 pan_start=-1|1|0.5 "
        f"{_MIX_OPTION}",
        "lpf": f"{_FILTER_OPTION} {_MIX_OPTION}",
        "nlpf": f"{_FILTER_OPTION} mix=0.5..1",
        "rlpf": f"{_FILTER_OPTION} {_RESONANCE_OPTION}",
        "nrlpf": f"{_FILTER_OPTION} {_RESONANCE_OPTION}",
        "hpf": "cutoff=30..80 mix=0.4..1",
        "nhpf": "cutoff=30..80",
        "rhpf": f"cutoff=30..78 {_RESONANCE_OPTION}",
        "nrhpf": f"cutoff=30..78 {_RESONANCE_OPTION}",
        "bpf": "centre=60..95 res=0.1..0.6 mix=0.4..0.9",
        "nbpf": "centre=60..95 res=0.1..0.6 mix=0.4..0.8",
        "rbpf": "centre=60..95 res=0.1..0.6 mix=0.4..0.8",
        "nrbpf": "centre=60..95 res=0.1..0.6 mix=0.4..0.8",
        "band_eq": "freq=50..100 res=0.3..0.8 db=-12..6",
        "eq": "low_shelf=-0.6..0.3 low=-0.5..0.3 mid=-0.6..0.3 high=-0.5..0.3 high_shelf=-0.6..0.2 "
        "mid_note=70..90 low_q=0.4..0.8",
        "slicer": f"{_SLICER_OPTIONS} mix=0.4..1",
        "panslicer": f"{_SLICER_OPTIONS} pan_min=-1|-0.8|-0.5 pan_max=0.5|0.8|1",
        "tremolo": "phase=0.1..2 depth=0.2..0.9 wave=0|1|2|3 phase_offset=0.1..0.9 "
        "invert_wave=0|1 mix=0.4..1",
        "wobble": "phase=0.25|0.5|1|2|4 cutoff_min=50..75 cutoff_max=90..125 res=0.2..0.85 "
        f"{_WAVE_OPTIONS} probability=0.1..0.5 smooth=0.02..0.2 filter=0",
        "ixi_techno": "phase=1|2|4|8 cutoff_min=55..75 cutoff_max=90..125 res=0.2..0.8 "
        "phase_offset=0.1..0.9 mix=0.4..1",
        "distortion": f"distort=0.1..0.85 {_MIX_OPTION}",
        "bitcrusher": f"bits=4..12 sample_rate=2000..16000 {_MIX_OPTION}",
        "krush": f"gain=2..10 cutoff=70..120 res=0.1..0.5 {_MIX_OPTION}",
        "tanh": f"krunch=2..12 {_MIX_OPTION}",
        "ring_mod": f"freq=20..80 mod_amp=0.4..1 {_MIX_OPTION}",
        "octaver": "super_amp=0.2..1 sub_amp=0.2..1 subsub_amp=0.1..1 mix=0.3..0.8",
        "vowel": "vowel_sound=1|2|3|4|5 voice=0|1|2|3|4 mix=0.4..0.9",
        "flanger": "phase=0.5..8 depth=2..10 delay=2..12 decay=0.5..4 feedback=0.1..0.7 "
        f"wave=0|1|2|3|4 invert_flange=0|1 stereo_invert_wave=0|1 {_MIX_OPTION}",
        "whammy": "transpose=-12|-7|5|7|12 deltime=0.03..0.1 grainsize=0.05..0.15 mix=0.3..0.8",
        "pitch_shift": "pitch=-12|-7|-5|3|5|7|12 window_size=0.05..0.4 pitch_dis=0.001..0.05 "
        "time_dis=0.001..0.05 mix=0.3..0.9",
        "autotuner": "note=48..72 formant_ratio=0.6..1.6 mix=0.3..0.7",
        "compressor": "threshold=0.1..0.5 slope_above=0.2..0.8 clamp_time=0.01..0.05 "
        "relax_time=0.01..0.2 slope_below=1",
        "normaliser": "level=0.2..0.4 mix=0.2..0.5",
        "level": "amp=0.6..1",
        "mono": "pan=-0.6..0.6",
        "pan": "pan=-0.8..0.8",
    }.items()
}

FX_BY_KIND = {
    "space": "reverb reverb reverb echo echo gverb ping_pong".split(),
    "filter": "lpf lpf rlpf hpf nlpf nrlpf nhpf rhpf nrhpf bpf nbpf rbpf nrbpf band_eq eq".split(),
    "chop": "slicer slicer panslicer tremolo wobble wobble ixi_techno".split(),
    "dirt": "distortion distortion bitcrusher krush tanh ring_mod octaver".split(),
    "bend": "flanger flanger whammy pitch_shift autotuner vowel".split(),
    "mix": "compressor compressor level normaliser mono pan".split(),
}
# Lowest factor by which an FX changes the loudness of a steady sound.
FX_AMP_FACTORS = {
    "gverb": 0.75,
    "distortion": 0.7,
    "krush": 0.7,
    "tanh": 0.65,
    "octaver": 0.7,
    "wobble": 0.85,
    "ixi_techno": 0.85,
    "echo": 0.8,
    "ping_pong": 0.8,
    "rlpf": 0.85,
    "nrlpf": 0.8,
    "compressor": 0.9,
    "normaliser": 0.6,
    "nlpf": 0.8,
    "nhpf": 0.7,
    "nrhpf": 0.7,
    "nbpf": 0.6,
    "nrbpf": 0.6,
    "bpf": 1.1,
    "hpf": 1.1,
}

# Added to the groups of the vocabulary.
_MORE_SYNTHS = {
    "leads": "sine growl mod_sine mod_dsaw tech_saws subpulse square",
    "pads": "hollow dark_ambience growl mod_dsaw zawa hoover",
    "basses": "growl mod_fm",
    "noises": "chipnoise",
}
_OWN_SYNTH_GROUPS = {
    "acid": "tb303 tb303 tb303 saw zawa prophet",
    "chip": "chiplead chiplead chipbass pulse square dpulse tri mod_pulse",
}
_MORE_SAMPLES = {
    "textures": "perc_swoosh",
    "hats": "drum_cymbal_closed drum_cymbal_closed",
}


@dataclass(frozen=True)
class SoundSet:
    """The sounds that programs are composed of.

    Parameters
    ----------
    synth_groups, sample_groups : dict of str to list of str
        Names by group; a repeated name is more likely.
    drum_synths : dict of str to list of str
        Synths that sound as drums, by role; empty in the set of Sonic Pi 3.2.2.
    """

    synth_groups: dict[str, list[str]]
    sample_groups: dict[str, list[str]]
    drum_synths: dict[str, list[str]]


@cache
def get_sound_set_by_name(name: str = DEFAULT_SOUND_SET) -> SoundSet:
    """Return a set of sounds by the version of Sonic Pi that has them: "3.2" or "5"."""
    groups = build_sound_names_by_group(name)
    synth_groups = {
        group: [*groups[group], *_MORE_SYNTHS.get(group, "").split()]
        for group in "leads plucked soft pads keys basses noises".split()
    }
    synth_groups |= {group: names.split() for group, names in _OWN_SYNTH_GROUPS.items()}
    sample_groups = {
        group: [*groups[group], *_MORE_SAMPLES.get(group, "").split()]
        for group in "kicks snares hats cymbals toms blips percussion tablas bass_hits breaks "
        "textures glitches".split()
    }
    if name == DEFAULT_SOUND_SET:
        return SoundSet(synth_groups, sample_groups, {})
    synth_groups["acid"] += ["bass_foundation", "bass_highend"]
    return SoundSet(synth_groups, sample_groups, DRUM_SYNTHS_BY_ROLE)


# Durations of the long samples in seconds, rounded down.
SAMPLE_SECONDS = {
    "ambi_choir": 1.5,
    "ambi_dark_woosh": 3.5,
    "ambi_drone": 4.4,
    "ambi_glass_hum": 10,
    "ambi_glass_rub": 3,
    "ambi_haunted_hum": 9.5,
    "ambi_lunar_land": 7,
    "ambi_piano": 2.5,
    "ambi_sauna": 9,
    "ambi_soft_buzz": 0.7,
    "ambi_swoosh": 1.5,
    "guit_e_fifths": 5,
    "guit_e_slide": 4,
    "guit_em9": 9,
    "guit_harmonics": 3,
    "loop_drone_g_97": 4.9,
    "misc_cineboom": 6,
    "vinyl_hiss": 8,
    "vinyl_rewind": 2.5,
    "vinyl_backspin": 1,
    "drum_roll": 6,
    "perc_swoosh": 0.6,
    "loop_amen": 1.75,
    "loop_amen_full": 6.86,
    "loop_breakbeat": 1.9,
    "loop_compus": 6.49,
    "loop_garzul": 8,
    "loop_industrial": 0.88,
    "loop_mehackit1": 2.47,
    "loop_mehackit2": 2.47,
    "loop_mika": 8,
    "loop_safari": 8,
    "loop_tabla": 10.67,
    "loop_weirdo": 4.95,
    "perc_bell": 6.7,
    "perc_bell2": 5.4,
    "elec_chime": 2.2,
    "elec_filt_snare": 1.5,
    "bd_boom": 1.7,
    "drum_cymbal_open": 1.8,
    "drum_cymbal_hard": 1.6,
    "drum_splash_hard": 2.6,
    "drum_splash_soft": 1.8,
    "perc_door": 2.4,
    "perc_till": 2.6,
    "tabla_ghe2": 2.6,
    "tabla_ghe3": 2.3,
    "tabla_ghe5": 3.5,
    "tabla_ghe6": 3.6,
    "tabla_ghe7": 2.1,
    "tabla_tun1": 2.3,
    "tabla_tun2": 2.7,
    "tabla_tun3": 2.1,
    "tabla_na_o": 1.5,
    "tabla_tas2": 1.4,
    "bass_drop_c": 2.3,
    "bass_hard_c": 1.5,
    "bass_thick_c": 3.9,
    "bass_trance_c": 3.6,
    "bass_voxy_c": 6.2,
    "bass_woodsy_c": 3.2,
    "glitch_bass_g": 1.9,
    "glitch_perc1": 1.8,
    "mehackit_phone3": 1.8,
    "mehackit_phone4": 1.5,
    "mehackit_robot4": 2,
    "mehackit_robot5": 1.5,
    "mehackit_robot6": 2.4,
    "loop_electric": 2.47,
    "loop_perc1": 2.47,
    "loop_perc2": 2.47,
    "loop_3d_printer": 7.96,
    "arovane_beat_a": 14.76,
    "arovane_beat_b": 14.77,
    "arovane_beat_c": 7.38,
    "arovane_beat_d": 11.07,
    "arovane_beat_e": 11.07,
    "ride_tri": 4.7,
    "ride_via": 5,
    "tbd_fxbed_loop": 7.38,
    "tbd_highkey_c4": 1.1,
    "tbd_pad_1": 2,
    "tbd_pad_2": 3.2,
    "tbd_pad_3": 2.9,
    "tbd_pad_4": 2.4,
    "tbd_voctone": 3.6,
}

# Factor on `amp` that makes the samples of a group as loud as a drum on a loudspeaker.
_GROUP_GAINS = {
    "hats": 1.2,
    "cymbals": 0.8,
    "percussion": 1.1,
    "blips": 1.0,
    "tablas": 1.2,
    "glitches": 1.1,
}


def list_synth_options(synth_name: str) -> tuple[SoundOption, ...]:
    """Return the specific options of a synth of any sound set."""
    options = SYNTH_OPTIONS.get(synth_name)
    return LATER_SYNTH_OPTIONS[synth_name] if options is None else options


def compute_synth_amp(synth: str, level: float) -> float:
    """Return the `amp` at which a synth is about as loud as the others at `level`."""
    return _round_amp(compute_amp_of_equal_loudness(synth, level))


def compute_sample_amp(sample_name: str, sample_group: str, level: float) -> float:
    """Return the `amp` at which a sample is about as loud as the others at `level`."""
    return _round_amp(
        compute_amp_of_equal_loudness(sample_name, level) * _GROUP_GAINS.get(sample_group, 1.0)
    )


def _round_amp(amp: float) -> float:
    """Round an `amp` as programmers do: `0.45` is rare, `0.5` is common."""
    if amp >= 2.5:
        return float(round(amp))
    if amp >= 0.4:
        return round(amp * 10) / 10
    return max(0.05, round(amp * 20) / 20)
