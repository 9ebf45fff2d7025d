"""What an encoder is, and how it is found by its id."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.encoders.weights import FolderWeights, Weights, load_json_config
from core.errors import EarshotError

MODALITIES = ("code", "audio")
# Family of core/encoders/loading.py by the `model_type` in a folder's config.json.
FAMILY_BY_MODEL_TYPE = {
    "bert": "text",
    "distilbert": "text",
    "mpnet": "text",
    "roberta": "text",
    "xlm-roberta": "text",
    "hubert": "speech",
    "wav2vec2": "speech",
    "wavlm": "speech",
    "clap": "clap",
}
DEFAULT_SAMPLE_RATES = {"speech": 16_000, "clap": 48_000}


@dataclass(frozen=True)
class EncoderSpec:
    """All that is known about an encoder before it is loaded.

    Attributes
    ----------
    id : str
        What people and corpora call it: a name, or the path of a folder, or several of
        them joined by "+".
    modality : {"code", "audio"}
    family : str
        Which architecture runs it; see `core.encoders.loading.ENCODER_CLASS_BY_FAMILY`.
    dim : int
        Length of its vectors.
    title : str
        What it is, in a few words.
    licence : str
        Of the weights.
    weights : Weights
        Where they come from.
    sample_rate : int or None
        In Hz, what the encoder was trained on; None for code.
    context_length : int or None
        Most tokens it reads at once, where its files say more than it was trained for.
    mode_token : str
        Token that tells the model to embed, set before the program.
    credit : str
        Whom to name.
    recipe_version : int
        Raise it with every change to what is done around the weights: the
        embeddings made before are then made anew.
    """

    id: str
    modality: str
    family: str
    dim: int
    title: str
    licence: str
    weights: Weights
    sample_rate: int | None = None
    context_length: int | None = None
    mode_token: str = ""
    credit: str = ""
    recipe_version: int = 1

    @property
    def source(self) -> str:
        """Where the weights come from."""
        return self.weights.source

    @property
    def install_instructions(self) -> str:
        """Command, or else a sentence, that gets the weights."""
        return self.weights.format_install_instructions(self.id)

    @property
    def revision(self) -> str:
        """Names weights and recipe: embeddings compare only where it is equal."""
        return f"{self.weights.revision}+{self.recipe_version}"

    @property
    def components(self) -> tuple[EncoderSpec, ...]:
        """The encoders that it joins; itself alone if it joins none."""
        return getattr(self.weights, "components", (self,))

    def is_available_offline(self) -> bool:
        """Whether it can be loaded without a network; looks only for files."""
        return self.weights.is_available_offline()


def list_encoder_specs(modality: str | None = None) -> list[EncoderSpec]:
    """Return the encoders that are known by name.

    Parameters
    ----------
    modality : {"code", "audio"}, optional
        Only these.
    """
    from core.encoders.catalogue import ENCODER_SPECS

    if modality not in (None, *MODALITIES):
        raise EarshotError(f"{modality!r} is no modality.", remedy="Use code or audio.")
    return [each for each in ENCODER_SPECS if modality in (None, each.modality)]


def find_encoder_spec(encoder_id: str) -> EncoderSpec:
    """Return the entry of an encoder.

    Parameters
    ----------
    encoder_id : str
        A known name, or the path of a folder with a model in transformers format,
        whose type then tells its modality; or vectors that were imported
        (`core.encoders.imported`); or several of them joined by "+" (`core.encoders.concat`).

    Raises
    ------
    EarshotError
        When there is none of them, or Earshot knows no way to run such a model.
    """
    from core.encoders import imported

    for known in list_encoder_specs():
        if known.id == encoder_id:
            return known
    if imported.is_imported_encoder(encoder_id):
        return imported.build_imported_spec(encoder_id)
    folder = Path(encoder_id).expanduser()
    if (folder / "config.json").is_file():
        return _build_folder_spec(folder.resolve())
    if "+" in encoder_id:
        from core.encoders import concat

        return concat.build_concat_spec([find_encoder_spec(part) for part in concat.split_encoder_id(encoder_id)])
    names = [known.id for known in list_encoder_specs()]
    near = difflib.get_close_matches(encoder_id, names, 3, 0.5) or names
    raise EarshotError(
        f"There is no encoder {encoder_id[:200]!r}.",
        remedy=f"Use {', '.join(near)}, or the path of a folder that holds a model's config.json.",
    )


def _build_folder_spec(folder: Path) -> EncoderSpec:
    config = load_json_config(folder / "config.json")
    model_type = config.get("model_type")
    family = FAMILY_BY_MODEL_TYPE.get(str(model_type))
    if family is None:
        raise EarshotError(
            f"Earshot cannot run a model of type {model_type!r}.",
            where=str(folder),
            remedy=f"It runs {', '.join(FAMILY_BY_MODEL_TYPE)}.",
        )
    rate = None
    if family != "text":
        heard = folder / "preprocessor_config.json"
        told = load_json_config(heard) if heard.is_file() else {}
        rate = int(told.get("sampling_rate", DEFAULT_SAMPLE_RATES[family]))
    return EncoderSpec(
        id=str(folder),
        modality="code" if family == "text" else "audio",
        family=family,
        dim=_infer_embedding_dim(config, family),
        title=f"{model_type} model in a folder of your own",
        licence="as its maker says",
        weights=FolderWeights.from_folder(folder),
        sample_rate=rate,
    )


def _infer_embedding_dim(config: dict[str, Any], family: str) -> int:
    """Length of the vectors; what a configuration leaves out has its architecture's default."""
    if family == "clap":
        return int(config.get("projection_dim", 512))
    return int(config.get("hidden_size") or config.get("dim") or 768)
