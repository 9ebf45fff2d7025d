"""Options of the synths that came after Sonic Pi 3.2.2, with the useful ranges of their values."""

from __future__ import annotations

from core.programs.grammar.option_range_notation import SoundOption, parse_option_ranges

LATER_SYNTH_OPTIONS: dict[str, tuple[SoundOption, ...]] = {
    name: parse_option_ranges(text)
    for name, text in {
        "rodeo": "cutoff=60..110 use_chorus=0|1 use_compressor=0|1",
        "rhodey": "lfo_width=0.1..0.9 lfo_rate=0.2..6 vel=0.3..1 mod_index=0.1..0.6",
        "kalimba": "clickiness=0.05..0.8",
        "organ_tonewheel": "rs_freq=0.5..7 rs_pitch_depth=0.005..0.03 rs_delay=0..0.2 "
        "bass=0|4|8 quint=0|4|8 fundamental=4|8 oct=0|4|8 nazard=0|2|4 blockflute=0|2|4",
        "bass_foundation": "cutoff=65..110 res=0.1..0.9",
        "bass_highend": "cutoff=75..115 res=0.3..0.9 drive=0.5..3",
        "gabberkick": "cutoff=80..125 res=0.1..0.5",
        "sc808_bassdrum": "decay=0.5..3",
        "sc808_snare": "decay=2..6 lpf=80..110 mix=0.4..0.9",
        "sc808_clap": "lpf=80..110 rev=0.5..1.5",
        "sc808_tomlo": "decay=2..8 click=0.1..0.9",
        "sc808_tommid": "decay=8..20 click=0.1..0.9",
        "sc808_tomhi": "decay=6..14 click=0.1..0.9",
        "sc808_congalo": "decay=10..20 click=0.1..0.9",
        "sc808_congamid": "decay=5..12 click=0.1..0.9",
        "sc808_congahi": "decay=3..8 click=0.1..0.9",
        "sc808_rimshot": "lpf=60..90 click=0.5..1",
        "sc808_claves": "decay=0.05..0.2",
        "sc808_maracas": "decay=0.05..0.3 hpf=100..115",
        "sc808_cowbell": "decay=5..12 hpf=90..115",
        "sc808_closed_hihat": "decay=0.2..0.6",
        "sc808_open_hihat": "decay=0.3..0.9",
        "sc808_cymbal": "decay=1..3 tone=0.001..0.3",
    }.items()
}
