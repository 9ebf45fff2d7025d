"""The wav2vec 2.0 encoders (also HuBERT and WavLM): mean of the last layer over time."""

from __future__ import annotations

import numpy as np
import torch
import transformers
from torch import nn

from core.encoders import openvino
from core.encoders.audio import AudioEncoder
from core.encoders.device import ComputeConfig
from core.encoders.pretrained_loading import (
    load_feature_extractor,
    load_pretrained_model,
    silence_transformers,
)
from core.encoders.spec import EncoderSpec
from core.encoders.windowing import split_into_windows

# Attention grows with the square of the length, and training used at most half a minute of speech;
# longer clips are split into equal windows.
MAX_WINDOW_SECONDS = 30.0
# Lengths of the noise on which OpenVINO is compared with torch.
PROBE_NOISE_SECONDS = (1.0, 0.5, 1.7)


class Wav2Vec2Encoder(AudioEncoder):
    """A model of raw waveforms with its feature extractor, which normalizes the level.

    Parameters
    ----------
    spec : EncoderSpec
    compute : ComputeConfig
    """

    def __init__(self, spec: EncoderSpec, compute: ComputeConfig):
        super().__init__(spec, compute.device)
        folder = spec.weights.resolve_weights_path(spec.id)
        self._compute = compute
        self._feature_extractor = load_feature_extractor(folder, spec.id)
        model = _MeanPooledModel(
            load_pretrained_model(transformers.AutoModel, folder, spec.id)
        ).eval()
        compiled_model = None
        if compute.use_openvino:
            probe_lengths = [int(seconds * self._sample_rate) for seconds in PROBE_NOISE_SECONDS]
            with silence_transformers():
                compiled_model = openvino.compile_and_verify_model(model, compute, probe_lengths)
        self._pooled_model = compiled_model or compute.prepare_model_for_inference(model)

    def _embed_waveform(self, waveform: np.ndarray) -> np.ndarray:
        inputs = self._feature_extractor(
            waveform, sampling_rate=self._sample_rate, return_tensors="pt"
        )
        values = inputs["input_values"].to(self._compute.device)  # [1, frames]
        max_frames = int(MAX_WINDOW_SECONDS * self._sample_rate)
        means = []
        for start, stop in split_into_windows(values.shape[1], max_frames):
            with torch.inference_mode(), self._compute.autocast():
                # Cloned into memory aligned by torch: the last bits may depend on alignment.
                means.append(self._pooled_model(values[:, start:stop].clone()))
        return torch.cat(means).mean(dim=0).cpu().numpy()


class _MeanPooledModel(nn.Module):
    """A model from a waveform [1, frames] to a vector, float32 [1, dim]."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self._model = model

    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        hidden = self._model(waveform).last_hidden_state  # [1, steps, dim]
        return hidden.float().mean(dim=1)
