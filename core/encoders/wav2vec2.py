"""wav2vec 2.0 and its kin: the mean of the last layer over a clip's frames."""

from __future__ import annotations

import numpy as np
import torch
import transformers
from torch import nn

from core.encoders import openvino
from core.encoders.audio import AudioEncoder
from core.encoders.device import ComputeConfig
from core.encoders.registry import EncoderSpec
from core.encoders.transformer import load_feature_extractor, load_model, silence_transformers
from core.encoders.windowing import split_into_windows

# Attention grows with the square of the length, and speech was trained in pieces of at most
# half a minute; a longer clip is heard in equal pieces.
MAX_CHUNK_SECONDS = 30.0  # seconds
# Of the noises by which OpenVINO is held against torch.
PROBE_NOISE_SECONDS = (1.0, 0.5, 1.7)  # seconds


class Wav2Vec2Encoder(AudioEncoder):
    """A model of raw waveforms with its feature extractor, which sets the level."""

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        folder = spec.weights.resolve_weights_path(spec.id)
        self._compute = compute
        self._feature_extractor = load_feature_extractor(folder, spec.id)
        model = _MeanPooledModel(load_model(transformers.AutoModel, folder, spec.id)).eval()
        lengths = [int(seconds * spec.sample_rate) for seconds in PROBE_NOISE_SECONDS]
        with silence_transformers():
            faster = openvino.compile_and_verify(model, compute, lengths) if compute.use_openvino else None
        self._pooled_model = faster or compute.prepare_model(model)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        rate = self.spec.sample_rate
        inputs = self._feature_extractor(waveform, sampling_rate=rate, return_tensors="pt")
        values = inputs["input_values"].to(self._compute.device)  # [1, frames]
        pieces = split_into_windows(values.shape[1], int(MAX_CHUNK_SECONDS * rate))
        means = []
        for start, stop in pieces:
            with torch.inference_mode(), self._compute.autocast():
                # Copied to where torch aligns memory, as results may depend on that, too.
                means.append(self._pooled_model(values[:, start:stop].clone()))
        return torch.cat(means).mean(dim=0).cpu().numpy()


class _MeanPooledModel(nn.Module):
    """From a waveform [1, frames] to float32 [1, dim]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self._model = model

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        hidden = self._model(waveform).last_hidden_state  # [1, steps, dim]
        return hidden.float().mean(dim=1)
