"""Source or clip -> vector: the registry of code and audio encoders.

Importing this package loads neither torch nor transformers, so a page may list
what there is at no cost; :func:`get` loads what an encoder needs.

    from core import encoders

    encoders.get("sentence-transformers/all-MiniLM-L6-v2").embed(["play 60"])  # [1, 384]

To add an encoder of a known architecture, add one `EncoderEntry` in `catalogue.py`. A folder in
transformers format is an encoder as it is: give its path as the id.
"""

from __future__ import annotations

from core.encoders.base import EmbedError, Encoder
from core.encoders.loading import get_encoder
from core.encoders.presets import PRESETS, EncoderPreset, choose_preset
from core.encoders.registry import EncoderSpec, list_encoder_specs, find_encoder_spec

__all__ = [
    "PRESETS",
    "EmbedError",
    "Encoder",
    "EncoderSpec",
    "EncoderPreset",
    "choose_preset",
    "list_encoder_specs",
    "find_encoder_spec",
    "get_encoder",
]
