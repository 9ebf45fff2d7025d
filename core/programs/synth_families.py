"""Families of Sonic Pi's synths: synths of one family sound alike."""

from __future__ import annotations

import re
from types import MappingProxyType

SYNTH_NAMES_BY_FAMILY = MappingProxyType(
    {
        family: tuple(names.split())
        for family, names in {
            "sine": "sine beep dtri tri",
            "pulse": "pulse square dpulse subpulse",
            "saw": "saw dsaw supersaw tech_saws prophet blade hoover zawa winwood_lead",
            "acid": "tb303 bass_foundation bass_highend gabberkick",
            "fm": "fm mod_fm",
            "modulated": "mod_sine mod_beep mod_tri mod_saw mod_dsaw mod_pulse",
            "bell": "pretty_bell dull_bell kalimba",
            "keys": "piano pluck rhodey rodeo organ_tonewheel",
            "pad": "hollow dark_ambience growl",
            "chip": "chiplead chipbass",
            "noise": "noise pnoise bnoise gnoise cnoise chipnoise",
        }.items()
    }
)
"""Names of synths by family. Drum synths (``sc808_…``) are percussion and have no family here."""

_FAMILY_BY_SYNTH = {
    name: family for family, names in SYNTH_NAMES_BY_FAMILY.items() for name in names
}


def get_synth_family(synth_name: str) -> str | None:
    """Return the family of a synth; None for a name without one, such as that of a sample.

    Examples
    --------
    >>> get_synth_family("tb303"), get_synth_family("bd_haus")
    ('acid', None)
    """
    return _FAMILY_BY_SYNTH.get(synth_name)


def list_synth_families(source: str) -> list[str]:
    r"""Return the sorted families of the synths that a program names as symbols.

    A program that names no synth plays the default one, ``:beep``, if it plays at all.

    Parameters
    ----------
    source : str
        Sonic Pi code.

    Examples
    --------
    >>> list_synth_families("use_synth :tb303\nplay 40\nsynth :hollow")
    ['acid', 'pad']
    """
    names = re.findall(r":([a-z][a-z0-9_]*)", source)
    return sorted({_FAMILY_BY_SYNTH[name] for name in names if name in _FAMILY_BY_SYNTH})
