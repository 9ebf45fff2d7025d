"""Turning an entry into an encoder that serves."""

from __future__ import annotations

import importlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from core.encoders.base import Encoder
from core.encoders.registry import EncoderEntry, entry

if TYPE_CHECKING:
    from core.encoders.device import Compute

# Module and class that run each family of encoders.
FAMILIES = {
    "text": ("code", "CodeEncoder"),
    "speech": ("speech", "SpeechEncoder"),
    "clap": ("clap", "ClapEncoder"),
    "sound-effects": ("effects", "SoundEffectsEncoder"),
    "log-mel": ("logmel", "LogMelEncoder"),
    "sonicpi": ("sonicpi", "SonicPiEncoder"),
    "score": ("score", "ScoreEncoder"),
    "joined": ("joined", "JoinedEncoder"),
    "own": ("own", "OwnVectors"),
}
# Encoders kept loaded: two in use and the two of a comparison, at most about 2 GB, and what
# joins some of them, which is nothing more.
KEPT = 6

_kept: OrderedDict[tuple[str, str], Encoder] = OrderedDict()
_loading = threading.RLock()  # a joined encoder asks for its parts while it is loaded


def get(encoder_id: str) -> Encoder:
    """Return an encoder, loaded once a process.

    The few used last are kept. Weights that are not at hand are downloaded, if
    they are on the model hub and it can be reached.

    Parameters
    ----------
    encoder_id : str
        A known name (see `entries`), the path of a folder, or several of them joined by
        "+" (`core.encoders.concat`).

    Raises
    ------
    EarshotError
        When there is no such encoder, its weights can't be had or are damaged,
        or it tells unrelated inputs hardly apart.
    """
    return load_or_kept(entry(encoder_id))


def load_or_kept(wanted: EncoderEntry, compute: Compute | None = None) -> Encoder:
    """The encoder of an entry as `get` returns it; `compute` only where it has to be loaded."""
    key = (wanted.id, wanted.revision)
    with _loading:
        if key not in _kept:
            _kept[key] = load(wanted, compute)
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
        return _kept[key]


def load(entry: EncoderEntry, compute: Compute | None = None) -> Encoder:
    """Load an encoder and check it; see `get`.

    Parameters
    ----------
    entry : EncoderEntry
    compute : Compute, optional
        Device and precision. Default: what suits this machine.
    """
    from core.encoders.device import default_compute  # before anything else loads torch
    from core.encoders import sanity_check

    module, name = FAMILIES[entry.family]
    family = getattr(importlib.import_module(f"core.encoders.{module}"), name)
    encoder = family(entry, compute or default_compute())
    sanity_check.check(encoder)
    return encoder
