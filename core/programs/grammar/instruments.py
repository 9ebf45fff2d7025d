"""Synths, FX and samples of Sonic Pi 3.2.2 with the options that each has, in useful ranges.

An option is written `name=lo..hi` or `name=a|b|c`. Groups of synths and samples are
`core.programs.vocabulary`'s, completed here where a group there is narrower than what
people use.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.programs.grammar.rng import Dice
from core.programs.vocabulary import loud, words

_WORDS = words()


@dataclass(frozen=True)
class Option:
    """One option: a range of numbers, or choices.

    Parameters
    ----------
    name : str
    lo, hi : float
        Of a number.
    choices : tuple of str
        As they are written; empty for a number.
    """

    name: str
    lo: float = 0.0
    hi: float = 0.0
    choices: tuple[str, ...] = ()

    def draw(self, dice: Dice) -> str:
        """Return a value as it is written."""
        return dice.pick(self.choices) if self.choices else f"{dice.number(self.lo, self.hi):g}"


def _options(text: str) -> tuple[Option, ...]:
    found = []
    for part in text.split():
        name, _, values = part.partition("=")
        if ".." in values:
            lo, hi = map(float, values.split(".."))
            found.append(Option(name, lo, hi))
        else:
            found.append(Option(name, choices=tuple(values.split("|"))))
    return tuple(found)


_CUT = "cutoff=55..125"
_RES = "res=0.1..0.9"
_WIDTH = "pulse_width=0.1..0.9"
_MOD = (
    f"{_CUT} mod_phase=0.08..1.5 mod_range=2..24 mod_pulse_width=0.2..0.8 "
    f"mod_phase_offset=0.1..0.9 "
    "mod_invert_wave=0|1 mod_wave=0|1|2|3"
)
SYNTHS: dict[str, tuple[Option, ...]] = {
    name: _options(text)
    for name, text in {
        "dull_bell": "",
        "pretty_bell": "",
        "beep": "",
        "sine": "",
        "saw": _CUT,
        "pulse": f"{_CUT} {_WIDTH}",
        "square": _CUT,
        "tri": f"{_CUT} {_WIDTH}",
        "subpulse": f"{_CUT} {_WIDTH} sub_amp=0.3..1.2 sub_detune=-12|-24|-7|-12.1",
        "dsaw": f"{_CUT} detune=0.05..0.9",
        "dtri": f"{_CUT} detune=0.05..0.9",
        "dpulse": f"{_CUT} detune=0.05..0.9 {_WIDTH} dpulse_width=0.1..0.9",
        "fm": "cutoff=65..125 divisor=0.5|1|2|3|4|1.5 depth=0.2..3.5",
        "mod_fm": f"{_MOD} divisor=1|2|3 depth=0.3..3",
        "mod_saw": _MOD,
        "mod_dsaw": f"{_MOD} detune=0.05..0.8",
        "mod_sine": _MOD,
        "mod_beep": _MOD,
        "mod_tri": _MOD,
        "mod_pulse": f"{_MOD} {_WIDTH}",
        "chiplead": "width=0|1|2 note_resolution=0.1|0|1",
        "chipbass": "note_resolution=0.1|0|1",
        "tb303": f"cutoff=60..120 cutoff_min=30..60 res=0.4..0.95 wave=0|1|2 {_WIDTH} "
        "cutoff_attack=0.01..0.3 cutoff_release=0.1..0.8 cutoff_sustain=0.05..0.4",
        "supersaw": f"cutoff=65..130 {_RES}",
        "hoover": f"cutoff=70..130 {_RES}",
        "prophet": f"cutoff=60..120 {_RES}",
        "zawa": f"{_CUT} {_RES} phase=0.1..3 phase_offset=0..0.9 wave=0|1|2|3 invert_wave=0|1 "
        f"range=6..36 disable_wave=0|1 {_WIDTH}",
        "dark_ambience": "cutoff=70..125 res=0.2..0.9 detune1=5|7|12|24 detune2=12|19|24|36 "
        "noise=0|1|2|3|4 ring=0.1..0.9 room=20..120 reverb_time=10..120",
        "growl": "cutoff=70..130 res=0.2..0.8",
        "tech_saws": f"cutoff=65..130 {_RES}",
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

_MIX = "mix=0.2..0.9"
_WAVE = "wave=0|1|2|3 invert_wave=0|1 phase_offset=0.1..0.9 pulse_width=0.2..0.8"
_FILTER = "cutoff=65..120"
_CHOP = (
    f"phase=0.125|0.25|0.5|0.75|1 {_WAVE} amp_min=0.05..0.4 amp_max=0.7..1 probability=0.1..0.6 "
)
_CHOP += "prob_pos=0|1|0.5 seed=1..99 smooth=0.02..0.2 smooth_up=0.02..0.2 smooth_down=0.02..0.2"
FX: dict[str, tuple[Option, ...]] = {
    name: _options(text)
    for name, text in {
        "reverb": "room=0.2..0.99 mix=0.1..0.9 damp=0.1..0.9",
        "gverb": "room=5..60 release=1..6 spread=0.1..0.9 damp=0.2..0.9 pre_damp=0.2..0.8 "
        "dry=0.5..1 "
        "ref_level=0.2..0.6 tail_level=0.1..0.5 mix=0.2..0.7",
        "echo": f"phase=0.125|0.25|0.375|0.5|0.75|1 decay=0.5..6 max_phase=2|4 {_MIX}",
        "ping_pong": f"phase=0.125|0.25|0.375|0.5|0.75 feedback=0.2..0.8 pan_start=-1|1|0.5 {_MIX}",
        "lpf": f"{_FILTER} {_MIX}",
        "nlpf": f"{_FILTER} mix=0.5..1",
        "rlpf": f"{_FILTER} {_RES}",
        "nrlpf": f"{_FILTER} {_RES}",
        "hpf": "cutoff=30..80 mix=0.4..1",
        "nhpf": "cutoff=30..80",
        "rhpf": f"cutoff=30..78 {_RES}",
        "nrhpf": f"cutoff=30..78 {_RES}",
        "bpf": "centre=60..95 res=0.1..0.6 mix=0.4..0.9",
        "nbpf": "centre=60..95 res=0.1..0.6 mix=0.4..0.8",
        "rbpf": "centre=60..95 res=0.1..0.6 mix=0.4..0.8",
        "nrbpf": "centre=60..95 res=0.1..0.6 mix=0.4..0.8",
        "band_eq": "freq=50..100 res=0.3..0.8 db=-12..6",
        "eq": "low_shelf=-0.6..0.3 low=-0.5..0.3 mid=-0.6..0.3 high=-0.5..0.3 high_shelf=-0.6..0.2 "
        "mid_note=70..90 low_q=0.4..0.8",
        "slicer": f"{_CHOP} mix=0.4..1",
        "panslicer": f"{_CHOP} pan_min=-1|-0.8|-0.5 pan_max=0.5|0.8|1",
        "tremolo": "phase=0.1..2 depth=0.2..0.9 wave=0|1|2|3 phase_offset=0.1..0.9 "
        "invert_wave=0|1 mix=0.4..1",
        "wobble": f"phase=0.25|0.5|1|2|4 cutoff_min=50..75 cutoff_max=90..125 res=0.2..0.85 "
        f"{_WAVE} "
        "probability=0.1..0.5 smooth=0.02..0.2 filter=0",
        "ixi_techno": "phase=1|2|4|8 cutoff_min=55..75 cutoff_max=90..125 res=0.2..0.8 "
        "phase_offset=0.1..0.9 "
        "mix=0.4..1",
        "distortion": f"distort=0.1..0.85 {_MIX}",
        "bitcrusher": f"bits=4..12 sample_rate=2000..16000 {_MIX}",
        "krush": f"gain=2..10 cutoff=70..120 res=0.1..0.5 {_MIX}",
        "tanh": f"krunch=2..12 {_MIX}",
        "ring_mod": f"freq=20..80 mod_amp=0.4..1 {_MIX}",
        "octaver": "super_amp=0.2..1 sub_amp=0.2..1 subsub_amp=0.1..1 mix=0.3..0.8",
        "vowel": "vowel_sound=1|2|3|4|5 voice=0|1|2|3|4 mix=0.4..0.9",
        "flanger": f"phase=0.5..8 depth=2..10 delay=2..12 decay=0.5..4 feedback=0.1..0.7 "
        f"wave=0|1|2|3|4 "
        f"invert_flange=0|1 stereo_invert_wave=0|1 {_MIX}",
        "whammy": "transpose=-12|-7|5|7|12 deltime=0.03..0.1 grainsize=0.05..0.15 mix=0.3..0.8",
        "pitch_shift": "pitch=-12|-7|-5|3|5|7|12 window_size=0.05..0.4 pitch_dis=0.001..0.05 "
        "time_dis=0.001..0.05 mix=0.3..0.9",
        "autotuner": "note=48..72 formant_ratio=0.6..1.6 mix=0.3..0.7",
        "compressor": "threshold=0.1..0.5 slope_above=0.2..0.8 clamp_time=0.01..0.05 "
        "relax_time=0.01..0.2 "
        "slope_below=1",
        "normaliser": "level=0.2..0.4 mix=0.2..0.5",
        "level": "amp=0.6..1",
        "mono": "pan=-0.6..0.6",
        "pan": "pan=-0.8..0.8",
    }.items()
}

FX_KINDS = {
    "space": "reverb reverb reverb echo echo gverb ping_pong".split(),
    "filter": "lpf lpf rlpf hpf nlpf nrlpf nhpf rhpf nrhpf bpf nbpf rbpf nrbpf band_eq eq".split(),
    "chop": "slicer slicer panslicer tremolo wobble wobble ixi_techno".split(),
    "dirt": "distortion distortion bitcrusher krush tanh ring_mod octaver".split(),
    "bend": "flanger flanger whammy pitch_shift autotuner vowel".split(),
    "mix": "compressor compressor level normaliser mono pan".split(),
}
# The least that such an FX leaves of steady loudness, times what it adds.
LOUDER = {
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

SYNTH_GROUPS: dict[str, list[str]] = {
    "leads": [
        *_WORDS["leads"],
        "sine",
        "growl",
        "mod_sine",
        "mod_dsaw",
        "tech_saws",
        "subpulse",
        "square",
    ],
    "plucked": _WORDS["plucked"],
    "soft": _WORDS["soft"],
    "pads": [*_WORDS["pads"], "hollow", "dark_ambience", "growl", "mod_dsaw", "zawa", "hoover"],
    "keys": _WORDS["keys"],
    "basses": [*_WORDS["basses"], "growl", "mod_fm"],
    "acid": "tb303 tb303 tb303 saw zawa prophet".split(),
    "chip": "chiplead chiplead chipbass pulse square dpulse tri mod_pulse".split(),
    "noises": [*_WORDS["noises"], "chipnoise"],
}
SAMPLE_GROUPS: dict[str, list[str]] = {
    name: _WORDS[name]
    for name in "kicks snares hats cymbals toms blips percussion tablas bass_hits breaks "
    "textures glitches".split()
}
SAMPLE_GROUPS["textures"] = [*_WORDS["textures"], "perc_swoosh"]
SAMPLE_GROUPS["hats"] = [*_WORDS["hats"], "drum_cymbal_closed", "drum_cymbal_closed"]

# Seconds that the long samples last, rounded down.
LASTS = {
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
}

# How much quieter than a drum such a sample is on a loudspeaker.
_FAINT = {
    "hats": 1.2,
    "cymbals": 0.8,
    "percussion": 1.1,
    "blips": 1.0,
    "tablas": 1.2,
    "glitches": 1.1,
}


def synth_amp(synth: str, level: float) -> float:
    """Return the `amp` at which a synth is about as loud as others at `level`."""
    return _coarse(loud(synth, level))


def sample_amp(name: str, group: str, level: float) -> float:
    """Return the `amp` at which a sample is about as loud as others at `level`."""
    return _coarse(loud(name, level) * _FAINT.get(group, 1.0))


def _coarse(amp: float) -> float:
    """Round as people do: `0.45` is rare, `0.5` is common."""
    if amp >= 2.5:
        return float(round(amp))
    if amp >= 0.4:
        return round(amp * 10) / 10
    return max(0.05, round(amp * 20) / 20)
