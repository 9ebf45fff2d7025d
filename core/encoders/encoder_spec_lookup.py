"""Find the spec of an encoder by its id."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.encoders.built_in_encoder_specs import (
    ENCODER_SPECS,
    NON_COMMERCIAL_USE,
    TEXT_TOWER_SUFFIX,
    build_text_tower_encoder_spec,
)
from core.encoders.concatenated_encoders import (
    ID_SEPARATOR,
    build_concat_encoder_spec,
    split_encoder_id,
)
from core.encoders.encoder_spec import (
    LAST_TOKEN_POOLING,
    MEAN_POOLING,
    EncoderSpec,
    validate_modality,
)
from core.encoders.imported_embeddings_spec import build_imported_encoder_spec, is_imported_encoder
from core.encoders.model_weight_sources import FolderWeights, load_json_config
from core.errors import EarshotError, find_similarly_spelled_words

# Family (`EncoderSpec.family`) by the `model_type` in the config.json of a model's folder.
FAMILY_BY_MODEL_TYPE = {
    "bert": "text",
    "qwen2": "text",
    "qwen3": "text",
    "distilbert": "text",
    "mpnet": "text",
    "roberta": "text",
    "xlm-roberta": "text",
    "hubert": "wav2vec2",
    "wav2vec2": "wav2vec2",
    "wavlm": "wav2vec2",
    "mert_model": "wav2vec2",
    "clap": "clap",
    "embedding_gemma2": "embedding_gemma_audio",
    "muq": "muq",
    "muq_mulan": "muq_mulan_audio",
}
CODE_FAMILIES = {"text", "jina_bert"}
DEFAULT_SAMPLE_RATES = {
    "wav2vec2": 16_000,
    "clap": 48_000,
    "embedding_gemma_audio": 16_000,
    "muq": 24_000,
    "muq_mulan_audio": 24_000,
}  # Hz
# Licence and restriction of the models of a family that has only one publisher.
LICENCES = dict.fromkeys(("muq", "muq_mulan_audio"), ("CC BY-NC 4.0", NON_COMMERCIAL_USE))
# The config.json of some models states no type; these keys are their own.
CONFIG_KEYS_BY_MODEL_TYPE = {
    "muq": {"w2v2_config", "encoder_depth", "label_rate"},
    "muq_mulan": {"mulan", "audio_model", "audio_transformer", "text_transformer"},
}
# Their config.json stands alone, without a file that describes the input.
FAMILIES_WITHOUT_PREPROCESSOR = {"muq", "muq_mulan_audio"}
# Models that only look back: the last token of a text has seen all of it, the first ones nothing.
CAUSAL_MODEL_TYPES = {"qwen2", "qwen3"}


def list_encoder_specs(modality: str | None = None) -> list[EncoderSpec]:
    """Return the specs of the built-in encoders.

    Parameters
    ----------
    modality : {"code", "audio"}, optional
        Restrict the list to this modality.

    Returns
    -------
    list of EncoderSpec
        Code encoders first.

    Raises
    ------
    EarshotError
        If the modality is unknown.

    Examples
    --------
    >>> [spec.id for spec in list_encoder_specs("audio")][:2]
    ['aisfx', 'musicnn']
    """
    if modality is None:
        return list(ENCODER_SPECS)
    validate_modality(modality)
    return [spec for spec in ENCODER_SPECS if spec.modality == modality]


def find_encoder_spec(encoder_id: str) -> EncoderSpec:
    """Return the spec of an encoder.

    Parameters
    ----------
    encoder_id : str
        Name of a built-in encoder; path of a folder with a model in transformers format, with
        "#text" for the text tower of a model of text and audio; id of imported embeddings
        (`core.encoders.imported_embeddings_spec`); or several of these joined by "+"
        (`core.encoders.concatenated_encoders`).

    Raises
    ------
    EarshotError
        If no encoder has this id, or Earshot cannot run a model of this type.

    Examples
    --------
    >>> find_encoder_spec("log-mel").dim
    192
    """
    for spec in ENCODER_SPECS:
        if spec.id == encoder_id:
            return spec
    if is_imported_encoder(encoder_id):
        return build_imported_encoder_spec(encoder_id)
    folder_path = encoder_id.removesuffix(TEXT_TOWER_SUFFIX)
    folder = Path(folder_path).expanduser()
    if (folder / "config.json").is_file():
        spec = _build_folder_encoder_spec(folder.resolve())
        return spec if folder_path == encoder_id else build_text_tower_encoder_spec(spec)
    if ID_SEPARATOR in encoder_id:
        return build_concat_encoder_spec(
            [find_encoder_spec(component_id) for component_id in split_encoder_id(encoder_id)]
        )
    known_ids = [spec.id for spec in ENCODER_SPECS]
    similar_ids = find_similarly_spelled_words(encoder_id, known_ids)
    raise EarshotError(
        f"There is no encoder {encoder_id[:200]!r}.",
        remedy=f"Use {', '.join(similar_ids or known_ids)}, or the path of a folder that holds a"
        " model's config.json.",
    )


def find_concat_weights(encoder_ids: Sequence[str]) -> list[float]:
    """Return the weights of encoders in a concatenation; 1 for one that is not installed here.

    Examples
    --------
    >>> find_concat_weights(["sonicpi", "own/code/mine"])
    [1.0, 1.0]
    """
    weights = []
    for encoder_id in encoder_ids:
        try:
            weights.append(find_encoder_spec(encoder_id).concat_weight)
        except EarshotError:  # A corpus may hold embeddings of a folder that has been removed.
            weights.append(1.0)
    return weights


def do_encoders_share_component(first_id: str, second_id: str) -> bool:
    """Return whether two encoders have a component in common: the same network or algorithm.

    A clip that is near by one of them is then likely to be near by the other, so neither is held
    out from a training on the other. An encoder that is not installed here shares no component
    with others.

    Examples
    --------
    >>> do_encoders_share_component("musicnn", "aisfx+musicnn-short")
    True
    >>> do_encoders_share_component("log-mel", "aisfx")
    False
    """
    if first_id == second_id:
        return True
    try:
        first, second = find_encoder_spec(first_id), find_encoder_spec(second_id)
    except EarshotError:
        return not set(split_encoder_id(first_id)).isdisjoint(split_encoder_id(second_id))
    return any(
        (one.family, one.weights) == (other.family, other.weights)
        for one in first.component_specs
        for other in second.component_specs
    )


def _build_folder_encoder_spec(folder: Path) -> EncoderSpec:
    """Return the spec of a local model in transformers format."""
    config = load_json_config(folder / "config.json")
    model_type = config.get("model_type") or next(
        (name for name, keys in CONFIG_KEYS_BY_MODEL_TYPE.items() if config.keys() >= keys), None
    )
    family = FAMILY_BY_MODEL_TYPE.get(str(model_type))
    if model_type == "bert" and config.get("position_embedding_type") == "alibi":
        family = "jina_bert"  # its config.json states the type of the model it was made from
    if family is None:
        raise EarshotError(
            f"Earshot cannot run a model of type {model_type!r}.",
            where=str(folder),
            remedy=f"Supported types: {', '.join(FAMILY_BY_MODEL_TYPE)}.",
        )
    is_code = family in CODE_FAMILIES
    licence, restriction = LICENCES.get(family, ("see the model's licence", ""))
    return EncoderSpec(
        id=str(folder),
        modality="code" if is_code else "audio",
        family=family,
        dim=_infer_embedding_dim(config, family),
        title=f"local {model_type} model",
        licence=licence,
        use_restriction=restriction,
        weights=FolderWeights.from_folder(
            folder, needs_preprocessor=family not in FAMILIES_WITHOUT_PREPROCESSOR
        ),
        sample_rate=None if is_code else _read_model_sample_rate(folder, family),
        pooling=LAST_TOKEN_POOLING if model_type in CAUSAL_MODEL_TYPES else MEAN_POOLING,
    )


def _read_model_sample_rate(folder: Path, family: str) -> int:
    """Return the sample rate of an audio model in Hz, by default that of its family."""
    path = folder / "preprocessor_config.json"
    config = load_json_config(path) if path.is_file() else {}
    return int(config.get("sampling_rate", DEFAULT_SAMPLE_RATES[family]))


def _infer_embedding_dim(config: dict[str, Any], family: str) -> int:
    """Return the length of the vectors; a missing key means the architecture's default."""
    if family == "clap":
        return int(config.get("projection_dim", 512))
    if family == "embedding_gemma_audio":
        return int((config.get("text_config") or {}).get("embedding_dim", 768))
    if family == "muq":
        return int(config.get("encoder_dim", 1024))
    if family == "muq_mulan_audio":
        return int(config["mulan"].get("dim_latent", 512))
    return int(config.get("hidden_size") or config.get("dim") or 768)
