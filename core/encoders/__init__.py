"""Encoders: turn Sonic Pi programs or audio clips into embeddings.

The public API:

- `list_encoder_specs` lists the built-in encoders; `find_encoder_spec` describes one by its id.
- `get_encoder` loads an encoder; `Encoder.embed` returns one vector per program or clip.
- `PRESETS` pairs a code encoder with an audio encoder; `choose_encoder_preset` selects a pair.

Importing this package loads neither torch nor transformers, so listing encoders is cheap.
`get_encoder` imports what the encoder needs.

To add an encoder of a supported architecture, add one `EncoderSpec` to
`built_in_encoder_specs.py`. A folder that holds a model in transformers format needs no entry: its
path is its id.

Examples
--------
>>> from core import encoders
>>> [spec.id for spec in encoders.list_encoder_specs("code") if spec.family == "symbolic"]
['sonicpi']
>>> encoders.find_encoder_spec("aisfx+log-mel").dim
704
>>> encoders.PRESETS["offline"].code_encoder
'sonicpi'
>>> encoders.get_encoder("sonicpi").embed(["play 60", "sample :bd_haus"]).shape
(2, 2204)
"""

from __future__ import annotations

import os

# torch reads this when it is loaded. By default its idle threads spin. While programs are rendered
# on the same cores this wastes most of the time: on two cores with two other processes, 100
# programs took 3 to 10 times as long. Set here, as every module that loads torch for an encoder
# imports this package first.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from core.encoders.encoder_interface import EmbedError, Encoder
from core.encoders.encoder_loading import get_encoder
from core.encoders.encoder_presets import (
    PRESETS,
    EncoderPreset,
    choose_encoder_preset,
    find_encoder_preset_name,
)
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.encoder_spec_lookup import find_encoder_spec, list_encoder_specs

__all__ = [
    "PRESETS",
    "EmbedError",
    "Encoder",
    "EncoderPreset",
    "EncoderSpec",
    "choose_encoder_preset",
    "find_encoder_spec",
    "find_encoder_preset_name",
    "get_encoder",
    "list_encoder_specs",
]
