"""Groups of the synths and samples that came after Sonic Pi 3.2.2, as in `template_vocabulary`."""

from __future__ import annotations

# Added to the groups of the same name in `core.programs.template_vocabulary`.
LATER_SYNTH_GROUPS = {
    "leads": "rodeo rhodey kalimba organ_tonewheel bass_highend",
    "plucked": "rodeo rhodey kalimba",
    "soft": "rodeo rhodey kalimba organ_tonewheel",
    "pads": "organ_tonewheel rodeo",
    "keys": "rodeo rhodey kalimba organ_tonewheel",
    "basses": "bass_foundation bass_highend",
    "filtered": "rodeo bass_foundation bass_highend",
}
LATER_SAMPLE_GROUPS = {
    "kicks": "bd_chip bd_jazz",
    "hats": "hat_bdu hat_cab hat_cats hat_gem hat_gnu hat_gump hat_hier hat_len hat_mess "
    "hat_metal hat_noiz hat_psych hat_raw hat_sci hat_snap hat_star hat_tap hat_yosh hat_zan "
    "hat_zap hat_zild tbd_perc_hat",
    "cymbals": "ride_tri ride_via",
    "blips": "tbd_highkey_c4 tbd_perc_blip",
    "percussion": "tbd_perc_tap_1 tbd_perc_tap_2 tbd_perc_blip",
    "breaks": "arovane_beat_a arovane_beat_b arovane_beat_c arovane_beat_d arovane_beat_e",
    "textures": "tbd_fxbed_loop tbd_pad_1 tbd_pad_2 tbd_pad_3 tbd_pad_4 tbd_voctone",
}
# Synths that sound as a drum at any note, without the usual envelope options.
DRUM_SYNTHS_BY_ROLE = {
    "kicks": "gabberkick sc808_bassdrum".split(),
    "snares": "sc808_snare sc808_clap sc808_rimshot".split(),
    "toms": "sc808_tomlo sc808_tommid sc808_tomhi sc808_congalo sc808_congamid "
    "sc808_congahi".split(),
    "percussion": "sc808_claves sc808_maracas sc808_cowbell".split(),
    "hats": "sc808_closed_hihat sc808_open_hihat sc808_cymbal".split(),
}
# Factors on `amp`, as in `core.programs.template_vocabulary`: RMS against that of a beep or, for
# drums, of :bd_haus; a sound with high peaks is kept softer.
LATER_LOUDNESS_GAINS = {
    "rodeo": 1.7,
    "kalimba": 6.0,
    "organ_tonewheel": 1.1,
    "bass_foundation": 1.6,
    "bass_highend": 1.1,
    "gabberkick": 1.2,
    "sc808_bassdrum": 0.6,
    "sc808_snare": 1.2,
    "sc808_clap": 3.0,
    "sc808_tomlo": 1.2,
    "sc808_tommid": 1.2,
    "sc808_tomhi": 1.3,
    "sc808_congalo": 1.2,
    "sc808_congamid": 1.4,
    "sc808_congahi": 1.5,
    "sc808_claves": 1.5,
    "sc808_maracas": 1.2,
    "sc808_cowbell": 2.0,
    "sc808_closed_hihat": 0.2,
    "sc808_open_hihat": 1.4,
    "sc808_cymbal": 0.5,
    "arovane_beat_a": 0.5,
    "arovane_beat_b": 0.3,
    "arovane_beat_c": 0.4,
    "arovane_beat_d": 0.4,
    "arovane_beat_e": 0.6,
    "tbd_fxbed_loop": 1.3,
    "tbd_pad_1": 0.8,
    "tbd_pad_2": 0.9,
    "tbd_pad_3": 0.5,
    "tbd_pad_4": 0.5,
    "tbd_voctone": 1.8,
    "tbd_perc_hat": 3.0,
    "tbd_perc_tap_1": 3.0,
    "tbd_perc_tap_2": 1.3,
}
