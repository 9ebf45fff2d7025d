"""The wav2vec 2.0 encoders (also HuBERT, WavLM and MERT): mean of the last layer over time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import transformers
from torch import nn

from core.encoders import openvino_backend
from core.encoders.audio_encoder_base import AudioEncoder
from core.encoders.encoder_device_and_precision import ComputeConfig
from core.encoders.encoder_spec import EncoderSpec
from core.encoders.model_weight_sources import load_json_config
from core.encoders.overlapping_windows import split_into_windows
from core.encoders.pretrained_loading import (
    load_feature_extractor,
    load_pretrained_model,
    silence_transformers_output,
)
from core.errors import EarshotError

# Attention grows with the square of the length, and training used at most half a minute of speech;
# longer clips are split into equal windows.
MAX_WINDOW_SECONDS = 30.0
# Lengths of the noise on which OpenVINO is compared with torch.
PROBE_NOISE_SECONDS = (1.0, 0.5, 1.7)
MERT_MODEL_TYPE = "mert_model"
# Settings with which MERT's network is HuBERT's.
PLAIN_MERT_SETTINGS = {
    "feature_extractor_cqt": False,
    "deepnorm": False,
    "attention_relax": -1.0,
    "feat_proj_layer_norm": True,
    "conv_pos_batch_norm": False,
    "do_stable_layer_norm": False,
}


class Wav2Vec2Encoder(AudioEncoder):
    """A model of raw waveforms with its feature extractor, which normalizes the level.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        folder = spec.weights.locate_or_download_weights(spec.id)
        self._compute = compute
        self._feature_extractor = load_feature_extractor(folder, spec.id)
        model = _MeanPooledModel(load_waveform_model(folder, spec.id)).eval()
        compiled_model = None
        if compute.use_openvino:
            probe_lengths = [int(seconds * self._sample_rate) for seconds in PROBE_NOISE_SECONDS]
            with silence_transformers_output():
                compiled_model = openvino_backend.compile_and_verify_model(
                    model, compute, probe_lengths
                )
        self._pooled_model = compiled_model or compute.prepare_model_for_inference(model)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        inputs = self._feature_extractor(
            waveform, sampling_rate=self._sample_rate, return_tensors="pt"
        )
        values = inputs["input_values"].to(self._compute.device)  # [1, frames]
        max_frames = int(MAX_WINDOW_SECONDS * self._sample_rate)
        means = []
        for start, stop in split_into_windows(values.shape[1], max_frames):
            with torch.inference_mode(), self._compute.make_autocast_context():
                # Cloned into memory aligned by torch: the last bits may depend on alignment.
                means.append(self._pooled_model(values[:, start:stop].clone()))
        return torch.cat(means).mean(dim=0).cpu().numpy()


def load_waveform_model(folder: Path, encoder_id: str) -> nn.Module:
    """Load a model of raw waveforms.

    MERT-v1-95M is a HuBERT of music. Its repository contains code of its own for variants with
    further inputs and scaled attention; the code is not run, so only the plain variant loads.

    Parameters
    ----------
    folder : Path
    encoder_id : str
        For error messages.

    Raises
    ------
    EarshotError
        If the files are damaged, or the model is a variant of MERT that HuBERT does not cover.
    """
    config = load_json_config(folder / "config.json")
    if config.get("model_type") != MERT_MODEL_TYPE:
        model: nn.Module = load_pretrained_model(transformers.AutoModel, folder, encoder_id)
        return model
    different = [
        name for name, value in PLAIN_MERT_SETTINGS.items() if config.get(name, value) != value
    ]
    if different:
        raise EarshotError(
            f"{encoder_id} is a MERT with {different[0]} = {config[different[0]]!r}, which needs"
            " the code in its repository.",
            where=str(folder),
            remedy="Use m-a-p/MERT-v1-95M, or import embeddings that were computed elsewhere:"
            " ./run import CORPUS TABLE --vectors audio --name NAME",
        )
    del config["model_type"]
    config.pop("auto_map", None)
    hubert: nn.Module = load_pretrained_model(
        transformers.HubertModel,
        folder,
        encoder_id,
        config=transformers.HubertConfig.from_dict(config),
    )
    return hubert


class _MeanPooledModel(nn.Module):
    """A model from a waveform [1, frames] to a vector, float32 [1, dim]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self._model = model

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        hidden = self._model(waveform).last_hidden_state  # [1, steps, dim]
        return hidden.float().mean(dim=1)
