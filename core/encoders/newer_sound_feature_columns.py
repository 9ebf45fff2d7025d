"""Columns of the sounds that came after Sonic Pi 3.2.2 in the vectors of events.

The vectors have one column per synth and sample of 3.2.2. A later sound shares the column of the
sound of 3.2.2 that resembles it most, so that vectors keep their length and an alignment that never
saw the sound still knows its family. Hashed columns tell the two apart.
"""

from __future__ import annotations

from core.sonicpi.newer_sonic_pi_sounds import find_sonic_pi_version_that_added_sound

_SYNTH_RELATIVES = {
    "rodeo": "piano",
    "rhodey": "piano",
    "kalimba": "pluck",
    "organ_tonewheel": "tri",
    "bass_foundation": "saw",
    "bass_highend": "tb303",
    "winwood_lead": "blade",
}
# Drum machines as synths resemble samples.
_DRUM_SYNTH_RELATIVES = {
    "gabberkick": "bd_gas",
    "sc808_bassdrum": "bd_808",
    "sc808_snare": "elec_snare",
    "sc808_clap": "perc_snap",
    "sc808_tomlo": "drum_tom_lo_soft",
    "sc808_tommid": "drum_tom_mid_soft",
    "sc808_tomhi": "drum_tom_hi_soft",
    "sc808_congalo": "tabla_ke1",
    "sc808_congamid": "tabla_ke2",
    "sc808_congahi": "tabla_ke3",
    "sc808_rimshot": "elec_wood",
    "sc808_claves": "elec_wood",
    "sc808_maracas": "drum_cymbal_closed",
    "sc808_cowbell": "drum_cowbell",
    "sc808_closed_hihat": "drum_cymbal_closed",
    "sc808_open_hihat": "drum_cymbal_open",
    "sc808_cymbal": "drum_cymbal_hard",
}
_SAMPLE_RELATIVES = {
    "bd_chip": "bd_haus",
    "bd_jazz": "drum_heavy_kick",
    "hat_len": "drum_cymbal_pedal",
    "hat_metal": "drum_cymbal_pedal",
    "tbd_fxbed_loop": "ambi_lunar_land",
    "tbd_highkey_c4": "elec_chime",
    "tbd_pad_1": "ambi_drone",
    "tbd_pad_2": "ambi_drone",
    "tbd_pad_3": "ambi_drone",
    "tbd_pad_4": "ambi_drone",
    "tbd_perc_blip": "elec_blip",
    "tbd_perc_hat": "drum_cymbal_closed",
    "tbd_perc_tap_1": "elec_tick",
    "tbd_perc_tap_2": "elec_tick",
    "tbd_voctone": "ambi_choir",
}
_SAMPLE_RELATIVE_BY_GROUP = {
    "hat": "drum_cymbal_closed",
    "ride": "drum_cymbal_open",
    "arovane": "loop_compus",
}


def find_sound_sharing_feature_column(kind: str, name: str) -> tuple[str, str]:
    """Return kind and name of the sound of Sonic Pi 3.2.2 whose column a sound has.

    Parameters
    ----------
    kind : {"synth", "sample"}
    name : str
        Of any Sonic Pi version, or of an author's own file.

    Returns
    -------
    kind, name : str
        The sound itself, unless it came after 3.2.2.

    Examples
    --------
    >>> find_sound_sharing_feature_column("synth", "rodeo")
    ('synth', 'piano')
    >>> find_sound_sharing_feature_column("sample", "bd_haus")
    ('sample', 'bd_haus')
    """
    if find_sonic_pi_version_that_added_sound(name) is None:
        return kind, name
    if kind == "sample":
        by_group = _SAMPLE_RELATIVE_BY_GROUP.get(name.split("_")[0], name)
        return kind, _SAMPLE_RELATIVES.get(name, by_group)
    if name in _DRUM_SYNTH_RELATIVES:
        return "sample", _DRUM_SYNTH_RELATIVES[name]
    return kind, _SYNTH_RELATIVES.get(name, name)
