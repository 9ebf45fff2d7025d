"""Turning an entry into an encoder that serves."""

from __future__ import annotations

import importlib
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from core.encoders.base import Encoder
from core.encoders.registry import EncoderSpec, find_encoder_spec

if TYPE_CHECKING:
    from core.encoders.device import ComputeConfig

# Module and class that run each family of encoders.
ENCODER_CLASS_BY_FAMILY = {
    "text": ("text", "TextEncoder"),
    "speech": ("wav2vec2", "Wav2Vec2Encoder"),
    "clap": ("clap", "ClapEncoder"),
    "sound-effects": ("aisfx", "SoundEffectsEncoder"),
    "log-mel": ("logmel", "LogMelEncoder"),
    "sonicpi": ("symbolic", "SonicPiEncoder"),
    "score": ("score", "ScoreEncoder"),
    "joined": ("concat", "ConcatEncoder"),
    "own": ("imported", "ImportedEncoder"),
}
# Encoders kept loaded: two in use and the two of a comparison, at most about 2 GB, and what
# joins some of them, which is nothing more.
CACHE_SIZE = 6

_loaded_encoders: OrderedDict[tuple[str, str], Encoder] = OrderedDict()
_load_lock = threading.RLock()  # a joined encoder asks for its parts while it is loaded


def get_encoder(encoder_id: str) -> Encoder:
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
    return get_or_load_encoder(find_encoder_spec(encoder_id))


def get_or_load_encoder(spec: EncoderSpec, compute: ComputeConfig | None = None) -> Encoder:
    """The encoder of an entry as `get` returns it; `compute` only where it has to be loaded."""
    key = (spec.id, spec.revision)
    with _load_lock:
        if key not in _loaded_encoders:
            _loaded_encoders[key] = load_encoder(spec, compute)
        _loaded_encoders.move_to_end(key)
        while len(_loaded_encoders) > CACHE_SIZE:
            _loaded_encoders.popitem(last=False)
        return _loaded_encoders[key]


def load_encoder(spec: EncoderSpec, compute: ComputeConfig | None = None) -> Encoder:
    """Load an encoder and check it; see `get`.

    Parameters
    ----------
    spec : EncoderEntry
    compute : Compute, optional
        Device and precision. Default: what suits this machine.
    """
    from core.encoders.device import detect_compute_config  # before anything else loads torch
    from core.encoders import sanity_check

    module, name = ENCODER_CLASS_BY_FAMILY[spec.family]
    family = getattr(importlib.import_module(f"core.encoders.{module}"), name)
    encoder = family(spec, compute or detect_compute_config())
    sanity_check.check_encoder_sanity(encoder)
    return encoder
